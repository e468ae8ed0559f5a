"""σ(log g) against exposure time, magnitude and conditions, and the exposure time that a goal needs.

Exposure time t means n = t / observation.exposure_time exposures, a real number. What sky subtraction leaves does not
average down, so that σ has a floor; a goal below it is not reachable by exposure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from logg1m.config.forecast import Forecast
from logg1m.forecast.scene import Parts, Scene, Setting, bounds
from logg1m.forecast.stars import POPULATION, Star

KINDS = ("bound", "posterior")  # by the CRLB of five labels; with the prior, approximately
_STEPS = 50  # of a bisection in 1/exposures, from 0, the limit, to 1: good to 1e-15
VARIED = {
    "seeing": "seeing",
    "zenith_angle": "zenith_angle",
    "field_angle": "field_angle",
    "sky_continuum": "continuum",
}  # key of the configuration → field of a setting


class Exposures:
    """Exposure times of one scene, and what they bring.

    Parameters
    ----------
    ranges : label → width of its prior (`fisher.prior_ranges`)
    max_condition : of the Fisher matrix, above which a bound failed
    """

    def __init__(self, scene: Scene, ranges: dict[str, float], max_condition: float) -> None:
        self.scene, self._how = scene, (ranges, max_condition)
        self.exposure_time = scene.observer.observation.exposure_time

    def exposures(self, hours: float) -> float:
        """How many exposures so many hours are; a real number."""
        return hours * 3600 / self.exposure_time

    def sigma(self, parts: Parts, exposures: float | np.ndarray) -> pd.DataFrame:
        """σ(log g), dex, of every star: bound and posterior. Of ∞ exposures: what the part of the noise that does not average
        down leaves, 0 where there is none."""
        if np.isinf(exposures).all() and not parts.coherent.any():
            return pd.DataFrame(0.0, index=range(len(self.scene)), columns=[*KINDS])
        return bounds(self.scene.information(parts, exposures), *self._how)

    def grid(self, magnitudes: Sequence[float], hours: Sequence[float]) -> np.ndarray:
        """σ (magnitudes, hours and one more for the limit, N, 2), bound and posterior."""
        found = np.empty((len(magnitudes), len(hours) + 1, len(self.scene), 2))
        for i, mag in enumerate(magnitudes):
            parts = self.parts(Setting(mag, 1))
            for j, time in enumerate([*hours, np.inf]):
                found[i, j] = self.sigma(parts, self.exposures(time))[list(KINDS)]
        return found

    def parts(self, at: Setting) -> Parts:
        """Of all stars, observed in one way."""
        return self.scene.parts(at.conditions(), at.continuum, at.residual)

    def needed(self, at: Setting, goal: float, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Hours (N,) that σ of a kind needs to come down to a goal, dex, and its floor (N,), which σ nears and never reaches;
        ∞ hours: not reachable by exposure. One exposure is the least; those of `at` do not count. NaN where a bound failed."""
        parts = self.parts(at)
        first, floor = (self.sigma(parts, n)[kind].to_numpy() for n in (1.0, np.inf))
        low, high = np.zeros(len(self.scene)), np.ones(len(self.scene))  # of 1/exposures
        for _ in range(_STEPS):
            middle = (low + high) / 2
            enough = self.sigma(parts, 1 / middle)[kind].to_numpy() <= goal
            low, high = np.where(enough, middle, low), np.where(enough, high, middle)
        with np.errstate(divide="ignore"):
            exposures = np.where(first <= goal, 1.0, np.where(floor < goal, 1 / low, np.inf))
        hours = exposures * self.exposure_time / 3600
        return np.where(np.isfinite(floor), hours, np.nan), floor

    def median_needed(self, at: Setting, goal: float, kind: str) -> float | None:
        """Hours until the median σ over stars has come down to a goal; None: not reachable by exposure."""
        parts = self.parts(at)

        def above(share: float) -> float:
            return float(self.sigma(parts, 1 / share if share else np.inf)[kind].median() ** 2 - goal**2)

        if not above(0.0) < 0:
            return None
        exposures = 1.0 if above(1.0) <= 0 else 1 / brentq(above, 0.0, 1.0, xtol=1e-15, rtol=1e-6)
        return float(exposures * self.exposure_time / 3600)


