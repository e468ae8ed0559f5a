"""forecast.json: what exposure time, conditions and levers do to σ(log g)."""

from collections.abc import Sequence
from typing import Any

from logg1m.bounds import fisher
from logg1m.bounds.sweep import FIELD_ANGLE, SEEING, ZENITH_ANGLE
from logg1m.config.data import Data
from logg1m.config.forecast import Forecast
from logg1m.forecast.exposure import Exposures, condition_rows, grid_rows, needed_rows, star_rows
from logg1m.forecast.scene import Scene
from logg1m.forecast.stars import Star, inside, labels_of, population
from logg1m.observe import LABELS, WAVE, Observer
from logg1m.observe.survey import Columns

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
    stars: Sequence[Star] | None = None,
) -> dict[str, Any]:
    """What exposure time, magnitude and conditions do: of the population and of the named stars that the grid covers.

    Returns
    -------
    population {n, rows}, stars [{name, words, labels, rows}], needed and conditions, rows of `exposure`; reference
    conditions, exposure_time in s, goal in dex
    """
    priors = data.priors.model_dump()
    ranges, columns = fisher.prior_ranges(priors), Columns(data.observation.nuisances, WAVE)
    how = ranges, max_condition
    stars = inside(observer.grid) if stars is None else stars
    named = Exposures(Scene.of(observer, labels_of(tuple(stars)), columns, noise_level), *how)
    everyone = Exposures(Scene.of(observer, population(priors, seed, config.stars), columns, noise_level), *how)
    grids = [exposures.grid(config.magnitudes, config.hours) for exposures in (named, everyone)]
    return {
        "goal": config.goal,
        "noise_level": noise_level,
        "exposure_time": observer.observation.exposure_time,
        "reference": {"seeing": SEEING, "zenith_angle": ZENITH_ANGLE, "field_angle": FIELD_ANGLE, "sky_continuum": 1.0},
        "meaning": MEANING,
        "population": {"n": config.stars, "rows": [*grid_rows(grids[1], config, everyone)]},
        "stars": [
            {
                "name": star.name,
                "words": star.words,
                "labels": dict(zip(LABELS, star.labels)),
                "rows": [*star_rows(grids[0], k, config, named)],
            }
            for k, star in enumerate(stars)
        ],
        "needed": [*needed_rows(named, stars, grids[1], everyone, config)],
        "conditions": [*condition_rows(named, stars, everyone, config)],
    }
