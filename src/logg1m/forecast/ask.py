"""One question, one line: how long until log g is known this well, of this star at this magnitude?

from logg1m.forecast.ask import ask
print(ask(mag=22, goal=0.2, star="clump"))
"""

from dataclasses import dataclass

import numpy as np
import torch

from logg1m.bounds import fisher
from logg1m.bounds.sweep import FIELD_ANGLE, SEEING, ZENITH_ANGLE
from logg1m.config import Config
from logg1m.files import InputError
from logg1m.forecast import limits, stars
from logg1m.forecast.exposure import Exposures
from logg1m.forecast.scene import Scene, Setting
from logg1m.observe import Observer, StellarGrid
from logg1m.observe.survey import Columns

_LONGEST = 24.0  # h, of which σ is said where a goal is out of reach


@dataclass(frozen=True)
class Answer:
    """What a goal takes.

    star, mag, goal : what was asked, the star in words
    hours, exposures : by the bound; None: not reachable by exposure
    hours_with_prior : the same with the priors of all labels, an approximation; None: not reachable by exposure
    floor : what σ comes down to, dex, however long the exposure; longest : σ after 24 h, dex; now : after the configured time
    """

    star: str
    mag: float
    goal: float
    hours: float | None
    exposures: int | None
    hours_with_prior: float | None
    floor: float
    longest: float
    now: float
    configured: str

    def __str__(self) -> str:
        about = f"{self.star}, i = {self.mag:g}: σ(log g) = {self.goal:g} dex"
        if self.hours is None:
            said = (
                f"is not reachable by exposure: {_brief(self.longest)} dex after {_LONGEST:g} h, never below "
                f"{_brief(self.floor)} dex, because sky subtraction leaves a share of the sky that does not average down"
            )
        else:
            count = "one exposure" if self.exposures == 1 else f"{self.exposures:,} exposures"
            said = f"takes {_brief(self.hours)} h ({count})"
        if self.hours_with_prior is not None:
            prior = f"{_brief(self.hours_with_prior)} h with the priors of the labels, approximately"
        else:
            prior = "not reachable with the priors of the labels either"
        return f"{about} {said}; {prior}; {self.configured} give {_brief(self.now)} dex"


def _brief(value: float) -> str:
    """Two significant figures, in full: 0.25, 12, 1,200."""
    return f"{float(f'{value:.2g}'):,.10g}"


def ask(
    mag: float,
    goal: float = 0.2,
    star: str = stars.POPULATION,
    seeing: float = SEEING,
    zenith_angle: float = ZENITH_ANGLE,
    field_angle: float = FIELD_ANGLE,
    sky_continuum: float = 1.0,
    config: Config | None = None,
    grid: StellarGrid | None = None,
) -> Answer:
    """How long an exposure takes until σ(log g) of a star has come down to a goal.

    Parameters
    ----------
    mag : HSC-i AB magnitude; goal : dex
    star : `stars.STARS` by name or kind, or population: its median star
    seeing, zenith_angle, field_angle : arcsec, degrees
    sky_continuum : brightness of the sky between its lines over that of a dark night, an assumption
    config : of a run, for priors, exposures and what is unknown; grid : by default the one in the package

    Raises
    ------
    InputError
        If there is no such star, the run's priors do not hold it, or the magnitude, a condition or the goal is outside what
        can be asked; the message says the range.
    """
    if not 0 < goal < np.inf:
        raise InputError(f"a goal of {goal:g} dex cannot be asked for: expected σ(log g) above 0")
    if not 0.1 <= sky_continuum <= 1e3:
        raise InputError(f"a sky of {sky_continuum:g} times the dark one cannot be asked for: expected 0.1 … 1000")
    config = config or Config()
    data, observation = config.data, config.data.observation
    limits.require_magnitudes([mag], observation.exposure_time, "a magnitude of i")
    limits.require_conditions({"seeing": seeing, "zenith_angle": zenith_angle, "field_angle": field_angle})
    if data.source == "pfs_hdf5":
        raise InputError("data.source = 'pfs_hdf5' has no forecast: only a source that simulates has one")
    grid, priors = grid or StellarGrid.load(), data.priors.model_dump()
    observer = Observer(grid, observation, dtype=torch.float64)
    if star == stars.POPULATION:
        words, labels = "the median star of the priors", stars.population(priors, config.seed, config.forecast.stars)
    else:
        found = stars.named(star, grid)
        limits.require_within(priors, found)
        words, labels = found.words, stars.labels_of((found,))
    scene = Scene.of(observer, labels, Columns(observation.nuisances, observer.wave), config.protocol.noise_level)
    exposures = Exposures(scene, fisher.prior_ranges(priors), config.bounds.max_condition)
    at = Setting(mag, observation.exposures, seeing, zenith_angle, field_angle, sky_continuum)
    parts = exposures.parts(at)

    def median(count: float) -> float:
        return float(exposures.sigma(parts, count)["bound"].median())

    hours, with_prior = (exposures.median_needed(at, goal, kind) for kind in ("bound", "posterior"))
    return Answer(
        star=words,
        mag=mag,
        goal=goal,
        hours=hours,
        exposures=None if hours is None else int(np.ceil(exposures.exposures(hours) - 1e-6)),
        hours_with_prior=with_prior,
        floor=median(np.inf),
        longest=median(exposures.exposures(_LONGEST)),
        now=median(observation.exposures),
        configured=f"{observation.exposures} × {observation.exposure_time:g} s",
    )
