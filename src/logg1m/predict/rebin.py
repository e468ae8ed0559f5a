"""Flux-conserving rebinning: the mean flux density over the model's pixels, from pixel means on any other scale.

The integral of the flux is known at the edges of the input's pixels. Between them it is the polynomial through the fourteen
nearest edges; the difference between two edges of the output is the flux in that pixel. This is the reconstruction of the
piecewise-parabolic method (Colella & Woodward 1984, J. Comput. Phys. 54, 174, section 1) at a higher order and without its
limiter, so that the operation is linear and noise goes through it by known weights. Where the input ends, or its pixels
differ in width, so high a polynomial would swing: there it is that through six edges.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_array

_EDGES, _FEW = 14, 6  # points of the interpolating polynomial
_ALIKE = 1.05  # the widest over the narrowest pixel between fourteen edges
_UNIFORM = 1e-7  # of a pixel, within which all are equally wide


def edges_of(wave: np.ndarray) -> np.ndarray:
    """Pixel edges (P + 1,) of pixel centres (P,), halfway between neighbours."""
    middle = (wave[:-1] + wave[1:]) / 2
    return np.concatenate([[2 * wave[0] - middle[0]], middle, [2 * wave[-1] - middle[-1]]])


@dataclass(frozen=True)
class Rebinning:
    """Flux densities on the output's pixels = weights · flux densities on the input's.

    weights : (Q, P)
    share : (Q, P) of an output pixel's width that lies in an input pixel: what a masked one spoils
    covered : (Q,), whether the input reaches over the whole pixel
    widths : (P,) of the input's pixels, Å
    step : width of the output's pixels, Å
    """

    weights: csr_array
    share: csr_array
    covered: np.ndarray
    widths: np.ndarray
    step: float

    @classmethod
    def between(cls, wave: np.ndarray, out: np.ndarray) -> "Rebinning":
        """From rising pixel centres `wave` (P,), eight or more, to uniform ones `out` (Q,), Å."""
        edges, step = edges_of(wave), float(out[-1] - out[0]) / (len(out) - 1)
        targets = np.concatenate([out - step / 2, [out[-1] + step / 2]])
        widths = np.diff(edges)
        covered = (targets[:-1] >= edges[0] - 1e-9) & (targets[1:] <= edges[-1] + 1e-9)
        start, below = _below(edges, np.clip(targets, edges[0], edges[-1]))
        between, size = np.diff(start), below.shape[1]
        weights = np.zeros((len(out), size + int(between.max())))
        weights[:, :size] -= below[:-1]
        for ahead in np.unique(between):
            rows = np.flatnonzero(between == ahead)
            weights[rows, :ahead] += 1.0  # pixels between the two stencils' starts count in full
            weights[rows, ahead : ahead + size] += below[1 + rows]
        index = np.minimum(start[:-1, None] + np.arange(weights.shape[1]), len(wave) - 1)
        weights *= widths[index] / step
        return cls(_rows(weights, index, len(wave)), _shares(edges, targets, step), covered, widths, step)

    def flux(self, values: np.ndarray) -> np.ndarray:
        """Flux densities (N, P), without NaN → (N, Q)."""
        return np.asarray((self.weights @ values.T).T)

    def bad(self, mask: np.ndarray) -> np.ndarray:
        """Masked input pixels (N, P) → output pixels (N, Q) of which more than a hundredth lies in a masked one."""
        if not mask.any():
            return np.zeros((len(mask), len(self.covered)), dtype=bool)
        return np.asarray((self.share @ mask.T.astype(np.float64)).T > 0.01)

    def error(self, variance: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
        """1σ error (N, Q) that white noise of the same strength has over features wider than a pixel.

        Rebinning makes neighbours share noise: the variance of one pixel alone would promise too much, since it does not
        average out over neighbours. What adds up is variance times width, with the covariances of neighbours.

        Parameters
        ----------
        variance : (N, P) of the input's pixels
        covariance : (N, J, P) with the next, the next but one, … pixel, where it is known
        """
        strength = variance
        if covariance is not None:
            strength = variance.copy()
            for lag in range(covariance.shape[1]):
                between = covariance[:, lag]
                strength += between
                strength[:, lag + 1 :] += between[:, : between.shape[1] - lag - 1]
        total = self.share.sum(axis=1)
        density = (self.share @ (strength * self.widths).T).T
        return np.asarray(np.sqrt(density.clip(0) / np.where(total > 0, total, 1) / self.step))

    def variance(self, variance: np.ndarray) -> np.ndarray:
        """Variance (N, Q) of the output's pixels themselves, of an input with independent noise (N, P)."""
        return np.asarray((self.weights.power(2) @ variance.T).T)


