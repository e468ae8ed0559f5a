"""Scatter between seeds beside that of the stars: standard errors, intervals and power of means over seeds.

The variance of what is compared is that of a paired bootstrap over stars of the mean over seeds, plus s² for every mean
of k seeds divided by k, with s the scatter between seeds pooled over all variants (the error variance of a one-way
layout). Only s is known from few values; its degrees of freedom make those of the sum (Satterthwaite 1946, Biometrics
Bulletin 2, 110, with the bootstrap's taken for many).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit  # Student's t; scipy.stats takes a second to import

# Degrees of freedom from which the pooled scatter is believed although it is below the configured one.
FEWEST_FREEDOM = 10
POWER = 0.8


@dataclass(frozen=True)
class Scatter:
    """Scatter between seeds of one metric, in its unit.

    freedom : degrees of freedom that it was pooled from; infinite where the configured one stands
    """

    value: float
    freedom: float = np.inf

    @classmethod
    def pooled(cls, groups: Iterable[np.ndarray], configured: float) -> "Scatter":
        """From the values per seed of every variant, each (S,); not below the configured scatter while these are few.

        With one seed each the configured scatter stands for it.
        """
        known = [group for group in groups if len(group) > 1 and np.isfinite(group).all()]
        freedom = sum(len(group) - 1 for group in known)
        if not freedom:
            return cls(configured)
        value = float(np.sqrt(sum(((group - group.mean()) ** 2).sum() for group in known) / freedom))
        return cls(configured) if freedom < FEWEST_FREEDOM and value < configured else cls(value, freedom)

    @property
    def is_configured(self) -> bool:
        """Whether it was assumed and not measured."""
        return not np.isfinite(self.freedom)


@dataclass(frozen=True)
class Uncertainty:
    """Standard error of a value, and the degrees of freedom behind it."""

    error: float
    freedom: float

    @classmethod
    def of(cls, replicates: np.ndarray, scatter: Scatter, share: float) -> "Uncertainty":
        """Stars and seeds together.

        Parameters
        ----------
        replicates : of the value, by a bootstrap over stars (B,); undefined ones are left out
        scatter : between seeds, in the unit of the value
        share : sum over the means that are compared of 1 / (number of seeds)
        """
        known = replicates[np.isfinite(replicates)]
        if len(known) < 2:
            return cls(np.nan, np.inf)
        stars, seeds = float(np.var(known, ddof=1)), share * scatter.value**2
        freedom = scatter.freedom * ((stars + seeds) / seeds) ** 2 if seeds > 0 else np.inf
        return cls(float(np.sqrt(stars + seeds)), freedom)

    def interval(self, value: float, level: float) -> list[float]:
        """Central interval about a value."""
        half = stdtrit(self.freedom, (1 + level) / 2) * self.error
        return [float(value - half), float(value + half)]

    def p_value(self, value: float, margin: float) -> float:
        """Of the hypothesis that the truth is at most the margin, one-sided; 1 where nothing is known."""
        if not np.isfinite([value, self.error]).all():
            return 1.0
        if self.error == 0:
            return float(value <= margin)
        return float(stdtr(self.freedom, (margin - value) / self.error))

    def detectable(self, margin: float, size: float) -> float:
        """The smallest true value that a one-sided test of this size against the margin accepts with 80 % power."""
        return float(margin + (stdtrit(self.freedom, 1 - size) + stdtrit(self.freedom, POWER)) * self.error)


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Adjusted p-values of a family, by name (Holm 1979, Scand. J. Statist. 6, 65): below a size all of which it bounds."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = highest
    return adjusted
