"""Spectra of a library whose masked pixels are filled with what their labels say of them.

A masked pixel of the star that is bounded has no weight. Its neighbours in label space, though, and the library of the
Bayes ceiling, are compared pixel by pixel: there a pixel without a measurement must be neither a jump nor a vote. It is
the flux that the measured spectra have at its labels: per pixel a polynomial of second degree in the labels, by least
squares over the spectra in which that pixel is good.
"""

from dataclasses import dataclass

import numpy as np

_RIDGE = 1e-8  # of the number of spectra: labels that vary together still have a solution
_ROWS = 512  # spectra, and pixels, at once


@dataclass(frozen=True)
class Completion:
    """Flux per pixel as a function of the labels.

    mean, scale : of the labels (L,); level : mean flux (P,); coefficients : (T, P)
    """

    mean: np.ndarray
    scale: np.ndarray
    level: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def of(cls, flux: np.ndarray, labels: np.ndarray) -> "Completion":
        """From spectra (M, P) that are NaN where they are masked, and their labels (M, L)."""
        spread = labels.std(axis=0)
        mean, scale = labels.mean(axis=0), np.where(spread > 0, spread, 1.0)
        n_pixels = flux.shape[1]
        count, total = np.zeros(n_pixels), np.zeros(n_pixels)
        for low in range(0, len(flux), _ROWS):
            part = flux[low : low + _ROWS]
            count += np.count_nonzero(~np.isnan(part), axis=0)
            total += np.nansum(part, axis=0, dtype=np.float64)
        level = total / np.maximum(count, 1)
        terms = _terms((labels - mean) / scale)
        size = terms.shape[1]
        normal, right = np.zeros((n_pixels, size * size)), np.zeros((n_pixels, size))
        for low in range(0, len(flux), _ROWS):
            part, some = flux[low : low + _ROWS], terms[low : low + _ROWS]
            good = ~np.isnan(part)
            normal += good.T.astype(np.float64) @ (some[:, :, None] * some[:, None, :]).reshape(len(some), -1)
            right += np.where(good, part - level, 0.0).T @ some
        matrices = normal.reshape(n_pixels, size, size) + _RIDGE * max(len(flux), 1) * np.eye(size)
        return cls(mean, scale, level, np.linalg.solve(matrices, right[:, :, None])[:, :, 0].T)

    def __call__(self, flux: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Fill what is NaN in spectra (B, P) with labels (B, L); everything else stays as it is."""
        filled = flux.copy()
        for low in range(0, len(flux), _ROWS):
            part = filled[low : low + _ROWS]
            bad = np.isnan(part)
            if bad.any():
                terms = _terms((labels[low : low + _ROWS] - self.mean) / self.scale)
                part[bad] = (self.level + terms @ self.coefficients)[bad]
        return filled


def _terms(labels: np.ndarray) -> np.ndarray:
    """1, the labels, and their products, (B, T)."""
    i, j = np.triu_indices(labels.shape[1])
    return np.concatenate([np.ones((len(labels), 1)), labels, labels[:, i] * labels[:, j]], axis=1)
