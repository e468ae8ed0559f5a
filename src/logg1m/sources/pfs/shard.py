"""One shard written by pfsspec: opened, checked, and read in blocks as clean float32 spectra."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from logg1m.sources.pfs import labels, masks, table, wave
from logg1m.sources.pfs.clean import Cleaner, Spectra, join
from logg1m.sources.pfs.opening import Hindered, opened, require_filters, require_whole
from logg1m.sources.pfs.table import ShardError

_ARRAYS = "dataset/arrays/{}/value"
_SAMPLE_ROWS = 1024  # looked at when a shard is opened, in four places; a smaller shard is looked at as a whole
_PIECE_BYTES = 256 * 2**20  # of one array held at a time while reading
_FULL_HASH_BYTES = 64 * 2**20  # files up to this size are hashed whole, larger ones at _HASH_PLACES
_HASH_PLACES, _HASH_BYTES = 512, 64 * 2**10
_UNPACKING = threading.Lock()
# Median over the sampled pixels of flux/error: beyond the outer limits they cannot be one quantity and its 1σ error.
_POSSIBLE_SNR, _USUAL_SNR = (1e-4, 1e6), (0.02, 5e3)


class Shard:
    """A shard whose structure, wavelengths, labels and a sample of spectra have been checked.

    Parameters
    ----------
    path : the HDF5 file
    n_pixels : pixels that every spectrum must have; None: as many as the wavelength scale has
    on_median, median_tolerance, mask_means : as in `PfsHdf5Config`

    Raises
    ------
    ShardError
        One message that names the file, what was found and what was expected.
    """

    def __init__(
        self,
        path: Path,
        n_pixels: int | None = 4096,
        on_median: Literal["renormalise", "refuse"] = "renormalise",
        median_tolerance: float = 1e-3,
        mask_means: masks.Means = "auto",
    ) -> None:
        self.path = path
        self._clean_rows = Cleaner(path, on_median, median_tolerance)
        self._stamp = self._stat()
        with self._open() as file:
            require_whole(file, path)
            self.wave = wave.read_wave(file, path, n_pixels)
            self.n_pixels = len(self.wave)
            flux = self._dataset(file, "flux", None)
            self.n_rows = int(flux.shape[0])
            self.arrays = {"flux": flux.dtype.str, "error": self._dataset(file, "error", self.n_rows).dtype.str}
            for name in ("mask", "noisy"):
                if _ARRAYS.format(name) in file:
                    self.arrays[name] = self._dataset(file, name, self.n_rows).dtype.str
            if isinstance(found := file.get(f"{table.KEY}/table"), h5py.Dataset):
                require_filters(found, path)
            self.table = table.read_table(file, path)
            self.labels = self.table.numbers
            self._piece_rows, self._keep_piece = _pieces(flux)
            self._own_waves = wave.OWN in file
            notices: list[str] = []
            self._one_is_good = False
            if "mask" in self.arrays:
                mask = file[_ARRAYS.format("mask")]
                sample = np.concatenate([mask[first:last] for first, last in self._sample()])
                self._one_is_good, notices = masks.sense(mask, sample, mask_means, path)
        self._piece: tuple[int, Spectra] | None = None
        if len(self.table.index) != self.n_rows:
            raise ShardError(
                f"{path}: {len(self.table.index)} rows of labels for {self.n_rows} spectra; write both anew"
            )
        labels.require_possible(self.table, path)
        notices += [*labels.notices(self.table), *self._check_sample()]
        self.notices = [f"{path}: {notice}" for notice in notices]

    def _stat(self) -> tuple[int, int]:
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise Hindered(f"cannot read {self.path}: {error.strerror or error}") from error
        return status.st_size, status.st_mtime_ns

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        """The file, opened anew: a handle is not shared between threads or processes, nor kept while it may change."""
        if self._stat() != self._stamp:
            raise ShardError(f"{self.path} changed while it was being read; run again once it is complete")
        with opened(self.path) as file:
            yield file

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
        require_filters(dataset, self.path)
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
                    parts.append(piece.rows(slice(first - low, last - low)))
                else:
                    parts.append(self._clean(file, first, last))
        return parts[0] if len(parts) == 1 else join(parts)

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
        with np.errstate(over="ignore"):  # what overflows float32 becomes infinite, which is refused
            flux, error = (
                file[_ARRAYS.format(name)][start:stop].astype(np.float32, copy=False) for name in ("flux", "error")
            )
        if self._own_waves:
            wave.require_one_scale(file, self.wave, start, stop, self.path)
        return self._clean_rows(flux, error, self._masked(file, start, stop), start)

    def _masked(self, file: h5py.File, start: int, stop: int) -> np.ndarray:
        """Masked pixels (B, P) bool, True = bad, whatever the sense of the mask in the file."""
        if "mask" not in self.arrays:
            return np.zeros((stop - start, self.n_pixels), dtype=bool)
        mask = file[_ARRAYS.format("mask")][start:stop]
        if not self._one_is_good:
            return np.asarray(mask != 0)
        good = mask == 1
        if not (good | (mask == 0)).all():
            row = start + int(np.argmin((good | (mask == 0)).all(axis=1)))
            raise ShardError(
                f"{self.path}: the mask of row {row} holds values other than 0 and 1, but 1 was taken for good; set "
                "data.pfs_hdf5.mask_means (--mask-means): bad if its values are bits"
            )
        return np.asarray(~good)

    def _sample(self) -> list[tuple[int, int]]:
        """First and last-plus-one rows of the places that are looked at when a shard is opened."""
        rows = min(self.n_rows, _SAMPLE_ROWS)
        if rows == self.n_rows:
            return [(0, rows)]
        firsts = [int(k * (self.n_rows - rows // 4) / 3) for k in range(4)]
        return [(first, first + rows // 4) for first in firsts]

    def _check_sample(self) -> list[str]:
        """Read some spectra and check them and their wavelengths, so that a bad shard is refused before any work."""
        places = self._sample()
        seen = join([self.read(first, last) for first, last in places])
        self.forget()
        redshift = self.labels.get("redshift", np.zeros(self.n_rows))
        redshift = np.concatenate([redshift[first:last] for first, last in places])
        step = max(1, len(seen.flux) // 128)
        notices = [wave.require_vacuum(self.wave, seen.flux[::step], np.nan_to_num(redshift[::step]), self.path)]
        notices.append(self._check_scale(seen))
        if scaled := int(seen.renormalised.sum()):
            notices.append(
                f"{scaled} of {len(seen.flux)} sampled spectra have a median flux other than 0.5: renormalised"
            )
        if filled := int((seen.filled > 0).any(axis=1).sum()):
            notices.append(
                f"{filled} of {len(seen.flux)} sampled spectra have pixels without a flux or an error (masked ones, "
                "and NaN at the edges): filled from their neighbours, and masked in the store"
            )
        if "noisy" in self.arrays:
            notices.append("the array 'noisy' is not read: the frozen noise of every set is made here")
        return [notice for notice in notices if notice]

    def _check_scale(self, seen: Spectra) -> str | None:
        """Refuse flux and error that cannot be in the same units."""
        ratio = float(np.median(np.abs(seen.flux) / seen.error))
        if not _POSSIBLE_SNR[0] <= ratio <= _POSSIBLE_SNR[1]:
            raise ShardError(
                f"{self.path}: flux/error is {ratio:.3g} in the median pixel, expected about 0.1 … 1000: are flux and "
                "error in different units? error must be the 1σ error of flux, on the same scale"
            )
        if not _USUAL_SNR[0] <= ratio <= _USUAL_SNR[1]:
            what = f"flux/error is {ratio:.3g} in the median pixel"
            return f"{what}: is the error 1σ (no variance), in the units of the flux?"
        return None

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
