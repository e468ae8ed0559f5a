"""Spectra in npz, parquet and ECSV files, and as arrays in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from logg1m.files import InputError
from logg1m.predict.reading import Options, bit_mask, require_scale
from logg1m.predict.steps import Spectra

_ROWS = 1_024
_FACTORS = {"angstrom": 1.0, "a": 1.0, "aa": 1.0, "å": 1.0, "nm": 10.0, "nanometer": 10.0, "um": 1e4, "micron": 1e4}
_LIGHT = 2.99792458e18  # Å/s


def open_file(path: Path, options: Options) -> "ArraySpectra":
    """See `reading.open_spectra`."""
    read = {".npz": _npz, ".parquet": _parquet, ".ecsv": _ecsv}[path.suffix.lower()]
    return of_arrays(read(path), path, options)


@dataclass(frozen=True)
class ArraySpectra:
    """Spectra that are in memory."""

    path: Path
    spectra: Spectra

    @property
    def n_spectra(self) -> int:
        return len(self.spectra)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Spectra]:
        """See `reading.Reader`."""
        s, stop = self.spectra, self.n_spectra if stop is None else min(stop, self.n_spectra)
        for low in range(start, stop, _ROWS):
            rows = slice(low, min(low + _ROWS, stop))
            wave = s.wave if s.wave.ndim == 1 else s.wave[rows]
            covariance = None if s.covariance is None else s.covariance[rows]
            identity = s.identity.iloc[rows].reset_index(drop=True)
            yield Spectra(
                wave, s.flux[rows], s.error[rows], s.bad[rows], s.velocity[rows], identity, covariance, s.steps
            )  # fmt: skip


def of_arrays(values: Mapping[str, Any], path: Path, options: Options | None = None) -> ArraySpectra:
    """Spectra from named arrays.

    Parameters
    ----------
    values : wave (P,) or (N, P), Å or with `wave_unit`; flux and error (N, P), F_λ on any scale or with `flux_unit` nJy; and
        where they are known mask (N, P), v_los (N,) km/s, objId and catId (N,)

    Raises
    ------
    InputError
        Names what is missing or does not fit.
    """
    options = options or Options()
    missing = [name for name in ("wave", "flux", "error") if name not in values]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(values) or 'nothing'}: expected wave, flux and "
                         "error (1σ), and where known mask, v_los, objId, catId")  # fmt: skip
    wave = _numbers(values["wave"])
    flux, error = (np.atleast_2d(_numbers(values[name])) for name in ("flux", "error"))
    if flux.ndim != 2 or not flux.size:
        raise InputError(f"{path}: flux of shape {flux.shape} holds no spectrum, expected (N, P)")
    n, pixels = flux.shape
    if error.shape != flux.shape or wave.shape not in ((pixels,), (n, pixels)):
        raise InputError(
            f"{path}: flux {flux.shape}, error {error.shape}, wave {wave.shape}: expected (N, P), (N, P), and (P,) or (N, P)"
        )
    steps = [_units_of_wave(values, path)]
    wave = wave * _FACTORS[_text(values.get("wave_unit", "angstrom"))]
    unit = _text(values.get("flux_unit", "f_lambda"))
    if unit == "njy":
        flux, error = flux * (1e-32 * _LIGHT / wave**2), error * (1e-32 * _LIGHT / wave**2)
        steps.append("units: flux from nJy to erg/s/cm2/A")
    elif unit not in ("f_lambda", "erg/s/cm2/a", "erg / (angstrom s cm2)", ""):
        raise InputError(f"{path}: flux_unit is {unit!r}; expected nJy, or flux per Å (f_lambda, the default)")
    mask = np.zeros(flux.shape, dtype=bool)
    if "mask" in values:
        mask = _bad(np.atleast_2d(np.asarray(values["mask"])), options, path)
        if mask.shape != flux.shape:
            raise InputError(f"{path}: mask has shape {mask.shape}, expected {flux.shape}, that of the flux")
        steps.append("mask: nonzero is bad" if options.mask_means != "good" else "mask: nonzero is good")
    require_scale(flux, error, mask, path)
    velocity = np.broadcast_to(np.asarray(values.get("v_los", np.nan), dtype=np.float64), (n,)).copy()
    rows = np.arange(n)
    identity = pd.DataFrame(
        {
            "catId": np.broadcast_to(_whole(values.get("catId", -1), "catId", path), (n,)),
            "objId": np.broadcast_to(_whole(values.get("objId", rows), "objId", path), (n,)),
            "input": path.name,
            "row": rows,
        }
    )
    return ArraySpectra(path, Spectra(wave, flux, error, mask, velocity, identity, steps=tuple(steps)))


def _numbers(values: Any) -> np.ndarray:
    """Real numbers as float64; what a masked array hides is NaN."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise ValueError(f"values of type {values.dtype} where real numbers are expected")
    found: np.ndarray = values.astype(np.float64)
    return found


