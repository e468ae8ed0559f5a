"""forecast.json: what exposure time, conditions and levers do to σ(log g)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import metrics
from logg1m.bounds import fisher
from logg1m.bounds.sweep import FIELD_ANGLE, SEEING, ZENITH_ANGLE
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Data
from logg1m.config.forecast import Forecast
from logg1m.forecast.exposure import KINDS, Exposures, condition_rows, grid_rows, needed_rows, star_rows
from logg1m.forecast.levers import Lever, Levers, gains
from logg1m.forecast.limits import require_magnitudes, within
from logg1m.forecast.other_arms import other_arms
from logg1m.forecast.scene import Scene, Setting
from logg1m.forecast.stars import inside, labels_of, population
from logg1m.observe import LABELS, Observer
from logg1m.observe.survey import Columns, bad_pixels
from logg1m.sources.embedded import EmbeddedSource

MEANING = {
    "bound": "Cramér–Rao bound on log g, the other labels and all nuisances marginalised, exact derivatives",
    "posterior": "the same with the prior of the labels as a Gaussian of its variance: an approximation",
    "hours": "exposure time; the number of exposures is hours · 3600 / exposure_time, not rounded; null: the limit, in "
    "which only what sky subtraction leaves of the sky is left",
    "sky_continuum": "an assumption: the dark sky between its lines times this factor, lines as they are",
    "stars": "round labels beside isochrones of 10–12 Gyr; the tip of the giant branch itself lies below the grid's log g",
}


def exposure_part(
    observer: Observer,
    data: Data,
    config: Forecast,
    noise_level: float,
    max_condition: float,
    seed: int,
) -> dict[str, Any]:
    """What exposure time, magnitude and conditions do: of the population and of the named stars inside grid and priors.

    Returns
    -------
    population {n, rows}, stars [{name, words, labels, rows}], needed and conditions, rows of `exposure`; reference
    conditions, exposure_time in s, goal in dex

    Raises
    ------
    InputError
        If a magnitude is one that the noise model does not carry.
    """
    priors, time = data.priors.model_dump(), data.observation.exposure_time
    require_magnitudes(config.magnitudes, time, "forecast.magnitudes: i")
    require_magnitudes([config.at_magnitude], time, "forecast.at_magnitude: i")
    ranges, columns = fisher.prior_ranges(priors), Columns(data.observation.nuisances, observer.wave)
    how = ranges, max_condition
    stars = within(priors, inside(observer.grid))
    named = Exposures(Scene.of(observer, labels_of(stars), columns, noise_level), *how) if stars else None
    everyone = Exposures(Scene.of(observer, population(priors, seed, config.stars), columns, noise_level), *how)
    at = config.magnitudes, config.hours
    of_named, of_everyone = named.grid(*at) if named else np.empty(0), everyone.grid(*at)
    return {
        "goal": config.goal,
        "at_magnitude": config.at_magnitude if config.at_magnitude in config.magnitudes else config.magnitudes[0],
        "noise_level": noise_level,
        "exposure_time": observer.observation.exposure_time,
        "reference": {"seeing": SEEING, "zenith_angle": ZENITH_ANGLE, "field_angle": FIELD_ANGLE, "sky_continuum": 1.0},
        "meaning": MEANING,
        "population": {"n": config.stars, "rows": [*grid_rows(of_everyone, config, everyone)]},
        "stars": [
            {
                "name": star.name,
                "words": star.words,
                "labels": dict(zip(LABELS, star.labels)),
                "rows": [*star_rows(of_named, k, config, named)],
            }
            for k, star in enumerate(stars)
            if named
        ],
        "needed": [*needed_rows(named, stars, of_everyone, everyone, config)],
        "conditions": [*condition_rows(named, stars, everyone, config)],
    }


def levers_part(
    source: EmbeddedSource,
    subsets: Mapping[str, np.ndarray],
    config: Forecast,
    bootstrap: Bootstrap,
    noise_level: float,
    max_condition: float,
) -> dict[str, Any]:
    """What every lever brings on stars of the run as they were observed, and on the named stars.

    Parameters
    ----------
    subsets : name → ids of stars; those without a star are left out

    Returns
    -------
    subsets: name → {n, base {sigma, mse, r2}, rows}, rows of `levers.gains`; stars: σ of every named star at one magnitude
    and time with every lever; arms: of those, other arms and resolutions beside what they replace
    """
    data, seed = source.data, source.seed
    observer = Observer(source.grid, data.observation, dtype=torch.float64)
    ranges, nuisances = fisher.prior_ranges(data.priors.model_dump()), data.observation.nuisances
    columns, variance = Columns(nuisances, observer.wave), ranges["logg"] ** 2 / 12
    how = ranges, max_condition
    found: dict[str, Any] = {}
    for name, ids in subsets.items():
        if not len(ids):
            continue
        labels, conditions = source.draw(ids)
        scene = Scene.of(observer, labels, columns, noise_level, conditions.redshift)
        if data.observation.masks:
            scene = replace(scene, mask=bad_pixels(data.observation, seed, ids, observer.wave) != 0)
        levers = Levers(scene, conditions, nuisances, data.observation.exposures, *how)
        curve = levers.curve()
        at = levers, conditions, conditions.redshift, data, data.observation.exposures, how
        every = [*levers.all(config), *other_arms(*at, seed=seed, ids=ids)]
        rows = [gains(lever, levers.base, curve, variance, bootstrap, seed) for lever in every]
        found[name] = {"n": len(ids), "base": base(levers.base, variance, bootstrap, seed), "rows": rows}
    named = [*_of_named(observer, data, config, columns, noise_level, how)]
    return {"subsets": found, "stars": named, "arms": [*_arms(named, config)]}


def base(sigma: pd.DataFrame, variance: float, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """σ of the median bound, and MSE and R² by the prior-aware bound, before anything is changed."""
    squared, bound = sigma["posterior"].to_numpy() ** 2, sigma["bound"].to_numpy()
    good = bound[np.isfinite(bound)]
    return {
        "sigma": metrics.median_with_interval(good, bootstrap.level)
        if len(good)
        else metrics.not_measured(bootstrap.level),
        "mse": metrics.with_interval(metrics.mean(squared), len(squared), bootstrap, seed),
        "r2": metrics.with_interval(metrics.mean(1 - squared / variance), len(squared), bootstrap, seed),
    }


def _of_named(
    observer: Observer,
    data: Data,
    config: Forecast,
    columns: Columns,
    noise_level: float,
    how: tuple[dict[str, float], float],
) -> Iterator[dict[str, Any]]:
    """Rows star, lever, group, words, bound, posterior (dex) at one magnitude and time; lever None: as it is."""
    stars = within(data.priors.model_dump(), inside(observer.grid))
    if not stars:
        return
    scene = Scene.of(observer, labels_of(stars), columns, noise_level)
    count = config.at_hours * 3600 / observer.observation.exposure_time
    conditions = Setting(config.at_magnitude, count).conditions()[np.zeros(len(stars), dtype=int)]
    levers = Levers(scene, conditions, data.observation.nuisances, count, *how)
    as_it_is = Lever("none", "none", "as it is", levers.base)
    rest = np.zeros(len(stars))
    for lever in (as_it_is, *levers.all(config), *other_arms(levers, conditions, rest, data, count, how)):
        for k, star in enumerate(stars):
            sigma = {kind: float(lever.sigma[kind][k]) for kind in KINDS}
            yield {"star": star.name, "lever": lever.key, "group": lever.group, "words": lever.words} | sigma


def _arms(named: list[dict[str, Any]], config: Forecast) -> Iterator[dict[str, Any]]:
    """Rows star, mag, hours, lever, words, bound, bound_before, posterior, posterior_before: σ, dex, through other arms."""
    before = {row["star"]: row for row in named if row["lever"] == "none"}
    for row in named:
        if row["group"] in ("resolution", "arms"):
            about = {"star": row["star"], "mag": config.at_magnitude, "hours": config.at_hours}
            about |= {"lever": row["lever"], "words": row["words"]}
            yield about | {
                name: value for k in KINDS for name, value in ((k, row[k]), (f"{k}_before", before[row["star"]][k]))
            }
