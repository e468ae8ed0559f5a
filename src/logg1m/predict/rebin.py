"""Flux-conserving rebinning: the mean flux density over the model's pixels, from pixel means on any other scale.

The integral of the flux is known at the edges of the input's pixels. Between them it is the polynomial through the six
nearest edges; the difference between two edges of the output is the flux in that pixel. This is the reconstruction of the
piecewise-parabolic method (Colella & Woodward 1984, J. Comput. Phys. 54, 174, section 1) at a higher order and without its
limiter, so that the operation is linear and noise goes through it by known weights.
"""

from dataclasses import dataclass

import numpy as np

_EDGES = 6  # points of the interpolating polynomial


def edges_of(wave: np.ndarray) -> np.ndarray:
    """Pixel edges (P + 1,) of pixel centres (P,), halfway between neighbours."""
    middle = (wave[:-1] + wave[1:]) / 2
    return np.concatenate([[2 * wave[0] - middle[0]], middle, [2 * wave[-1] - middle[-1]]])


@dataclass(frozen=True)
class Rebinning:
    """Output pixel k = Σ_m weights[k, m] · flux[first[k] + m].

    first : (Q,) ; weights : (Q, S) ; covered : (Q,), whether the input reaches over the whole pixel
    share : (Q, S) of the output pixel's width that lies in an input pixel: what a masked one spoils
    widths : (P,) of the input's pixels, Å
    step : width of the output's pixels, Å
    """

    first: np.ndarray
    weights: np.ndarray
    share: np.ndarray
    covered: np.ndarray
    widths: np.ndarray
    step: float

    @classmethod
    def between(cls, wave: np.ndarray, out: np.ndarray) -> "Rebinning":
        """From rising pixel centres `wave` (P,) to uniform ones `out` (Q,), Å."""
        edges, step = edges_of(wave), float(out[-1] - out[0]) / (len(out) - 1)
        targets = np.concatenate([out - step / 2, [out[-1] + step / 2]])
        widths = np.diff(edges)
        covered = (targets[:-1] >= edges[0] - 1e-9) & (targets[1:] <= edges[-1] + 1e-9)
        inside = np.clip(targets, edges[0], edges[-1])
        cell = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, len(wave) - 1)
        start = np.clip(cell - (_EDGES // 2 - 1), 0, len(edges) - _EDGES)
        reach = _up_to(edges[start[:, None] + np.arange(_EDGES)], inside)  # (Q + 1, 5) shares of pixels from `start`
        low, high = start[:-1], start[1:]
        span = int((high - low).max()) + _EDGES - 1
        first = np.minimum(low, len(wave) - span).clip(0)
        span = min(span, len(wave))
        column = np.arange(span)
        weights = np.zeros((len(out), span))
        whole = (first[:, None] + column >= low[:, None]) & (first[:, None] + column < high[:, None])
        weights[whole] = 1.0  # pixels between the two stencils' starts count in full
        rows = np.arange(len(out))
        for m in range(_EDGES - 1):
            np.add.at(weights, (rows, high - first + m), reach[1:, m])
            np.add.at(weights, (rows, low - first + m), -reach[:-1, m])
        index = first[:, None] + column
        weights *= widths[index] / step
        overlap = np.minimum(edges[index + 1], targets[1:, None]) - np.maximum(edges[index], targets[:-1, None])
        return cls(first, weights, overlap.clip(0) / step, covered, widths, step)

    def flux(self, values: np.ndarray) -> np.ndarray:
        """Flux densities (N, P), without NaN → (N, Q)."""
        total = np.zeros((len(values), len(self.first)))
        for m in range(self.weights.shape[1]):
            total += self.weights[:, m] * values[:, self.first + m]
        return total

    def bad(self, mask: np.ndarray) -> np.ndarray:
        """Masked input pixels (N, P) → output pixels (N, Q) of which more than a hundredth lies in a masked one."""
        spoilt = np.zeros((len(mask), len(self.first)))
        for m in range(self.weights.shape[1]):
            spoilt += self.share[:, m] * mask[:, self.first + m]
        return spoilt > 0.01

    def error(self, variance: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
        """1σ error (N, Q) that white noise of the same strength has over features wider than a pixel.

        Rebinning makes neighbours share noise: the variance of one pixel alone would promise too much, since it does not
        average out over neighbours. What adds up is variance times width, with the covariances of neighbours.

        Parameters
        ----------
        variance : (N, P) of the input's pixels
        covariance : (N, J, P) with the next, the next but one, … pixel, where it is known
        """
        strength = variance.copy()
        if covariance is not None:
            for lag in range(covariance.shape[1]):
                between = covariance[:, lag]
                strength += between
                strength[:, lag + 1 :] += between[:, : between.shape[1] - lag - 1]
        density = np.zeros((len(variance), len(self.first)))
        for m in range(self.weights.shape[1]):
            index = self.first + m
            density += self.share[:, m] * (strength * self.widths)[:, index]
        total = self.share.sum(axis=1)
        return np.asarray(np.sqrt(density.clip(0) / np.where(total > 0, total, 1) / self.step))

    def variance(self, variance: np.ndarray) -> np.ndarray:
        """Variance (N, Q) of the output's pixels themselves, of an input with independent noise (N, P)."""
        total = np.zeros((len(variance), len(self.first)))
        for m in range(self.weights.shape[1]):
            total += self.weights[:, m] ** 2 * variance[:, self.first + m]
        return total


def _up_to(points: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of the polynomial through six edges (Q, 6) at x (Q,): the share of each of the five pixels between them (Q, 5)."""
    lagrange = np.ones_like(points)
    for k in range(_EDGES):
        for other in range(_EDGES):
            if other != k:
                lagrange[:, k] *= (x - points[:, other]) / (points[:, k] - points[:, other])
    return np.asarray(lagrange[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])
