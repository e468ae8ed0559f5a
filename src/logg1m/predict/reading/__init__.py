"""Users' spectra from files: which reader a file needs, and one protocol for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from logg1m.files import InputError
from logg1m.predict.steps import Spectra
from logg1m.spectra.medians import row_medians

MaskMeans = Literal["auto", "bad", "good"]


@dataclass(frozen=True)
class Options:
    """What a user says of the files.

    mask_bits : which bits (numbers, or names of the file's own cards) mark a bad pixel; None: those of each format
    mask_means : what a nonzero value of a mask of zeros and ones means
    array : of a shard, which data set holds the observed flux; auto: noisy where there is one, else flux
    """

    mask_bits: tuple[str, ...] | None = None
    mask_means: MaskMeans = "auto"
    array: Literal["auto", "flux", "noisy"] = "auto"


class Reader(Protocol):
    """One file of spectra."""

    path: Path
    n_spectra: int

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Spectra]:
        """Spectra start … stop − 1 in whole blocks of at most 1,024, in constant memory."""
        ...


_SMALLEST, _LARGEST = 1e-30, 1e30  # of fluxes on any scale
_HDF5, _FITS = b"\x89HDF\r\n\x1a\n", b"SIMPLE  ="
_BY_SUFFIX = {
    ".npz": "logg1m.predict.reading.arrays",
    ".parquet": "logg1m.predict.reading.arrays",
    ".ecsv": "logg1m.predict.reading.arrays",
}


def open_spectra(path: str | Path, options: Options | None = None) -> Reader:
    """The reader of a file, by what it begins with, then by its suffix.

    Raises
    ------
    InputError
        If there is no such file, or nothing reads it.
    """
    path, options = Path(path), options or Options()
    try:
        with open(path, "rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if start.startswith(_HDF5):
        module = "logg1m.predict.reading.shards"
    elif start == _FITS:
        module = "logg1m.predict.reading.fits"
    elif path.suffix.lower() in _BY_SUFFIX:
        module = _BY_SUFFIX[path.suffix.lower()]
    else:
        raise InputError(
            f"{path} is no file of spectra that is known here: expected a shard (HDF5), FITS (pfsSingle, pfsObject, "
            f"pfsCalibrated, pfsCoadd), .npz, .parquet or .ecsv; it begins with {start!r}"
        )
    with spectra_of(path):
        reader: Reader = import_module(module).open_file(path, options)
    return reader


@contextmanager
def spectra_of(path: Path) -> Iterator[None]:
    """What a reader did not foresee in a file becomes one error that names it.

    Only what values, names and lengths can do. Anything else (an attribute that nothing has, a wrong call) is a fault of
    this package and must not be blamed on a user's file.
    """
    try:
        yield
    except (ValueError, KeyError, IndexError, OverflowError, EOFError, OSError) as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path}: this is not understood as spectra ({found})") from error


def require_scale(flux: np.ndarray, error: np.ndarray, bad: np.ndarray, path: Path, first: int = 0) -> None:
    """Stop at spectra (N, P) whose numbers single precision cannot hold: they would become infinite, or zero.

    Judged by the median size of every spectrum, at each sixteenth pixel: what lies under a mask, or single pixels, do not
    count, and neither does a spectrum without any value. `first` is the row of the first one.

    Raises
    ------
    InputError
        Says how large the numbers are.
    """
    for name, values in (("flux", flux), ("error", error)):
        size = np.abs(values[:, ::16])
        unknown = bad[:, ::16] | ~(size > 0) | np.isinf(size)
        with np.errstate(over="ignore"):
            median = row_medians(np.where(unknown, np.nan, size).astype(np.float32))
        outside = (median < _SMALLEST) | (median > _LARGEST)
        if outside.any():
            row = int(np.argmax(outside))
            found = np.median(size[row][~unknown[row]].astype(np.float64))
            raise InputError(
                f"{path}: the {name} of spectrum {first + row} is of the size {found:.1e}, beyond what single "
                f"precision holds; expected {_SMALLEST:g} to {_LARGEST:g}: multiply flux and error by one and the same number"
            )


def bit_mask(names: tuple[str, ...], planes: dict[str, int], path: Path) -> int:
    """Bits of a mask as one number: names of the file's planes, or their numbers.

    Raises
    ------
    InputError
        If a name is none of the file's.
    """
    total = 0
    for name in names:
        if name.isascii() and name.isdigit() and int(name) < 63:
            total |= 1 << int(name)
        elif name.upper() in planes:
            total |= 1 << planes[name.upper()]
        else:
            known = ", ".join(sorted(planes)) or "none by name"
            raise InputError(
                f"{path}: --mask-bits {name}: there is no such bit; the file has {known} (or give numbers)"
            )
    return total
