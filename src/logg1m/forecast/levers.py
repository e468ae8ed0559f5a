"""Levers: what else could be known or done, each on the same stars, and what it brings.

Every lever changes the information of a star: a Gaussian prior on a label adds 1/s² to its diagonal, a nuisance takes its
Schur complement, a window is a sum over its pixels. What it brings is said four ways: Δσ of the median bound, Δ MSE and ΔR²
of the prior-aware bound (an approximation of the optimal estimator), and the factor in exposure time that brings the same
MSE.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds import fisher
from logg1m.config.bounds import Bootstrap
from logg1m.config.conditions import Nuisances
from logg1m.config.forecast import Forecast
from logg1m.forecast.line_spread import by_width
from logg1m.forecast.scene import Parts, Scene, bounds
from logg1m.metrics import Statistic
from logg1m.observe import LABELS, Conditions
from logg1m.observe.survey import Columns

FACTORS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1 / 1.4, 1.0, 1.4, 2.0, 4.0, 8.0, 16.0, 64.0, 512.0, np.inf)  # of exposure time
_LONGER = (2.0, 4.0, 8.0, np.inf)
_HALF_A_PIXEL = 0.5


@dataclass(frozen=True)
class Lever:
    """What is changed: key, what it belongs to, in words, and the σ (N, 2) that is left, columns bound and posterior."""

    key: str
    group: str
    words: str
    sigma: pd.DataFrame


class Levers:
    """The levers of stars that are observed under conditions of their own.

    Parameters
    ----------
    scene : N stars; conditions : theirs, (N,)
    nuisances : what is unknown of them already
    exposures : how many they have
    ranges, max_condition : as in `fisher.bounds`
    """

    def __init__(
        self,
        scene: Scene,
        conditions: Conditions,
        nuisances: Nuisances,
        exposures: float,
        ranges: dict[str, float],
        max_condition: float,
    ) -> None:
        self.scene, self.conditions, self.nuisances, self.exposures = scene, conditions, nuisances, exposures
        self._how = ranges, max_condition
        self.parts = scene.parts(conditions)
        self.base = self._sigma(scene.information(self.parts, exposures))

    def _sigma(self, information: np.ndarray) -> pd.DataFrame:
        return bounds(information, *self._how)

    def _of(self, scene: Scene, parts: Parts | None = None, exposures: float | None = None) -> pd.DataFrame:
        count = self.exposures if exposures is None else exposures
        return self._sigma(scene.information(parts or self.parts, count))

    def curve(self) -> np.ndarray:
        """Squared prior-aware σ (N, F) at every factor of exposure time of `FACTORS`, dex²."""
        found = [self._of(self.scene, exposures=self.exposures * f)["posterior"].to_numpy() for f in FACTORS]
        return np.asarray(np.square(np.stack(found, axis=1)))

    def all(self, config: Forecast) -> Iterator[Lever]:
        """Every lever, and the caveat on registration, which is none."""
        yield from self.longer()
        yield from self.priors(config)
        yield from self.sky(config)
        yield from self.calibration(config)
        yield from self.line_spread(config)
        yield from self.windows(config.window)
        yield self.registration()

    def longer(self) -> Iterator[Lever]:
        for factor in _LONGER:
            words = (
                f"{factor:g} × the exposure time" if np.isfinite(factor) else "endless exposure: the sky residual alone"
            )
            yield Lever(f"time_{factor:g}", "exposure", words, self._of(self.scene, exposures=self.exposures * factor))

    def priors(self, config: Forecast) -> Iterator[Lever]:
        """What photometry may know of Teff and [M/H], one at a time, and the best of both together."""
        ours = self.scene.information(self.parts, self.exposures)
        teff = [(f"teff_{s:g}", f"Teff known to ± {s:g} K", {"teff": s}) for s in config.teff_priors]
        m_h = [(f"m_h_{s:g}", f"[M/H] known to ± {s:g} dex", {"m_h": s}) for s in config.m_h_priors]
        pairs = [(t[0] + "_" + m[0], f"{t[1]} and {m[1]}", t[2] | m[2]) for t in teff[:1] for m in m_h[:1]]
        for key, words, known in teff + m_h + pairs:
            yield Lever(key, "prior", words, self._sigma(ours + prior_information(known)))

    def sky(self, config: Forecast) -> Iterator[Lever]:
        for residual in config.sky_residual:
            parts = self.scene.parts(self.conditions, residual=residual)
            words = f"sky subtraction that leaves {100 * residual:g} % of the sky, not 1 %"
            yield Lever(f"sky_{residual:g}", "sky", words, self._of(self.scene, parts))

    def calibration(self, config: Forecast) -> Iterator[Lever]:
        """Flux calibration of a given quality in place of the configured one: better, or not as good as is assumed."""
        for error in config.calibration:
            wanted = (error,) * 3 if error else ()
            if wanted == self.nuisances.calibration:
                continue
            free = error > 0 or self.nuisances.ebv > 0
            changed = {"calibration": wanted, "amplitude": "free" if free else self.nuisances.amplitude}
            columns = Columns(Nuisances.model_validate(self.nuisances.model_dump() | changed), self.scene.observer.wave)
            words = f"flux calibration to {100 * error:g} % (orders 1–3 each)" if error else "perfect flux calibration"
            yield Lever(f"calibration_{error:g}", "calibration", words, self._of(self.scene.with_columns(columns)))

    def line_spread(self, config: Forecast) -> Iterator[Lever]:
        """A line spread whose width is not known exactly, which is what everything else assumes."""
        column = by_width(self.scene.observer, self.scene.labels)
        for error in filter(None, config.line_spread):
            words = f"line spread known to {100 * error:g} %, not exactly"
            yield Lever(
                f"line_spread_{error:g}", "line_spread", words, self._of(self.scene.with_unknown(column, error))
            )

    def windows(self, width: float) -> Iterator[Lever]:
        """Every window of so many Å left out, and alone."""
        error, wave = self.scene.error(self.parts, self.exposures), self.scene.observer.wave
        start = np.floor(wave[0] / width) * width
        number = ((wave - start) / width).astype(int)
        inside = {int(k): number == k for k in np.unique(number)}
        parts = {
            k: fisher.fisher_information(self.scene.jacobian[:, :, pixels], error[:, pixels])
            for k, pixels in inside.items()
        }
        total = np.sum(list(parts.values()), axis=0)
        for k, part in parts.items():
            low = start + k * width
            where = f"{low:g}–{low + width:g} Å"
            for key, words, left in (
                (f"without_{low:g}", f"without {where}", total - part),
                (f"only_{low:g}", f"{where} alone", part),
            ):
                yield Lever(key, "window", words, self._sigma(self.scene.marginalised(left)))

    def registration(self) -> Lever:
        """The sky moved half a pixel to the blue: where its lines belong (a caveat of the instrument's table)."""
        parts = self.scene.parts(self.conditions, moved=_HALF_A_PIXEL)
        words = "sky lines half a pixel bluer, where they belong"
        return Lever("registration", "caveat", words, self._of(self.scene, parts))


def prior_information(known: Mapping[str, float]) -> np.ndarray:
    """Information (5, 5) of Gaussian priors, label → 1σ (K, dex): 1/s² on the diagonal."""
    return np.diag([1 / known[name] ** 2 if name in known else 0.0 for name in LABELS])


def gains(
    lever: Lever, base: pd.DataFrame, curve: np.ndarray, variance: float, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """What a lever brings, with paired intervals over stars.

    Parameters
    ----------
    base : σ without it; curve : (N, F), see `Levers.curve`
    variance : of log g under the prior, dex²

    Returns
    -------
    lever, group, words, n; sigma, Δσ of the median bound over stars that have both, dex; mse, dex², and r2, of the prior-aware
    bound; exposure, the factor in exposure time that brings the same MSE, at most 512; beyond, whether no exposure time does
    """
    squared, before = lever.sigma["posterior"].to_numpy() ** 2, base["posterior"].to_numpy() ** 2
    both = np.isfinite(lever.sigma["bound"]) & np.isfinite(base["bound"])
    after_bound, before_bound = (t["bound"].to_numpy()[both] for t in (lever.sigma, base))
    n, change = len(before), squared - before
    found = {
        "mse": metrics.with_interval(metrics.mean(change), n, bootstrap, seed),
        "r2": metrics.with_interval(metrics.mean(-change / variance), n, bootstrap, seed),
        "exposure": metrics.with_interval(same_exposure(squared, curve), n, bootstrap, seed),
    }
    nothing = metrics.not_measured(bootstrap.level)
    sigma = nothing
    if both.any():
        after, first = metrics.median(after_bound), metrics.median(before_bound)
        sigma = metrics.with_interval(lambda c: after(c) - first(c), int(both.sum()), bootstrap, seed)
    about = {"lever": lever.key, "group": lever.group, "words": lever.words, "n": n}
    return about | {"sigma": sigma, **found, "beyond": bool(squared.mean() <= curve[:, -1].mean())}


def same_exposure(squared: np.ndarray, curve: np.ndarray) -> Statistic:
    """Factor of exposure time at which the mean of `curve` (N, F) is that of `squared` (N,), as a statistic of counts.

    ln factor is linear in ln MSE between the finite factors of `FACTORS`; what lies beyond them is the last of them.
    """
    finite = np.log(FACTORS[:-1])

    def statistic(counts: np.ndarray) -> np.ndarray:
        wanted, means = -np.log(counts @ squared), -np.log(counts @ curve[:, :-1])
        return np.exp([np.interp(value, at, finite) for value, at in zip(wanted, means)])

    return statistic
