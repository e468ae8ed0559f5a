"""The wavelength scale of a shard: its shape, its uniformity, and whether it is in vacuum."""

from pathlib import Path

import h5py
import numpy as np

from logg1m.sources.pfs.opening import require_filters
from logg1m.sources.pfs.table import ShardError
from logg1m.sources.wavelengths import looks_like, possible

KEY = "spectrumdataset/wave"
OWN = "dataset/arrays/wave/value"  # where pfsspec puts the wavelengths of every spectrum, (N, P), instead
_SAME = 1e-3  # Å
CA_II_VACUUM = np.array([8500.35, 8544.44, 8664.52])  # Å; in air 8498.02, 8542.09, 8662.14
AIR_SHIFT = -2.36  # Å, air minus vacuum at these lines (Morton 1991, ApJS 77, 119)
_LEAST_DEPTH = 0.05  # of the lines below the flux around them, to say anything at all


def read_wave(file: h5py.File, path: Path, n_pixels: int | None) -> np.ndarray:
    """Pixel centres (P,) in Å; a 2-D scale is one scale twice, or the lower and upper pixel edges.

    Raises
    ------
    ShardError
        If the scale is missing, has another number of pixels, is not finite, increasing and uniform, or cannot be in Å.
    """
    dataset = file.get(KEY)
    own = file.get(OWN)
    if dataset is None and isinstance(own, h5py.Dataset) and own.ndim == 2 and own.dtype.kind == "f" and len(own):
        return _check(np.asarray(own[:1], dtype=np.float64), own, OWN, n_pixels, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f":
        inside = ", ".join(sorted(file)) or "nothing"
        raise ShardError(
            f"{path}: no dataset {KEY} of floating-point numbers, expected wavelengths in Å; the file holds {inside}. "
            "Is it a shard written by pfsspec?"
        )
    require_filters(dataset, path)
    shape = dataset.shape
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[0] not in (1, 2)):
        raise ShardError(f"{path}: {KEY} has shape {shape}, expected (P,) or (2, P), P the pixels of a spectrum")
    return _check(np.atleast_2d(np.asarray(dataset[()], dtype=np.float64)), dataset, KEY, n_pixels, path)


def _check(rows: np.ndarray, dataset: h5py.Dataset, key: str, n_pixels: int | None, path: Path) -> np.ndarray:
    """The one scale (P,) of one row or two, after checking it; `key` is where it stands."""
    if n_pixels not in (None, rows.shape[1]):
        raise ShardError(
            f"{path}: {key} has shape {dataset.shape}, expected ({n_pixels},) or (2, {n_pixels}); "
            "data.pfs_hdf5.n_pixels says how many pixels are expected"
        )
    resolution = float(np.finfo(dataset.dtype).eps)
    if not np.isfinite(rows).all():
        raise ShardError(f"{path}: {key} holds {int((~np.isfinite(rows)).sum())} values that are not finite")
    wave = _centres(rows, key, path)
    if not possible(wave):
        raise ShardError(
            f"{path}: {key} runs from {wave[0]:.6g} to {wave[-1]:.6g}, which cannot be Å (PFS observes 3800 … 12600 Å, "
            f"its red arm in medium resolution 7100 … 8850 Å): {looks_like(wave)}"
        )
    steps = np.diff(wave)
    if (steps <= 0).any():
        k = int(np.argmax(steps <= 0))
        raise ShardError(
            f"{path}: {key} must increase, but pixel {k} is at {wave[k]:.4f} Å and pixel {k + 1} at {wave[k + 1]:.4f} Å"
        )
    tolerance = 1e-4 * steps.mean() + 4 * resolution * wave[-1]
    k = int(np.argmax(np.abs(steps - steps.mean())))
    if abs(steps[k] - steps.mean()) > tolerance:
        raise ShardError(
            f"{path}: {key} must be uniform, but the step at pixel {k} is {steps[k]:.5f} Å and the mean step "
            f"{steps.mean():.5f} Å; resample the spectra to a uniform scale"
        )
    return wave