def _whole(values: Any, name: str, path: Path) -> np.ndarray:
    """Identifiers as int64, every one as it was."""
    given = np.asarray(values)
    if given.dtype.kind in "iu" and (given.dtype.itemsize < 8 or given.dtype.kind == "i" or (given < 2**63).all()):
        return given.astype(np.int64)
    if given.dtype.kind == "f" and (np.abs(given) < 2**53).all() and (given == np.round(given)).all():
        return given.astype(np.int64)
    raise InputError(f"{path}: {name} are no 64-bit integers ({given.dtype}, such as {given.ravel()[0]!r})")


def _units_of_wave(values: Mapping[str, Any], path: Path) -> str:
    unit = _text(values.get("wave_unit", "angstrom"))
    if unit not in _FACTORS:
        raise InputError(f"{path}: wave_unit is {unit!r}; expected one of {', '.join(_FACTORS)}, vacuum")
    return f"units: wavelengths from {unit} to vacuum Angstrom"


def _text(value: Any) -> str:
    """One word, also where every spectrum repeats it."""
    words = {str(one).strip().lower() for one in np.asarray(value).ravel()}
    if len(words) != 1:
        raise ValueError(f"units {', '.join(sorted(words)) or 'of no spectrum'} in one file; expected one")
    return words.pop()


def _bad(mask: np.ndarray, options: Options, path: Path) -> np.ndarray:
    if mask.dtype.kind not in "biuf":
        raise InputError(f"{path}: mask holds {mask.dtype}, expected true and false, or numbers")
    if options.mask_bits is not None:
        return np.asarray((mask.astype(np.int64) & bit_mask(options.mask_bits, {}, path)) != 0)
    return np.asarray(mask == 0) if options.mask_means == "good" else np.asarray(mask != 0)


def _npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise InputError(f"cannot read {path}: {error}; expected an .npz file of plain arrays") from error


def _parquet(path: Path) -> dict[str, Any]:
    """A row is a spectrum, with lists in wave, flux, error and mask."""
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise InputError(f"{path} is not a readable Parquet file ({error})") from error
    return _stacked({str(name): frame[name].to_list() for name in frame}, path)


def _ecsv(path: Path) -> dict[str, Any]:
    """A row is a pixel of one spectrum (columns wave, flux, error, mask), with the units that it says."""
    from logg1m.predict.astropy_tools import table_of_pixels

    return table_of_pixels(path)


def _stacked(columns: dict[str, list[Any]], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, rows in columns.items():
        if rows and isinstance(rows[0], list | tuple | np.ndarray):
            lengths = {len(row) for row in rows}
            if len(lengths) > 1:
                raise InputError(
                    f"{path}: {name} has lists of {min(lengths)} to {max(lengths)} numbers; expected one length"
                )
            found[name] = np.stack([np.asarray(row) for row in rows])
        else:
            found[name] = np.asarray(rows)
    return found
