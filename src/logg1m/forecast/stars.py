"""Named stars, and the population that the magnitude sweep has too."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from logg1m.bounds.sweep import drawn
from logg1m.files import InputError
from logg1m.observe import LABELS, StellarGrid

POPULATION = "population"


@dataclass(frozen=True)
class Star:
    """A named star: what kind it is, and its labels in the order of `LABELS`."""

    kind: str
    words: str
    labels: tuple[float, ...]

    @property
    def name(self) -> str:
        """clump-1.0"""
        return f"{self.kind}{self.labels[2]:+.1f}"


# Round values beside isochrones of 10–12 Gyr, no fits to them. The tip of the giant branch itself lies below log g 1, where
# the grid ends; metal-poor turn-offs are hotter than its 6,000 K.
_KINDS = {
    "tip": ("giant near the tip", {-2.0: (4450, 1.0), -1.0: (4150, 1.0), 0.0: (3900, 1.0)}, -0.3),
    "clump": ("red clump", {-2.0: (5400, 2.4), -1.0: (5150, 2.4), 0.0: (4800, 2.4)}, -0.2),
    "turnoff": ("turn-off", {-2.0: (5950, 4.0), -1.0: (5950, 4.1), 0.0: (5850, 4.2)}, 0.0),
    "dwarf": ("K dwarf", {-2.0: (5000, 4.7), -1.0: (4900, 4.7), 0.0: (4700, 4.6)}, 0.0),
}
_ALPHA = {-2.0: 0.3, -1.0: 0.3, 0.0: 0.0}
STARS = tuple(
    Star(kind, f"{words}, [M/H] " + f"{m_h:g}".replace("-", "−"), (float(teff), float(logg), m_h, _ALPHA[m_h], c_m))
    for kind, (words, places, c_m) in _KINDS.items()
    for m_h, (teff, logg) in places.items()
)


def inside(grid: StellarGrid) -> tuple[Star, ...]:
    """Named stars that a grid covers."""
    ends = [(nodes[0], nodes[-1]) for nodes in grid.axes.values()]
    return tuple(s for s in STARS if all(low <= x <= high for x, (low, high) in zip(s.labels, ends)))


def named(text: str, grid: StellarGrid) -> Star:
    """A star by its name, clump-1.0, or by its kind, clump: then that of [M/H] −1.

    Raises
    ------
    InputError
        If no star is called so, or the grid does not cover it.
    """
    wanted = text if any(text == star.name for star in STARS) else f"{text}-1.0"
    found = next((star for star in STARS if star.name == wanted), None)
    if found is None:
        kinds = ", ".join(_KINDS)
        raise InputError(
            f"there is no star {text!r}; expected {POPULATION}, one of the kinds {kinds}, or one of them with its [M/H]: "
            f"{', '.join(star.name for star in STARS)}"
        )
    if found not in inside(grid):
        raise InputError(f"the star {found.name} ({found.words}) lies outside the grid of this source")
    return found


def labels_of(stars: tuple[Star, ...]) -> np.ndarray:
    """(N, 5)"""
    return np.array([star.labels for star in stars], dtype=np.float64).reshape(len(stars), len(LABELS))


def population(priors: Mapping[str, tuple[float, float]], seed: int, count: int) -> np.ndarray:
    """Labels (N, 5), uniform in the priors: the first stars of the magnitude sweep."""
    return drawn(priors, seed, count)
