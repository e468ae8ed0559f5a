"""Other arms: what one arm more or less, or the other resolution of the red arm, brings for the same exposure time.

Nothing is claimed of an arm that the grid of stars does not reach; of one that it reaches in part, the words say the range.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from logg1m.config.data import Data
from logg1m.forecast.levers import Lever, Levers
from logg1m.forecast.scene import Scene
from logg1m.observe import Conditions, Observer
from logg1m.observe.arms import ORDER, Arm, Arms
from logg1m.observe.survey import Columns, bad_pixels

_ARM = {"b": "the blue arm", "n": "the near-infrared arm"}
_RED = {"r": "red arm at low resolution, not medium", "m": "red arm at medium resolution, not low"}
_KEY = {"r": "low_resolution", "m": "medium_resolution"}
_BOUND = {
    "r": ": a lower bound for low resolution, whose gain lies at 6300–9700 Å",
    "m": ": a lower bound for medium resolution",
}


@dataclass(frozen=True)
class Choice:
    """Other arms than those of the run: a lever's key, group and words."""

    arms: tuple[str, ...]
    key: str
    group: str
    words: str


def choices(arms: tuple[str, ...], low: float, high: float) -> Iterator[Choice]:
    """What differs from some arms in one, where spectra from `low` to `high` Å reach it."""
    read = {name: Arm.read(name) for name in ORDER}
    reached = {name: arm.wave[arm.reached(low, high)] for name, arm in read.items()}
    there = {name for name, wave in reached.items() if len(wave) >= Arms.FEWEST}

    def part(name: str) -> str:
        wave = reached[name]
        return "" if len(wave) == len(read[name].wave) else f", over {wave[0]:.0f}–{wave[-1]:.0f} Å alone"

    red = "r" if "m" in arms else "m"
    if red in there:
        words = _RED[red] + (part(red) + _BOUND[red] if part(red) else "")
        yield Choice(tuple(red if name in "rm" else name for name in arms), _KEY[red], "resolution", words)
    for name, called in _ARM.items():
        if name in arms:
            left = tuple(other for other in arms if other != name)
            yield Choice(left, f"without_{name}", "arms", f"without {called}")
        elif name in there:
            more = part(name) + (": a lower bound for that arm" if part(name) else "")
            yield Choice((*arms, name), f"with_{name}", "arms", f"{called} as well{more}")


def other_arms(
    levers: Levers,
    conditions: Conditions,
    redshift: np.ndarray,
    data: Data,
    exposures: float,
    how: tuple[dict[str, float], float],
    seed: int = 0,
    ids: np.ndarray | None = None,
) -> Iterator[Lever]:
    """The same stars, (N,) of `levers`, under the same conditions for the same time through other arms, each with a
    normalisation of its own. seed, ids: of stars whose bad pixels are masked, if the run has any."""
    scene = levers.scene
    wave = scene.observer.grid.wave
    for choice in choices(data.observation.arms, wave[0], wave[-1]):
        observation = data.observation.model_copy(update={"arms": choice.arms})
        observer = Observer(scene.observer.grid, observation, dtype=torch.float64)
        columns = Columns(observation.nuisances, observer.wave)
        other = Scene.of(observer, scene.labels, columns, scene.noise_level, redshift)
        if ids is not None and observation.masks:
            other = replace(other, mask=bad_pixels(observation, seed, ids, observer.wave) != 0)
        found = Levers(other, conditions, observation.nuisances, exposures, *how)
        yield Lever(choice.key, choice.group, choice.words, found.base)