def _centres(rows: np.ndarray, key: str, path: Path) -> np.ndarray:
    first, last = rows[0], rows[-1]
    if np.allclose(first, last, rtol=0, atol=1e-6):
        return np.asarray(first)
    if np.allclose(last[:-1], first[1:], rtol=0, atol=1e-2) and (last > first).all():
        return np.asarray((first + last) / 2)
    raise ShardError(
        f"{path}: the two rows of {key} are neither equal nor the lower and upper edges of the pixels: "
        f"they begin {first[0]:.4f} and {last[0]:.4f} Å"
    )


def require_one_scale(file: h5py.File, wave: np.ndarray, start: int, stop: int, path: Path) -> None:
    """Refuse rows start … stop − 1 if their own wavelengths are not those of the whole shard, `wave` (P,).

    Raises
    ------
    ShardError
        The first row that differs, and by how much.
    """
    own = file[OWN]
    require_filters(own, path)
    if own.shape[1:] != wave.shape or own.shape[0] < stop:
        raise ShardError(f"{path}: {OWN} has shape {own.shape}, expected one row of {len(wave)} for every spectrum")
    apart = np.abs(own[start:stop] - wave).max(axis=1)
    if not (apart <= _SAME).all():
        row = int(np.argmax(~(apart <= _SAME)))
        raise ShardError(
            f"{path}: every spectrum has its own wavelengths ({OWN}): those of row {start + row} differ from the first "
            f"row's by up to {apart[row]:.4f} Å; resample all spectra to one scale, and write it as {KEY}"
        )


def shift_from_vacuum(wave: np.ndarray, flux: np.ndarray, redshift: np.ndarray) -> float | None:
    """How far the Ca II triplet lies from its vacuum wavelengths, Å; None where no line can be seen.

    Parameters
    ----------
    wave : (P,) Å
    flux : (N, P) noise-free flux
    redshift : (N,) redshift of each spectrum, by which the expected positions are moved
    """
    shifts = np.arange(-6.0, 6.01, 0.1)
    depth, counted = np.zeros(len(shifts)), 0
    for spectrum, z in zip(flux, redshift):
        for line in CA_II_VACUUM * (1 + z):
            if not wave[0] + 20 < line < wave[-1] - 20:
                continue
            near = np.abs(wave - line) < 20
            level = np.median(spectrum[near])
            core = np.mean([np.interp(line + shifts + d, wave, spectrum) for d in (-0.5, 0.0, 0.5)], axis=0)
            depth += 1 - core / level if level > 0 else 0.0
            counted += 1
    if not counted or depth.max() / counted < _LEAST_DEPTH:
        return None
    return float(shifts[int(np.argmax(depth))])


def require_vacuum(wave: np.ndarray, flux: np.ndarray, redshift: np.ndarray, path: Path) -> str | None:
    """Refuse wavelengths in air; a notice (or None) where the check says something else or nothing.

    Raises
    ------
    ShardError
        If the Ca II triplet lies where a scale in air puts it.
    """
    shift = shift_from_vacuum(wave, flux, redshift)
    if shift is None:
        if not wave[0] < CA_II_VACUUM[1] < wave[-1]:
            return (
                f"the wavelengths, {wave[0]:.1f} … {wave[-1]:.1f} Å, are not those of the red arm: the Ca II triplet "
                "lies outside, so that they are in Å and in vacuum is taken on trust"
            )
        return "the Ca II triplet could not be seen, so vacuum wavelengths are taken on trust"
    if abs(shift - AIR_SHIFT) < 1.1:
        raise ShardError(
            f"{path}: the wavelengths are in air: the Ca II triplet lies {-shift:.1f} Å bluewards of 8500.35, 8544.44 "
            "and 8664.52 Å, where it is in vacuum. Expected vacuum; convert with vac = air · n, n − 1 ≈ 2.75e-4 "
            "(Morton 1991, ApJS 77, 119)"
        )
    return f"the Ca II triplet lies {shift:+.1f} Å from its vacuum wavelengths" if abs(shift) > 1.2 else None