def grid_rows(grid: np.ndarray, config: Forecast, exposures: Exposures) -> Iterator[dict[str, Any]]:
    """Rows of a population: mag, hours (None: the limit), exposures, and of bound and posterior median, p10, p90 over
    stars, how many failed, and the share of all that reach the goal."""
    for i, mag in enumerate(config.magnitudes):
        for j, hours in enumerate([*config.hours, None]):
            count = None if hours is None else exposures.exposures(hours)
            row = {"mag": mag, "hours": hours, "exposures": count}
            yield row | {kind: spread(grid[i, j, :, k], config.goal) for k, kind in enumerate(KINDS)}


def spread(sigma: np.ndarray, goal: float) -> dict[str, Any]:
    """Median, p10 and p90 of σ (N,) over stars that have one, how many have none, and the share of all at the goal."""
    good = sigma[np.isfinite(sigma)]
    p10, middle, p90 = np.percentile(good, [10, 50, 90]) if len(good) else (float("nan"),) * 3
    share = float((good <= goal).sum() / len(sigma))
    return {"median": middle, "p10": p10, "p90": p90, "n_failed": len(sigma) - len(good), "share_at_goal": share}


def star_rows(grid: np.ndarray, star: int, config: Forecast, exposures: Exposures) -> Iterator[dict[str, Any]]:
    """Rows of one named star: mag, hours (None: the limit), exposures, bound, posterior."""
    for i, mag in enumerate(config.magnitudes):
        for j, hours in enumerate([*config.hours, None]):
            count = None if hours is None else exposures.exposures(hours)
            row = {"mag": mag, "hours": hours, "exposures": count}
            yield row | {kind: float(grid[i, j, star, k]) for k, kind in enumerate(KINDS)}


def needed_rows(
    of_stars: Exposures | None, stars: Sequence[Star], grid: np.ndarray, population: Exposures, config: Forecast
) -> Iterator[dict[str, Any]]:
    """Hours to the goal at every magnitude, of every star and of the median star of the population.

    of_stars : None where there are no named stars; grid : of the population, between whose times its median is interpolated
    """
    for i, mag in enumerate(config.magnitudes):
        if of_stars:
            found = {kind: of_stars.needed(Setting(mag, 1), config.goal, kind) for kind in KINDS}
            for k, star in enumerate(stars):
                row = {"star": star.name, "mag": mag, "goal": config.goal}
                yield row | {kind: _needed(hours[k], floor[k], of_stars) for kind, (hours, floor) in found.items()}
        row = {"star": POPULATION, "mag": mag, "goal": config.goal}
        yield row | {
            kind: _needed(*_median_needed(grid[i, :, :, k], config), population) for k, kind in enumerate(KINDS)
        }


def _needed(hours: float, floor: float, exposures: Exposures) -> dict[str, Any]:
    """How long a goal takes; what is not reachable by exposure says so."""
    reachable = bool(np.isfinite(hours))
    return {
        "reachable": reachable,
        "hours": float(hours) if reachable else None,
        "exposures": float(np.ceil(exposures.exposures(float(hours)) - 1e-6)) if reachable else None,
        "floor": float(floor) if np.isfinite(floor) else None,
    }


def _median_needed(sigma: np.ndarray, config: Forecast) -> tuple[float, float]:
    """Hours at which the median σ over stars (hours and the limit, N) falls to the goal, and its floor: σ² linear in 1/t
    between the times asked for and the limit, 1/t = 0."""
    squared, share = np.nanmedian(sigma, axis=1) ** 2, 1 / np.array([*config.hours, np.inf])
    floor, order = float(np.sqrt(squared[-1])), np.argsort(share)
    if floor >= config.goal:
        return np.inf, floor
    return float(1 / np.interp(config.goal**2, squared[order], share[order])), floor


def condition_rows(
    named: Exposures | None, stars: Sequence[Star], population: Exposures, config: Forecast
) -> Iterator[dict[str, Any]]:
    """σ at one magnitude and time as one condition at a time is varied: of every star, and the population's median."""
    reference = Setting(config.at_magnitude, population.exposures(config.at_hours))
    for name, field in VARIED.items():
        for value in getattr(config, name):
            at = replace(reference, **{field: value})
            row = {"varied": name, "value": value, "mag": config.at_magnitude, "hours": config.at_hours}
            for exposures in filter(None, (named, population)):
                sigma = exposures.sigma(exposures.parts(at), at.exposures)
                if exposures is population:
                    yield row | {"star": POPULATION} | {kind: float(sigma[kind].median()) for kind in KINDS}
                else:
                    for k, star in enumerate(stars):
                        yield row | {"star": star.name} | {kind: float(sigma[kind][k]) for kind in KINDS}
