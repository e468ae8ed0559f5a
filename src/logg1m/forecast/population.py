"""A population: the user's table of Teff, log g, [M/H] and weight, its density, and stars drawn from it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from logg1m import ids
from logg1m.files import InputError, read_csv
from logg1m.forecast.posteriors import LogFactor, population_factor
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS
from logg1m.sources.paths import place

LABELS_OF_TABLE = ("teff", "logg", "m_h")
_DRAW = 6000  # of Stream.BOUNDS
_TRIES = 16  # of a star that falls outside the box


@dataclass(frozen=True)
class Population:
    """A sum of Gaussians: places (K, 3) in Teff (K), log g, [M/H] (dex); weight (K,) sums to one; kernel (3,) their 1σ."""

    places: np.ndarray
    weight: np.ndarray
    kernel: np.ndarray

    @classmethod
    def read(cls, text: str, kernel: tuple[float, float, float]) -> "Population":
        """From a CSV file with columns teff, logg, m_h, weight.

        Raises
        ------
        InputError
            If the file or a column is missing, a value is no finite number, or no weight is positive.
        """
        path = Path(place(text, "forecast.population"))
        if not path.is_file():
            raise InputError(f"forecast.population: {path} is no file; expected a CSV with teff, logg, m_h, weight")
        table = read_csv(path, (*LABELS_OF_TABLE, "weight"))[[*LABELS_OF_TABLE, "weight"]]
        try:
            values = table.to_numpy(dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{path}: {error}; expected numbers in teff, logg, m_h, weight") from error
        bad = ~np.isfinite(values).all(axis=1) | (values[:, 3] < 0)
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{path}, row {row + 1}: {dict(zip(table.columns, values[row]))}; expected finite numbers and weights of 0 or more"
            )
        if not values[:, 3].sum() > 0:
            raise InputError(f"{path}: no row has a positive weight")
        seen = values[values[:, 3] > 0]
        return cls(seen[:, :3], seen[:, 3] / seen[:, 3].sum(), np.array(kernel))

    def factor(self, names: tuple[str, ...]) -> LogFactor:
        """ln density over labels in the order of `names`.

        Raises
        ------
        InputError
            If the run's priors fix one of its labels.
        """
        fixed = [name for name in LABELS_OF_TABLE if name not in names]
        if fixed:
            raise InputError(
                f"forecast.population needs {', '.join(fixed)} to vary: give data.priors.{fixed[0]} a range"
            )
        return population_factor(self.places, self.weight, self.kernel, names)

    def draw(self, labels: np.ndarray, low: np.ndarray, high: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels (N, 5) with Teff, log g and [M/H] drawn from the population inside a box, low and high (3,), the others as
        they are; and which stars (N,) fell into it within 16 tries."""
        reserved = ids.first(len(labels), ids.FORECAST)
        u = uniform(seed, Stream.BOUNDS, reserved, 4 * _TRIES, _DRAW).reshape(len(labels), _TRIES, 4)
        edges = np.cumsum(self.weight)
        component = np.minimum(np.searchsorted(edges, u[..., 0]), len(edges) - 1)
        tried = self.places[component] + ndtri(u[..., 1:]) * self.kernel
        inside = ((tried >= low) & (tried <= high)).all(axis=2)
        first = np.argmax(inside, axis=1)
        found = labels.copy()
        columns = [LABELS.index(name) for name in LABELS_OF_TABLE]
        found[:, columns] = tried[np.arange(len(labels)), first]
        return found, inside.any(axis=1)
