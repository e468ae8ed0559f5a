"""Second moments of noisy spectra, one Gram matrix per shell between consecutive scales.

Scales are nested prefixes of the training pool, so every row lies in exactly one shell (fit or validation part of
the smallest scale that holds it) and the moments of a scale are a sum of shells: each chunk is read once for all
scales. Rows are gathered in tiles of 1,024 before each update, in the order of their ids: the numbers do not depend
on chunks, workers or order.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk

TILE_ROWS = 1024


@dataclass
class Moments:
    """Σ (x, y, 1)(x, y, 1)ᵀ over rows, as one symmetric (P + 2, P + 2) float64 matrix, upper triangle valid."""

    matrix: np.ndarray

    @classmethod
    def zeros(cls, n_pixels: int) -> "Moments":
        return cls(np.zeros((n_pixels + 2, n_pixels + 2), order="F"))

    def add_tile(self, tile: np.ndarray) -> None:
        """Add rows (B, P + 2) by a rank-B update of the triangle; B ≤ 1024."""
        # A C-ordered (B, P+2) tile is, untransposed, the Fortran-ordered (P+2, B) matrix that dsyrk wants.
        self.matrix = dsyrk(1.0, tile.T, beta=1.0, c=self.matrix, overwrite_c=1, lower=0)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.matrix + other.matrix)

    def with_noise(self, variance: np.ndarray) -> "Moments":
        """What is expected once every row has independent noise per pixel, summed variance (P,); changes this one."""
        pixels = np.arange(len(variance))
        self.matrix[pixels, pixels] += variance
        return self

    @property
    def n(self) -> int:
        return round(float(self.matrix[-1, -1]))

    @property
    def sum_x(self) -> np.ndarray:
        return self.matrix[:-2, -1]

    @property
    def sum_y(self) -> float:
        return float(self.matrix[-2, -1])

    @property
    def sum_yy(self) -> float:
        return float(self.matrix[-2, -2])

    @property
    def xty(self) -> np.ndarray:
        return self.matrix[:-2, -2]

    @property
    def upper(self) -> np.ndarray:
        """Σ x xᵀ, (P, P), valid in its upper triangle; a view."""
        return self.matrix[:-2, :-2]

    def gram(self) -> np.ndarray:
        """Σ x xᵀ, (P, P), both triangles."""
        upper = np.triu(self.matrix[:-2, :-2])
        return np.asarray(upper + np.triu(upper, 1).T)


class ShellAccumulator:
    """Sorts standardised rows into shells and adds them tile by tile."""

    def __init__(self, n_pixels: int, n_shells: int) -> None:
        self.moments = [Moments.zeros(n_pixels) for _ in range(n_shells)]
        self._tiles = [np.empty((TILE_ROWS, n_pixels + 2)) for _ in range(n_shells)]
        self._filled = [0] * n_shells

    def add(self, x: np.ndarray, y: np.ndarray, shell: np.ndarray) -> None:
        """Rows x (B, P), y (B,) of the shells `shell` (B,) integers."""
        for s in np.unique(shell):
            rows = np.flatnonzero(shell == s)
            while len(rows):
                start = self._filled[s]
                take = rows[: TILE_ROWS - start]
                rows = rows[len(take) :]
                part = self._tiles[s][start : start + len(take)]
                part[:, :-2], part[:, -2], part[:, -1] = x[take], y[take], 1.0
                self._filled[s] += len(take)
                if self._filled[s] == TILE_ROWS:
                    self._flush(s)

    def _flush(self, shell: int) -> None:
        if self._filled[shell]:
            self.moments[shell].add_tile(self._tiles[shell][: self._filled[shell]])
            self._filled[shell] = 0

    def finish(self) -> list[Moments]:
        """Moments of every shell."""
        for shell in range(len(self.moments)):
            self._flush(shell)
        self._tiles.clear()
        return self.moments
