"""pfsspec's shards, with labels or without, on one scale of wavelengths or one per spectrum."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from logg1m.predict.reading import Options, bit_mask, require_scale
from logg1m.predict.steps import LIGHT_KM_S, Spectra
from logg1m.sources.pfs import masks, table
from logg1m.sources.pfs.opening import opened, require_filters, require_whole
from logg1m.sources.pfs.table import ShardError
from logg1m.sources.pfs.wave import KEY, OWN

_ROWS = 1_024
_ARRAY = "dataset/arrays/{}/value"


def open_file(path: Path, options: Options) -> "ShardSpectra":
    """See `reading.open_spectra`."""
    return ShardSpectra(path, options)


class ShardSpectra:
    """One shard. Labels are not asked for: of its table, if there is one, identifiers and redshifts are taken."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path, self.steps = path, list[str]()
        with opened(path) as file:
            require_whole(file, path)
            self.array = self._observed(file, options)
            flux = self._dataset(file, self.array)
            self.n_spectra, self.n_pixels = flux.shape
            error = self._dataset(file, "error")
            if error.shape != flux.shape:
                raise ShardError(f"{path}: error has shape {error.shape}, expected {flux.shape}, that of {self.array}")
            self.wave = self._scale(file)
            self.bits, self.one_is_good = 0, False
            if _ARRAY.format("mask") in file:
                self._understand_mask(file, options)
            self._identify(file)
        self.steps.append(f"units: wavelengths in vacuum Angstrom and any flux per Angstrom, array {self.array}")

    def _observed(self, file: h5py.File, options: Options) -> str:
        noisy = _ARRAY.format("noisy") in file
        if options.array == "auto":
            return "noisy" if noisy else "flux"
        return options.array

    def _dataset(self, file: h5py.File, name: str) -> h5py.Dataset:
        found = file.get(_ARRAY.format(name))
        if not isinstance(found, h5py.Dataset) or found.ndim != 2 or found.dtype.kind not in "fiub":
            inside = ", ".join(sorted(file.get("dataset/arrays", file))) or "nothing"
            raise ShardError(
                f"{self.path}: no data set {_ARRAY.format(name)} of (N, P) numbers; it holds {inside}. Expected a shard "
                "with the observed flux and its 1σ error"
            )
        require_filters(found, self.path)
        return found

    def _scale(self, file: h5py.File) -> np.ndarray | None:
        """Wavelengths (P,), or None where every spectrum has its own."""
        found = file.get(KEY)
        if isinstance(found, h5py.Dataset):
            values = np.atleast_2d(np.asarray(found[()], dtype=np.float64))
            if values.shape[1] != self.n_pixels or len(values) > 2:
                raise ShardError(
                    f"{self.path}: {KEY} has shape {found.shape}, expected ({self.n_pixels},) or (2, {self.n_pixels})"
                )
            return np.asarray(values.mean(axis=0))
        own = file.get(OWN)
        if isinstance(own, h5py.Dataset) and own.shape == (self.n_spectra, self.n_pixels):
            return None
        raise ShardError(
            f"{self.path}: no wavelengths: expected {KEY} ({self.n_pixels},) or {OWN} ({self.n_spectra}, {self.n_pixels}) in Å"
        )

    def _understand_mask(self, file: h5py.File, options: Options) -> None:
        mask = self._dataset(file, "mask")
        if mask.shape != (self.n_spectra, self.n_pixels):
            raise ShardError(
                f"{self.path}: mask has shape {mask.shape}, expected {(self.n_spectra, self.n_pixels)}, that of {self.array}"
            )
        if options.mask_bits is not None:
            self.bits = bit_mask(options.mask_bits, {}, self.path)
            self.steps.append(f"mask: bits {', '.join(options.mask_bits)} are bad")
            return
        sample = np.asarray(mask[: min(_ROWS, self.n_spectra)])
        self.one_is_good, _ = masks.sense(mask, sample, options.mask_means, self.path)
        self.bits = -1
        self.steps.append("mask: 1 is good" if self.one_is_good else "mask: nonzero is bad")

    def _identify(self, file: h5py.File) -> None:
        """catId, objId (N,) and the radial velocity (N,), NaN where the shard does not have it."""
        rows = np.arange(self.n_spectra)
        self.velocity, self.cat, self.obj = np.full(self.n_spectra, np.nan), np.full(self.n_spectra, -1), rows.copy()
        if table.KEY not in file:
            return
        known = table.read_table(file, self.path)
        if len(known.index) != self.n_spectra:
            raise ShardError(f"{self.path}: {len(known.index)} rows of labels for {self.n_spectra} spectra")
        if (redshift := known.numbers.get("redshift")) is not None:
            self.velocity = redshift * LIGHT_KM_S
            self.steps.append("velocity: column redshift of the shard, times c")
        columns = known.exact | known.numbers
        whole = known.identifiers
        self.obj = whole.astype(np.int64) if whole.dtype.kind in "iu" else rows
        for name, field in (("obj_id", "obj"), ("objid", "obj"), ("objId", "obj"), ("cat_id", "cat"), ("catId", "cat")):
            if name in columns and columns[name].dtype.kind in "iuf":
                setattr(self, field, np.nan_to_num(columns[name], nan=-1).astype(np.int64))

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Spectra]:
        """See `reading.Reader`."""
        stop = self.n_spectra if stop is None else min(stop, self.n_spectra)
        with opened(self.path) as file:
            for low in range(start, stop, _ROWS):
                rows = slice(low, min(low + _ROWS, stop))
                flux, error = (np.asarray(self._dataset(file, name)[rows]) for name in (self.array, "error"))
                wave = self.wave
                if wave is None:
                    wave = np.asarray(file[OWN][rows], dtype=np.float64)
                if self.bits:
                    values = self._dataset(file, "mask")[rows]
                    bad = (
                        values != 1 if self.one_is_good else (values & self.bits) != 0 if self.bits > 0 else values != 0
                    )
                else:
                    bad = np.zeros(flux.shape, dtype=bool)
                first = flux[:, :1]
                perhaps = np.flatnonzero(((first == 0) | (first == -1))[:, 0])
                unset = perhaps[(flux[perhaps] == first[perhaps]).all(axis=1)]  # rows that nobody wrote
                if len(unset):
                    bad[unset] = True
                bad = np.asarray(bad)
                require_scale(flux, error, bad, self.path, low)
                with np.errstate(over="ignore"):  # of single pixels
                    flux, error = (values.astype(np.float32, copy=False) for values in (flux, error))
                numbers = np.arange(rows.start, rows.stop)
                identity = pd.DataFrame(
                    {"catId": self.cat[rows], "objId": self.obj[rows], "input": self.path.name, "row": numbers}
                )
                yield Spectra(wave, flux, error, bad, self.velocity[rows], identity, steps=tuple(self.steps))