def _rows(values: np.ndarray, columns: np.ndarray, width: int) -> csr_array:
    """A matrix (Q, width) with values (Q, S) in columns (Q, S)."""
    return csr_array(
        (values.ravel(), columns.ravel(), np.arange(0, values.size + 1, values.shape[1])), shape=(len(values), width)
    )


def _shares(edges: np.ndarray, targets: np.ndarray, step: float) -> csr_array:
    """Which share of the width of every output pixel (Q) lies in every input pixel (P), (Q, P)."""
    cell = np.clip(np.searchsorted(edges, targets, side="right") - 1, 0, len(edges) - 2)
    span = min(int(np.diff(cell).max()) + 1, len(edges) - 1)
    index = np.minimum(cell[:-1], len(edges) - 1 - span)[:, None] + np.arange(span)
    overlap = np.minimum(edges[index + 1], targets[1:, None]) - np.maximum(edges[index], targets[:-1, None])
    return _rows(overlap.clip(0) / step, index, len(edges) - 1)


def _below(edges: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the integral of the flux from a first pixel up to x (Q,): which pixel that is (Q,), and the share in it of each of
    the pixels from there on (Q, S)."""
    cell = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    many = _EDGES if len(edges) >= _EDGES else _FEW
    start, few = (np.clip(cell - (count // 2 - 1), 0, len(edges) - count) for count in (many, _FEW))
    alike = start == cell - (many // 2 - 1)
    widths = np.diff(edges)
    uniform = np.ptp(widths) < _UNIFORM * widths[0]
    if not uniform:
        between = np.lib.stride_tricks.sliding_window_view(widths, many - 1)
        alike &= (between.max(axis=1) < _ALIKE * between.min(axis=1))[start]
    below = np.empty((len(x), many - 1))
    for rows, count, begin in ((np.flatnonzero(alike), many, start), (np.flatnonzero(~alike), _FEW, few)):
        if len(rows):
            before = (begin - start)[rows, None]
            below[rows] = np.arange(many - 1) < before
            if uniform:
                share = _of_uniform((x[rows] - edges[begin[rows]]) / widths[0], count)
            else:
                share = _of_polynomial(edges[begin[rows, None] + np.arange(count)], x[rows])
            below[rows[:, None], before + np.arange(count - 1)] = share
    return start, below


def _of_polynomial(points: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of the polynomial through edges (Q, E) at x (Q,): the share of each of the pixels between them (Q, E − 1)."""
    apart = points[:, :, None] - points[:, None, :] + np.eye(points.shape[1])
    away = x[:, None] - points
    ones = np.ones((len(x), 1))
    before = np.concatenate([ones, away[:, :-1].cumprod(axis=1)], axis=1)
    after = np.concatenate([ones, away[:, :0:-1].cumprod(axis=1)], axis=1)[:, ::-1]
    lagrange = before * after / apart.prod(axis=2)
    return np.asarray(lagrange[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])


def _of_uniform(x: np.ndarray, count: int) -> np.ndarray:
    """The same at x (Q,) in pixels from the first of `count` edges of one distance: powers of x times a matrix."""
    middle = (count - 1) / 2
    return np.asarray(np.vander(x / middle - 1, count, increasing=True) @ _powers(count))


@cache
def _powers(count: int) -> np.ndarray:
    """Shares of the pixels between `count` edges at −1 … 1 as polynomials: coefficients (E, E − 1), lowest power first."""
    lagrange = np.linalg.inv(np.vander(np.linspace(-1, 1, count), increasing=True))
    return np.asarray(lagrange[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])
