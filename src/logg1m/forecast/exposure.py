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
_STEPS = 40  # of a bisection: the exposure time is good to 1e-9
_MOST = 1e7  # exposures that are looked at
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
        """σ(log g), dex, of every star: bound and posterior."""
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
        """Hours (N,) that σ of a kind needs to come down to a goal, dex, and its floor (N,); ∞ hours: not reachable by
        exposure. One exposure is the least; those of `at` do not count. NaN where a bound failed."""
        parts = self.parts(at)
        floor = self.sigma(parts, np.inf)[kind].to_numpy()
        low, high = np.zeros(len(self.scene)), np.full(len(self.scene), np.log(_MOST))
        reachable = self.sigma(parts, np.exp(high))[kind].to_numpy() <= goal
        for _ in range(_STEPS):
            middle = (low + high) / 2
            enough = self.sigma(parts, np.exp(middle))[kind].to_numpy() <= goal
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        first = self.sigma(parts, 1.0)[kind].to_numpy() <= goal
        exposures = np.where(first, 1.0, np.where(reachable, np.exp(high), np.inf))
        hours = exposures * self.exposure_time / 3600
        return np.where(np.isfinite(floor), hours, np.nan), floor

    def median_needed(self, at: Setting, goal: float, kind: str) -> float | None:
        """Hours until the median σ over stars has come down to a goal; None: not reachable by exposure."""
        parts = self.parts(at)

        def above(ln_exposures: float) -> float:
            return float(np.log(self.sigma(parts, np.exp(ln_exposures))[kind].median() / goal))

        first, last = 0.0, float(np.log(_MOST))
        if not above(last) < 0:
            return None
        exposures = 1.0 if above(first) <= 0 else float(np.exp(brentq(above, first, last, rtol=1e-6)))
        return exposures * self.exposure_time / 3600


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
    of_stars: Exposures, stars: Sequence[Star], grid: np.ndarray, population: Exposures, config: Forecast
) -> Iterator[dict[str, Any]]:
    """Hours to the goal at every magnitude, of every star and of the median star of the population.

    grid : of the population, between whose times its median is interpolated (ln σ linear in ln t)
    """
    for i, mag in enumerate(config.magnitudes):
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
    """Hours at which the median σ over stars (hours and the limit, N) falls to the goal, and its floor.

    A goal that takes longer than the longest time asked for is extrapolated by σ² = a + b/t from the last two times.
    """
    median, hours = np.nanmedian(sigma, axis=1), np.array(config.hours)
    floor, rising = float(median[-1]), np.argsort(hours)
    hours, middle = hours[rising], median[:-1][rising]
    if floor >= config.goal:
        return np.inf, floor
    if middle[0] <= config.goal:
        return float(hours[0]), floor
    if middle[-1] <= config.goal:
        return float(np.exp(np.interp(-np.log(config.goal), -np.log(middle), np.log(hours)))), floor
    return float(hours[-1] * (middle[-1] ** 2 - floor**2) / (config.goal**2 - floor**2)), floor


def condition_rows(
    named: Exposures, stars: Sequence[Star], population: Exposures, config: Forecast
) -> Iterator[dict[str, Any]]:
    """σ at one magnitude and time as one condition at a time is varied: of every star, and the population's median."""
    reference = Setting(config.at_magnitude, population.exposures(config.at_hours))
    for name, field in VARIED.items():
        for value in getattr(config, name):
            at = replace(reference, **{field: value})
            row = {"varied": name, "value": value, "mag": config.at_magnitude, "hours": config.at_hours}
            for exposures in (named, population):
                sigma = exposures.sigma(exposures.parts(at), at.exposures)
                if exposures is population:
                    yield row | {"star": POPULATION} | {kind: float(sigma[kind].median()) for kind in KINDS}
                else:
                    for k, star in enumerate(stars):
                        yield row | {"star": star.name} | {kind: float(sigma[kind][k]) for kind in KINDS}
