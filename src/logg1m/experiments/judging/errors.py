"""Predictions of every variant and seed on one test set, and every metric of them as a statistic of counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.experiments.judging import resampling
from logg1m.experiments.judging.bias import BIN_WIDTH, bias_scatter
from logg1m.experiments.judging.cross_talk import explained_share
from logg1m.experiments.judging.epochs import Scores, Work
from logg1m.metrics import Statistic
from logg1m.scatter import Scatter

# Conditions of nn.robustness that criteria are made from, and what they are compared with (None: as they are).
LOSS_UNDER: dict[str, tuple[str, str | None]] = {
    "crop_loss": ("crop_10", None),
    "shift_loss": ("shift_64", "hidden_64"),
}


@dataclass(frozen=True)
class Runs:
    """Predictions of every variant and seed on one test set.

    truth, about[...] : (N,); low_noise : (N,) bool; errors : variant → (S, N), dex
    further : quantity → variant → (S, N): errors of other labels (teff in K, m_h in dex) and errors of log g under the
        conditions of `nn.robustness` (dex; NaN for spectra that were not tried), for the variants that have them
    scores : variant → validation score after every epoch (E,), one per seed
    resampled : variant → the same of resampled validation stars (B, E), for the variants that have them
    work : variant → passes of one spectrum per epoch, and before the first
    seed_scatter : metric → scatter between seeds that is assumed, none where it is left out
    leaky : variants whose scatter says nothing of the others': they see what gives log g away
    """

    truth: np.ndarray
    low_noise: np.ndarray
    about: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    further: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    resampled: Scores = field(default_factory=dict)
    work: Mapping[str, Work] = field(default_factory=dict)
    seed_scatter: Mapping[str, float] = field(default_factory=dict)
    leaky: frozenset[str] = frozenset()
    _scatters: dict[tuple[str, str], Scatter] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        tables: dict[str, list[pd.DataFrame]],
        members: pd.DataFrame,
        labels: pd.DataFrame,
        robustness: dict[str, list[pd.DataFrame]] | None = None,
    ) -> "Runs":
        """From predictions (columns id, truth, predicted, and predicted_teff, predicted_m_h where there are such heads)
        and predictions under conditions (id and a column per condition), per variant and seed; all on the same spectra.
        """
        first = next(iter(tables.values()))[0].sort_values("id")
        ids, truth = first["id"].to_numpy(), first["truth"].to_numpy(dtype=np.float64)
        errors: dict[str, np.ndarray] = {}
        further: dict[str, dict[str, np.ndarray]] = {}
        for name, seeds in tables.items():
            ordered = [table.sort_values("id") for table in seeds]
            if any(not np.array_equal(table["id"].to_numpy(), ids) for table in ordered):
                raise ValueError(f"variant {name} was tested on other spectra than the first variant")
            errors[name] = np.stack([(t["predicted"] - t["truth"]).to_numpy(dtype=np.float64) for t in ordered])
            for label in BIN_WIDTH:
                if all(f"predicted_{label}" in t for t in ordered):
                    predicted = np.stack([t[f"predicted_{label}"].to_numpy(dtype=np.float64) for t in ordered])
                    further.setdefault(label, {})[name] = predicted - labels.loc[ids, label].to_numpy()
        for name, seeds in (robustness or {}).items():
            by_id = [table.set_index("id").reindex(ids) for table in seeds]
            for condition in by_id[0].columns:
                predicted = np.stack([t[condition].to_numpy(dtype=np.float64) for t in by_id])
                further.setdefault(condition, {})[name] = predicted - truth
        about = {name: labels.loc[ids, name].to_numpy() for name in BIN_WIDTH}
        return cls(truth, members.loc[ids, "low_noise"].to_numpy(dtype=bool), about, errors, further)

    def inside(self, subset: str) -> np.ndarray:
        """Which spectra belong to a test: low_noise, or full, (N,)."""
        return self.low_noise if subset == "low_noise" else np.ones(len(self.truth), dtype=bool)

    def of_seeds(self, metric: str, variant: str, subset: np.ndarray) -> list[Statistic]:
        """`statistic` of every seed."""
        return [self.statistic(metric, variant, k, subset) for k in range(len(self.errors[variant]))]

    def scatter(self, metric: str, subset: str) -> Scatter:
        """Scatter between seeds of a metric, pooled over all variants of the experiment but leaky ones."""
        if (metric, subset) not in self._scatters:
            inside = self.inside(subset)
            several = [name for name, e in self.errors.items() if len(e) > 1 and name not in self.leaky]
            groups = [resampling.per_seed(self.of_seeds(metric, name, inside), int(inside.sum())) for name in several]
            self._scatters[metric, subset] = Scatter.pooled(groups, self.seed_scatter.get(metric, 0.0))
        return self._scatters[metric, subset]

    def statistic(self, metric: str, variant: str, number: int, subset: np.ndarray) -> Statistic:
        """A metric of one variant and seed number on a subset (N,), as a statistic of counts; NaN if not measured."""
        part, truth = self.errors[variant][number][subset], self.truth[subset]
        if metric == "r2":
            return metrics.r2(truth, part)
        if metric == "mae":
            return metrics.mean(np.abs(part))
        if metric == "rmse":
            return metrics.rms(part)
        if metric == "nmad":
            return metrics.nmad(part)
        if metric == "median_bias":
            middle = metrics.median(part)
            return lambda counts: np.asarray(np.abs(middle(counts)), dtype=np.float64)
        if metric == "outlier_rate":
            return metrics.mean(np.abs(part) > metrics.OUTLIER)
        if metric.startswith("bias_"):
            label = metric.removeprefix("bias_")
            return bias_scatter(part, self.about[label][subset], BIN_WIDTH[label])
        wanted = {"cross_talk": ("teff", "m_h"), "mae_teff": ("teff",), "mae_m_h": ("m_h",)}
        sources = wanted.get(metric) or tuple(name for name in LOSS_UNDER[metric] if name)
        others = [self.further[s][variant][number][subset] for s in sources if variant in self.further.get(s, {})]
        if len(others) < len(sources):
            return lambda counts: np.full(len(counts), np.nan)
        if metric == "cross_talk":
            return explained_share(part, np.stack(others, axis=1))
        if metric in LOSS_UNDER:
            under, control = metrics.r2(truth, others[0]), metrics.r2(truth, others[1] if len(others) > 1 else part)
            return lambda counts: control(counts) - under(counts)
        return metrics.mean(np.abs(others[0]))
