"""One shard written by pfsspec: opened, checked, and read in blocks as clean float32 spectra."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from logg1m.sources.pfs import table, wave
from logg1m.sources.pfs.table import ShardError

MEDIAN = 0.5  # of the noise-free flux of every spectrum, as pfsspec normalises it
_ARRAYS = "dataset/arrays/{}/value"
_SAMPLE_ROWS = 1024  # looked at when a shard is opened, in four places; a smaller shard is looked at as a whole
_PIECE_BYTES = 256 * 2**20  # of one array held at a time while reading
_FULL_HASH_BYTES = 64 * 2**20  # files up to this size are hashed whole, larger ones at _HASH_PLACES
_HASH_PLACES, _HASH_BYTES = 512, 64 * 2**10
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNPACKING = threading.Lock()


@dataclass(frozen=True)
class Spectra:
    """Clean spectra of one block.

    flux, error : (B, P) float32
    mask : (B, P) uint8, nonzero = masked; None where the shard has no mask
    filled : (B,) number of error pixels that were NaN at an edge and took their neighbour's value
    renormalised : (B,) whether flux and error were scaled to a median of 0.5
    """

    flux: np.ndarray
    error: np.ndarray
    mask: np.ndarray | None
    filled: np.ndarray
    renormalised: np.ndarray


class Shard:
    """A shard whose structure, wavelengths, labels and a sample of spectra have been checked.

    Parameters
    ----------
    path : the HDF5 file
    n_pixels : pixels that every spectrum must have; None: as many as the wavelength scale has
    on_median, median_tolerance : as in `PfsHdf5Config`

    Raises
    ------
    ShardError
        One message that names the file, what was found and what was expected.
    """

    def __init__(
        self, path: Path, n_pixels: int | None = 4096, on_median: str = "renormalise", median_tolerance: float = 1e-3
    ) -> None:
        self.path = path
        self.on_median, self.median_tolerance = on_median, median_tolerance
        self._stamp = self._stat()
        with self._open() as file:
            self.wave = wave.read_wave(file, path, n_pixels)
            self.n_pixels = len(self.wave)
            flux = self._dataset(file, "flux", None)
            self.n_rows = int(flux.shape[0])
            self.arrays = {"flux": flux.dtype.str, "error": self._dataset(file, "error", self.n_rows).dtype.str}
            for name in ("mask", "noisy"):
                if _ARRAYS.format(name) in file:
                    self.arrays[name] = self._dataset(file, name, self.n_rows).dtype.str
            self.labels = table.read_columns(file, path)
            self._piece_rows, self._keep_piece = _pieces(flux)
        self._piece: tuple[int, Spectra] | None = None
        for name, values in self.labels.items():
            if len(values) != self.n_rows:
                raise ShardError(f"{path}: {len(values)} rows of labels (column {name}) for {self.n_rows} spectra")
        self.notices = self._check_sample()

    @property
    def has_mask(self) -> bool:
        return "mask" in self.arrays

    def _stat(self) -> tuple[int, int]:
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise ShardError(f"cannot read {self.path}: {error.strerror or error}") from error
        return status.st_size, status.st_mtime_ns

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        """The file, opened anew: a handle is not shared between threads or processes, nor kept while it may change."""
        if self._stat() != self._stamp:
            raise ShardError(f"{self.path} changed while it was being read; run again once it is complete")
        try:
            with open(self.path, "rb") as raw:
                start = raw.read(len(_SIGNATURE))
            if start != _SIGNATURE:
                found = f"it begins with {start!r}" if start else "it is empty"
                raise ShardError(f"{self.path} is not an HDF5 file: {found}; expected a shard written by pfsspec")
            with h5py.File(self.path, "r") as file:
                yield file
        except OSError as error:
            if isinstance(error, PermissionError) or "ermission denied" in str(error):
                raise ShardError(f"cannot read {self.path}: permission denied; allow this user to read it") from error
            if "truncated" in str(error):
                raise ShardError(
                    f"{self.path} is truncated: it has {self._stamp[0]} bytes and its header promises more; "
                    f"copy it again ({error})"
                ) from error
            raise ShardError(f"{self.path} is damaged: {error}; copy it again") from error
        except (KeyError, RuntimeError) as error:  # h5py, where metadata inside the file are damaged
            raise ShardError(f"{self.path} is damaged: {error}; copy it again") from error

    def _dataset(self, file: h5py.File, name: str, n_rows: int | None) -> h5py.Dataset:
        """The array `name`, (N, P), after checking its kind and shape."""
        key = _ARRAYS.format(name)
        dataset = file.get(key)
        if not isinstance(dataset, h5py.Dataset):
            inside = ", ".join(sorted(file)) or "nothing"
            raise ShardError(
                f"{self.path}: no dataset {key}, expected ({n_rows or 'N'}, {self.n_pixels}) numbers; the file holds "
                f"{inside}. Is it a shard written by pfsspec?"
            )
        kinds = "iub" if name == "mask" else "f"
        if dataset.ndim != 2 or dataset.shape[1] != self.n_pixels or dataset.dtype.kind not in kinds:
            raise ShardError(
                f"{self.path}: {key} has shape {dataset.shape} and dtype {dataset.dtype}, expected (N, {self.n_pixels})"
                f" {'integers' if name == 'mask' else 'float32 or float64'}; data.pfs_hdf5.n_pixels says how many "
                "pixels are expected"
            )
        if n_rows not in (None, dataset.shape[0]) or dataset.shape[0] == 0:
            raise ShardError(f"{self.path}: {key} has {dataset.shape[0]} rows, expected {n_rows or 'at least one'}")
        return dataset

    def read(self, start: int, stop: int) -> Spectra:
        """Rows start … stop − 1, clean; at most `_PIECE_BYTES` of an array are held besides the result.

        Raises
        ------
        ShardError
            If the file changed or is damaged, or a value is one that no spectrum may have.
        """
        parts = []
        with self._open() as file:
            for low in range(start - start % self._piece_rows, stop, self._piece_rows):
                first, last = max(start, low), min(stop, low + self._piece_rows, self.n_rows)
                if self._keep_piece:
                    piece = self._whole_piece(file, low)
                    parts.append(_rows(piece, slice(first - low, last - low)))
                else:
                    parts.append(self._clean(file, first, last))
        return parts[0] if len(parts) == 1 else _join(parts)

    def _whole_piece(self, file: h5py.File, low: int) -> Spectra:
        """A compressed HDF5 chunk, unpacked once and kept for the next block that needs the rest of it."""
        with _UNPACKING:  # threads that need the same chunk wait for one of them, or each would hold its own copy
            kept = self._piece
            if kept is None or kept[0] != low:
                self._piece = kept = (low, self._clean(file, low, min(low + self._piece_rows, self.n_rows)))
            return kept[1]

    def forget(self) -> None:
        """Let go of the unpacked chunk."""
        self._piece = None

    def _clean(self, file: h5py.File, start: int, stop: int) -> Spectra:
        with np.errstate(over="ignore"):  # what overflows float32 becomes infinite, which is refused below
            flux, error = (
                file[_ARRAYS.format(name)][start:stop].astype(np.float32, copy=False) for name in ("flux", "error")
            )
        mask = (file[_ARRAYS.format("mask")][start:stop] != 0).view(np.uint8) if self.has_mask else None
        filled = self._fill_edges(error, start)
        self._require_finite("flux", flux, start)
        self._require_finite("error", error, start)
        worst = error.min(axis=1)
        if not (worst > 0).all():
            row = int(np.argmin(worst))
            pixel = int(np.argmin(error[row]))
            raise ShardError(
                f"{self.path}: error of row {start + row}, pixel {pixel} is {error[row, pixel]:g}, expected a positive "
                f"1σ error ({int((error <= 0).sum())} values in rows {start} … {stop - 1} are zero or negative)"
            )
        return Spectra(flux, error, mask, filled, self._renormalise(flux, error, start))

    def _fill_edges(self, error: np.ndarray, start: int) -> np.ndarray:
        """Replace NaN at either end of a row by the nearest value, in place; count them per row."""
        filled = np.zeros(len(error), dtype=np.int32)
        for row in np.flatnonzero(np.isnan(error[:, 0]) | np.isnan(error[:, -1])):
            good = np.flatnonzero(~np.isnan(error[row]))
            if not len(good):
                raise ShardError(f"{self.path}: error of row {start + row} is NaN in every pixel")
            filled[row] = good[0] + error.shape[1] - 1 - good[-1]
            error[row, : good[0]] = error[row, good[0]]
            error[row, good[-1] + 1 :] = error[row, good[-1]]
        return filled

    def _require_finite(self, name: str, values: np.ndarray, start: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values.sum(axis=1)).all():  # a sum is finite only if all its terms are
                return
        bad = ~np.isfinite(values)
        if not bad.any():
            return
        row = int(np.argmax(bad.any(axis=1)))
        if bad[row].all():
            raise ShardError(f"{self.path}: {name} of row {start + row} is not finite in any pixel")
        raise ShardError(
            f"{self.path}: {name} of row {start + row}, pixel {int(np.argmax(bad[row]))} is not finite "
            f"({int(bad.sum())} such values from row {start} on); only NaN errors at the edges can be filled"
        )

    def _renormalise(self, flux: np.ndarray, error: np.ndarray, start: int) -> np.ndarray:
        """Scale rows whose median is not 0.5, in place; all others stay as they are, bit for bit."""
        low, high, half = MEDIAN - self.median_tolerance, MEDIAN + self.median_tolerance, flux.shape[1] // 2
        # Fewer than half of the values outside either limit: the median is inside, without sorting anything.
        inside = (np.count_nonzero(flux < low, axis=1) < half) & (np.count_nonzero(flux > high, axis=1) < half)
        scaled = np.zeros(len(flux), dtype=bool)
        for row in np.flatnonzero(~inside):
            median = float(np.median(flux[row]))
            if low <= median <= high:
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

    def _check_sample(self) -> list[str]:
        """Read some spectra and check them and their wavelengths, so that a bad shard is refused before any work."""
        rows = min(self.n_rows, _SAMPLE_ROWS)
        places = [0] if rows == self.n_rows else [int(k * (self.n_rows - rows // 4) / 3) for k in range(4)]
        seen = [(first, self.read(first, first + (rows // len(places)))) for first in places]
        self.forget()
        flux = np.concatenate([spectra.flux for _, spectra in seen])
        redshift = self.labels.get("redshift", np.zeros(self.n_rows))
        redshift = np.concatenate([redshift[first : first + len(spectra.flux)] for first, spectra in seen])
        step = max(1, len(flux) // 128)
        notices = [wave.require_vacuum(self.wave, flux[::step], np.nan_to_num(redshift[::step]), self.path)]
        scaled = sum(int(spectra.renormalised.sum()) for _, spectra in seen)
        if scaled:
            notices.append(f"{scaled} of {len(flux)} sampled spectra have a median flux other than 0.5: renormalised")
        masks = [spectra.mask for _, spectra in seen if spectra.mask is not None]
        if masks and (share := float(np.mean([mask.mean() for mask in masks]))) > 0.5:
            notices.append(f"{share:.0%} of the sampled pixels are masked (nonzero = masked): is the mask inverted?")
        if "noisy" in self.arrays:
            notices.append("the array 'noisy' is not read: the frozen noise of every set is made here")
        return [f"{self.path}: {notice}" for notice in notices if notice]

    def fingerprint(self) -> str:
        """SHA-256 over shapes, types, wavelengths, labels and the file's bytes (of a large file: 512 × 64 KiB)."""
        digest = hashlib.sha256(repr((self._stamp[0], self.n_rows, self.n_pixels, self.arrays)).encode())
        digest.update(self.wave.tobytes())
        for name, values in self.labels.items():
            digest.update(name.encode() + values.tobytes())
        size = self._stamp[0]
        try:
            with open(self.path, "rb") as raw:
                if size <= _FULL_HASH_BYTES:
                    digest.update(raw.read())
                else:
                    for k in range(_HASH_PLACES):
                        raw.seek(k * (size - _HASH_BYTES) // (_HASH_PLACES - 1))
                        digest.update(raw.read(_HASH_BYTES))
        except OSError as error:
            raise ShardError(f"cannot read {self.path}: {error.strerror or error}") from error
        return digest.hexdigest()


def _pieces(dataset: h5py.Dataset) -> tuple[int, bool]:
    """Rows to read at a time, aligned with the chunks, and whether unpacked chunks are worth keeping.

    HDF5 reads part of an unfiltered chunk without touching the rest; a filtered one must be unpacked whole.
    """
    rows = max(1, _PIECE_BYTES // (dataset.dtype.itemsize * dataset.shape[1]))
    chunk = dataset.chunks[0] if dataset.chunks else 1
    if chunk > _SAMPLE_ROWS and dataset.id.get_create_plist().get_nfilters():
        return chunk, True
    return (rows - rows % chunk if chunk <= rows else rows), False


def _rows(spectra: Spectra, part: slice) -> Spectra:
    mask = None if spectra.mask is None else spectra.mask[part]
    return Spectra(spectra.flux[part], spectra.error[part], mask, spectra.filled[part], spectra.renormalised[part])


def _join(parts: list[Spectra]) -> Spectra:
    masks = [part.mask for part in parts if part.mask is not None]
    return Spectra(
        np.concatenate([part.flux for part in parts]),
        np.concatenate([part.error for part in parts]),
        np.concatenate(masks) if masks else None,
        np.concatenate([part.filled for part in parts]),
        np.concatenate([part.renormalised for part in parts]),
    )
