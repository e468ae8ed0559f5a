"""From a spectrum as it was observed to what a model is asked: rest frame, the model's pixels, masked pixels, amplitude."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from logg1m.files import InputError
from logg1m.predict.rebin import Rebinning
from logg1m.spectra.masks import interpolated
from logg1m.spectra.medians import row_medians

LIGHT_KM_S = 299792.458
MEDIAN = 0.5
_LEFT_OUT = -1
_SAME = 1e-3  # Å, within which a scale is the model's own
Frame = Literal["observed", "rest"]


@dataclass(frozen=True)
class Spectra:
    """N spectra as they came.

    wave : vacuum Å, (P,), or (N, P) where every spectrum has its own
    flux : F_λ on any scale, (N, P); error : its 1σ, likewise
    bad : masked pixels (N, P)
    velocity : of the stars, km/s, (N,); NaN where it is not known
    identity : one row per spectrum: catId, objId, input, row
    covariance : (N, J, P) of neighbours, where it is known
    steps : what was done so far, words
    """

    wave: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    bad: np.ndarray
    velocity: np.ndarray
    identity: pd.DataFrame
    covariance: np.ndarray | None = None
    steps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.flux)


@dataclass(frozen=True)
class Ready:
    """The same on the model's pixels.

    flux : (N, P) of median 0.5, NaN at bad pixels; error : (N, P), infinite there
    snr : median of flux/error over good pixels, (N,)
    n_masked : masked pixels, uncovered ones not counted; n_uncovered : pixels that the input does not reach
    n_bad_error : pixels without a positive error that no mask covers
    resampled : (N,) whether pixels were rebinned
    velocity : km/s that was removed, (N,)
    """

    flux: np.ndarray
    error: np.ndarray
    snr: np.ndarray
    n_masked: np.ndarray
    n_uncovered: np.ndarray
    n_bad_error: np.ndarray
    resampled: np.ndarray
    velocity: np.ndarray
    steps: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.flux)

    @cached_property
    def whole(self) -> bool:
        """Whether no pixel of any of them is bad: then nothing need look for such pixels."""
        return _is_whole(self.flux)


def make_ready(spectra: Spectra, wave: np.ndarray, frame: Frame = "observed", amplitude: str = "median") -> Ready:
    """Bring spectra to a model's pixels `wave` (P,), rest frame.

    Parameters
    ----------
    frame : rest: no velocity is looked at, the wavelengths are those of the star
    amplitude : median: divided by twice the spectrum's own median; kept: as it is, for spectra of the workflow

    Raises
    ------
    InputError
        If a velocity is missing in the observed frame.
    """
    velocity = np.zeros(len(spectra)) if frame == "rest" else np.asarray(spectra.velocity, dtype=np.float64)
    if not np.isfinite(velocity).all():
        row = int(np.argmin(np.isfinite(velocity)))
        name = spectra.identity.iloc[row]
        raise InputError(
            f"{name['input']}: no radial velocity for row {name['row']} ({int((~np.isfinite(velocity)).sum())} such "
            "spectra); give --v-los KM_S or --rv TABLE (columns objId or row, v_los), or say --frame rest if the wavelengths "
            "are those of the star already"
        )
    if (np.abs(velocity) >= LIGHT_KM_S).any():
        raise InputError(
            f"a radial velocity of {velocity[np.argmax(np.abs(velocity))]:g} km/s is that of no star; expected km/s, below that of light"
        )
    bad, unexplained = spectra.bad, np.zeros(len(spectra), dtype=np.int64)
    if not (_all_positive(spectra.error) and np.isfinite(spectra.flux.sum())):
        no_error = ~(spectra.error > 0) | (spectra.error == np.inf)
        unexplained = (no_error & ~spectra.bad & np.isfinite(spectra.flux)).sum(axis=1)
        bad = spectra.bad | no_error | ~np.isfinite(spectra.flux)
    same = spectra.wave.ndim == 1 and _is(spectra.wave, wave)
    if same and not velocity.any():
        flux, error = (values.astype(np.float32, copy=False) for values in (spectra.flux, spectra.error))
        uncovered, masked = np.zeros((2, len(spectra)), dtype=np.int64)
        if bad.any():
            flux, error = np.where(bad, np.float32(np.nan), flux), np.where(bad, np.float32(np.inf), error)
            masked = bad.sum(axis=1)
        done = "pixels are the model's own"
    else:
        flux, error, masked, uncovered = _rebinned(spectra, bad, velocity, wave)
        done = "flux-conserving rebinning to the model's pixels (polynomial through fourteen edges)"
    flux, error, snr = _scaled(flux, error, amplitude)
    steps = (
        *spectra.steps,
        "rest frame: taken as given" if frame == "rest" else "rest frame: wavelengths over 1 + v_los/c",
        done,
        "masked pixels: left out (projection) or neutral",
        "amplitude: median 0.5" if amplitude == "median" else "amplitude: kept",
    )
    resampled = np.full(len(spectra), not (same and not velocity.any()))
    return Ready(
        flux, error, snr, masked, uncovered, unexplained, resampled, velocity, steps
    )  # fmt: skip


def _all_positive(values: np.ndarray) -> bool:
    """Whether all are numbers above zero and finite, in two passes that keep nothing."""
    return not values.size or bool(values.min() > 0 and values.max() < np.inf)


def _is(wave: np.ndarray, other: np.ndarray) -> bool:
    return wave.shape == other.shape and bool(np.abs(wave - other).max() < _SAME)


@lru_cache(maxsize=8)
def _between(wave: bytes, out: bytes) -> Rebinning:
    return Rebinning.between(np.frombuffer(wave), np.frombuffer(out))


def _rebinned(
    spectra: Spectra, bad: np.ndarray, velocity: np.ndarray, wave: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flux and error (N, Q) with NaN and infinity at bad pixels, and how many are masked and uncovered, (N,)."""
    n, own = len(spectra), spectra.wave.ndim == 2
    flux, error = np.empty((n, len(wave)), dtype=np.float32), np.empty((n, len(wave)), dtype=np.float32)
    masked, uncovered = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    groups = [np.arange(n)] if not own and np.ptp(velocity) == 0 and n else [np.array([k]) for k in range(n)]
    for rows in groups:
        scale = spectra.wave[rows[0]] if own else spectra.wave
        used = np.flatnonzero(np.isfinite(scale) & (scale > 0))
        filled, source = _without_gaps(scale[used[np.argsort(scale[used], kind="stable")]])
        used = used[np.argsort(scale[used], kind="stable")][source]
        rest = np.ascontiguousarray(filled / (1 + velocity[rows[0]] / LIGHT_KM_S), dtype=np.float64)
        if len(rest) < 8 or not (np.diff(rest) > 0).all():
            flux[rows], error[rows], uncovered[rows] = np.nan, np.inf, len(wave)
            continue
        binning = _between(rest.tobytes(), np.ascontiguousarray(wave, dtype=np.float64).tobytes())
        some_bad = bad[rows][:, used] | (source == _LEFT_OUT)
        clean = interpolated(np.where(some_bad, np.nan, spectra.flux[rows][:, used]).astype(np.float64))
        sigma = interpolated(np.where(some_bad, np.nan, spectra.error[rows][:, used]).astype(np.float64))
        covariance = None if spectra.covariance is None else _finite(spectra.covariance[rows][:, :, used], some_bad)
        spoilt, outside = binning.bad(some_bad), ~binning.covered
        out = spoilt | outside
        flux[rows] = np.where(out, np.nan, binning.flux(clean))
        error[rows] = np.where(out, np.inf, binning.error(sigma**2, covariance))
        masked[rows], uncovered[rows] = (spoilt & ~outside).sum(axis=1), int(outside.sum())
    return flux, error, masked, uncovered


