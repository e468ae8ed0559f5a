"""Rows of a shard → spectra that a store may hold: finite, with positive errors, a median of 0.5, and one mask."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from logg1m.sources.pfs.table import ShardError

MEDIAN = 0.5  # of the noise-free flux of every spectrum, as pfsspec normalises it
_LEAST_SHARE = 0.1  # of the pixels of a spectrum that must have values of their own


@dataclass(frozen=True)
class Spectra:
    """Clean spectra of one block.

    flux, error : (B, P) float32
    mask : (B, P) uint8, nonzero = bad: masked in the shard, or filled here
    filled : (B, 2) number of pixels whose flux, and whose error, had no value and were filled from good neighbours
    renormalised : (B,) whether flux and error were scaled to a median of 0.5
    """

    flux: np.ndarray
    error: np.ndarray
    mask: np.ndarray
    filled: np.ndarray
    renormalised: np.ndarray

    def rows(self, part: slice) -> "Spectra":
        return Spectra(**{name: values[part] for name, values in vars(self).items()})


def join(parts: list[Spectra]) -> Spectra:
    """Blocks one after the other."""
    return Spectra(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


@dataclass(frozen=True)
class Cleaner:
    """The rules for the spectra of one shard; `on_median` and `median_tolerance` as in `PfsHdf5Config`."""

    path: Path
    on_median: Literal["renormalise", "refuse"]
    median_tolerance: float

    def __call__(self, flux: np.ndarray, error: np.ndarray, masked: np.ndarray, start: int) -> Spectra:
        """Clean a block in place.

        Pixels without a value (not finite, or an error that is not positive) are filled from the good ones beside them,
        marked in the mask and counted, where the mask covers them or where they are NaN up to an edge; others are
        refused.

        Parameters
        ----------
        flux, error : (B, P) float32, as in the file
        masked : (B, P) bool, True = bad
        start : the first row in the shard

        Raises
        ------
        ShardError
            Names the row and the pixel.
        """
        filled = np.zeros((len(flux), 2), dtype=np.int32)
        with np.errstate(over="ignore", invalid="ignore"):  # a sum is finite only if all its terms are
            whole = np.isfinite(flux.sum(axis=1)) & np.isfinite(error.sum(axis=1)) & (error.min(axis=1) > 0)
        for row in np.flatnonzero(~whole):
            no_flux, no_error = ~np.isfinite(flux[row]), ~(np.isfinite(error[row]) & (error[row] > 0))
            if not (no_flux.any() or no_error.any()):
                continue
            self._require_explained(flux[row], error[row], masked[row], start + int(row))
            _fill(flux[row], no_flux, masked[row])
            _fill(error[row], no_error, masked[row])
            filled[row] = no_flux.sum(), no_error.sum()
            masked[row] |= no_flux | no_error
        scaled = self._renormalise(flux, error, masked, start)
        return Spectra(flux, error, masked.view(np.uint8), filled, scaled)

    def _require_explained(self, flux: np.ndarray, error: np.ndarray, masked: np.ndarray, row: int) -> None:
        """Refuse a spectrum (P,) with a pixel that has no value, is not masked, and is no NaN at an edge."""
        for name, values in (("flux", flux), ("error", error)):
            if not np.isfinite(values).any():
                raise ShardError(f"{self.path}: {name} of row {row} is not finite in any pixel; leave the row out")
        edges = _edges(masked | np.isnan(flux) | np.isnan(error))
        no_flux, no_error = ~np.isfinite(flux), ~np.isfinite(error) | (error <= 0)
        explained = masked | (edges & (np.isnan(flux) | np.isnan(error)))
        for name, values, bad in (("flux", flux, no_flux & ~explained), ("error", error, no_error & ~explained)):
            if not bad.any():
                continue
            pixel = int(np.argmax(bad))
            if np.isfinite(values[pixel]):
                raise ShardError(
                    f"{self.path}: error of row {row}, pixel {pixel} is {values[pixel]:g}, expected a positive 1σ "
                    f"error ({int(bad.sum())} such pixels in the row); mask pixels without one"
                )
            raise ShardError(
                f"{self.path}: {name} of row {row}, pixel {pixel} is not finite ({int(bad.sum())} such pixels in the "
                "row); only masked pixels, and NaN at the edges, can be filled: set the mask there"
            )
        left = int((~(no_flux | no_error)).sum())
        if left < _LEAST_SHARE * len(flux):
            raise ShardError(
                f"{self.path}: only {left} of {len(flux)} pixels of row {row} have a flux and an error, expected at "
                f"least {_LEAST_SHARE:.0%}; leave the row out"
            )

    def _renormalise(self, flux: np.ndarray, error: np.ndarray, masked: np.ndarray, start: int) -> np.ndarray:
        """Scale rows whose median is not 0.5, in place; all others stay as they are, bit for bit.

        What lies under the mask (B, P) counts in the median only while it moves it by no more than the tolerance; else
        masked pixels are filled from the good ones beside them.
        """
        low, high, half = MEDIAN - self.median_tolerance, MEDIAN + self.median_tolerance, flux.shape[1] // 2
        # Fewer than half of the values outside either limit: the median is inside, without sorting anything.
        inside = (np.count_nonzero(flux < low, axis=1) < half) & (np.count_nonzero(flux > high, axis=1) < half)
        inside[masked.any(axis=1)] = False
        scaled = np.zeros(len(flux), dtype=bool)
        for row in np.flatnonzero(~inside):
            median = own = float(np.median(flux[row]))
            if masked[row].any() and not masked[row].all():
                filled = flux[row].copy()
                _fill(filled, masked[row], masked[row])
                own = float(np.median(filled))
                if abs(median - own) > self.median_tolerance * abs(own) / MEDIAN:
                    median = own
            if low <= own <= high or low <= median <= high:
                continue
            if self.on_median == "refuse" or median <= 0:
                remedy = (
                    "set data.pfs_hdf5.on_median: renormalise to scale flux and error"
                    if median > 0
                    else "it cannot be normalised"
                )
                raise ShardError(
                    f"{self.path}: median flux of row {start + row} is {median:g}, expected {MEDIAN} ± "
                    f"{self.median_tolerance:g}; {remedy}"
                )
            flux[row] *= np.float32(MEDIAN / median)
            error[row] *= np.float32(MEDIAN / median)
            scaled[row] = True
        return scaled


def _edges(out: np.ndarray) -> np.ndarray:
    """The unbroken runs (P,) of `out` that begin at either end."""
    return np.asarray(np.logical_and.accumulate(out) | np.logical_and.accumulate(out[::-1])[::-1])


def _fill(values: np.ndarray, missing: np.ndarray, masked: np.ndarray) -> None:
    """Fill missing pixels of one spectrum (P,) in place: linear between good neighbours, the nearest at the edges."""
    good = ~missing & ~masked
    if not good.any():
        good = ~missing
    pixels = np.arange(len(values))
    values[missing] = np.interp(pixels[missing], pixels[good], values[good])