def _without_gaps(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that were left out of a rising scale (P,) are pixels that are bad, not neighbours that are wide.

    Returns
    -------
    The scale with one or two pixels in every gap (Q,), and which of the given pixels each is (Q,), `_LEFT_OUT` for those.
    """
    everything = np.arange(len(wave))
    if len(wave) < 8:
        return wave, everything
    step = np.diff(wave)
    usual = median_filter(step, 11, mode="nearest")
    gaps = np.flatnonzero(step > 1.5 * usual)
    low, high = wave[gaps], wave[gaps + 1]
    wide = step[gaps] > 2.5 * usual[gaps]
    first = np.where(wide, low + usual[gaps], (low + high) / 2)
    inserted = np.concatenate([first, (high - usual[gaps])[wide]])
    places = np.concatenate([gaps, gaps[wide]]) + 1
    return np.insert(wave, places, inserted), np.insert(everything, places, _LEFT_OUT)


def _finite(covariance: np.ndarray, bad: np.ndarray) -> np.ndarray:
    return np.where(bad[:, None] | ~np.isfinite(covariance), 0.0, covariance).astype(np.float64)


def _scaled(flux: np.ndarray, error: np.ndarray, amplitude: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux and error with a median of 0.5 where the median is positive, and the median of flux/error."""
    snr = row_medians(flux / error)
    if amplitude != "median" or not len(flux):
        return flux, error, snr
    median = row_medians(flux)
    factor = np.where(median > 0, MEDIAN / np.where(median > 0, median, 1.0), 1.0).astype(np.float32)[:, None]
    return flux * factor, error * factor, snr


def _is_whole(flux: np.ndarray) -> bool:
    """Whether there is no NaN: a sum is NaN as soon as one term is."""
    return not bool(np.isnan(flux.sum()))
