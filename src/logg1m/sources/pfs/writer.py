"""Shards in the layout that pfsspec writes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from logg1m.files import InputError, atomic_path
from logg1m.observe import LABELS
from logg1m.sources.pfs.identifiers import OWN, PLACE
from logg1m.sources.pfs.labels import OTHER, STELLAR
from logg1m.sources.pfs.table import KEY as PARAMS

_COLUMNS = {label: column for column, (label, _) in (STELLAR | OTHER).items()}
_TEXT_WIDTH = 50  # least bytes of a string column, as pfsspec asks of pandas
_MASK = "dataset/arrays/mask/value"
_MASK_ROWS = 1024  # of a chunk, where the other arrays have none

# Consecutive spectra: arrays name → (B, P), and their rows of the label table.
Part = tuple[dict[str, np.ndarray], pd.DataFrame]


def write_shard(
    path: str | Path,
    wave: np.ndarray,
    parts: Iterable[Part],
    n_spectra: int,
    dtype: str = "float64",
    wave_2d: bool = False,
    chunk_rows: int | None = None,
    compression: str | None = None,
) -> None:
    """Write one shard, part by part; the file appears only when it is whole.

    Parameters
    ----------
    path : file to write
    wave : (P,) pixel centres, vacuum Å
    parts : spectra in order; arrays are flux, error and, if the parts have them, mask (nonzero = bad) and noisy. The
        column `id` of their tables, numbers without it, is the index too, unless there is a column `index`
    n_spectra : how many there are in all parts
    dtype : float32 or float64, of the spectra
    wave_2d : write the wavelength scale as (2, P), the lower and upper edges of the pixels
    chunk_rows : rows of an HDF5 chunk; None: contiguous
    compression : HDF5 filter of the spectra (needs chunk_rows)

    Raises
    ------
    InputError
        If the parts do not add up to `n_spectra`, or the disk refuses.
    """
    with atomic_path(path) as temporary:
        try:
            with h5py.File(temporary, "w") as file:
                edges = _edges(wave)
                file["spectrumdataset/wave"] = edges if wave_2d else np.asarray(wave, dtype=np.float64)
                file["spectrumdataset/wave_edges"] = edges
                chunks = (min(chunk_rows, n_spectra), len(wave)) if chunk_rows else None
                layout = {"shape": (n_spectra, len(wave)), "chunks": chunks, "compression": compression}
                table = _write_parts(file, parts, dtype, layout)
            if len(table) != n_spectra:
                raise InputError(f"{path}: {len(table)} spectra came, expected {n_spectra}; nothing was written")
            write_table(temporary, table)
        except (RuntimeError, ValueError, KeyError) as error:  # of h5py and PyTables: a full disk, a value unfit
            raise InputError(f"cannot write {path}: {error}; nothing was written") from error


def write_table(path: str | Path, table: pd.DataFrame, index: bool = True) -> None:
    """Add the label table to an HDF5 file, as pandas of any version reads it; `index`: also what makes queries fast."""
    text = {str(name): _width(table[name]) for name in table if not pd.api.types.is_numeric_dtype(table[name])}
    table.to_hdf(path, key=PARAMS, mode="a", format="table", min_itemsize=text, index=index)
    with h5py.File(path, "r+") as file:  # pandas 3 leaves it out, and earlier ones need it
        file[PARAMS].attrs.setdefault("pandas_version", np.bytes_(b"0.15.2"))


def _write_parts(file: h5py.File, parts: Iterable[Part], dtype: str, layout: dict[str, Any]) -> pd.DataFrame:
    """Write the arrays and return the whole label table."""
    tables: list[pd.DataFrame] = []
    start = 0
    # Always there, since pfsspec asks for it; without a masked pixel nothing of it is written.
    chunks = layout["chunks"] or (min(_MASK_ROWS, layout["shape"][0]), layout["shape"][1])
    file.create_dataset(_MASK, dtype="int64", **(layout | {"chunks": chunks}))
    for arrays, table in parts:
        for name, values in arrays.items():
            key = f"dataset/arrays/{name}/value"
            if key not in file:
                file.create_dataset(key, dtype=dtype, **layout)
            if key != _MASK or values.any():
                file[key][start : start + len(values)] = values
        start += len(table)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    ids = whole.pop("id") if "id" in whole else pd.Series(np.arange(len(whole)))
    index = whole.pop("index") if "index" in whole else ids
    whole.insert(0, "id", ids)
    return whole.set_axis(pd.Index(index.to_numpy(), name=None), axis=0)


def _width(column: pd.Series) -> int:
    """Bytes that a column of text needs."""
    return max(_TEXT_WIDTH, *(len(str(value).encode()) for value in column.unique()))


def _edges(wave: np.ndarray) -> np.ndarray:
    """Lower and upper edges (2, P) of uniform pixels."""
    half = (wave[-1] - wave[0]) / (len(wave) - 1) / 2
    return np.stack([wave - half, wave + half])


def params_table(
    arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray], identifiers: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Labels under pfsspec's column names, with the columns it always writes.

    `snr`, where it is not among the labels, is the 95th percentile of flux/error over pixels, as the simulator has it.
    A stellar label that is not there is a column of NaN. Columns of `identifiers`, as `spectra.identifiers` keeps them, come back as they were.
    """
    stellar = {column: labels.get(label, np.nan) for column, (label, _) in STELLAR.items()}
    rest = {_COLUMNS.get(name, name): values for name, values in labels.items() if name not in (*LABELS, "role")}
    frame = pd.DataFrame(stellar | {"O_M": np.nan} | rest)
    if "snr" not in frame:
        frame["snr"] = np.percentile(arrays["flux"] / arrays["error"], 95, axis=1).astype(np.float64)
    frame["interp_param"] = pd.Series([""] * len(frame), dtype=object)
    if identifiers is not None:
        kept = [name for name in identifiers if name not in PLACE]
        called = {name: own for own, name in OWN.items()}
        columns = {called.get(name, str(name)): _writable(identifiers[name]).to_numpy() for name in kept}
        frame = frame.assign(**columns)
    return frame


def _writable(column: pd.Series) -> pd.Series:
    """PyTables has no whole numbers with gaps: they become floating-point numbers, or text where these would round."""
    if not pd.api.types.is_extension_array_dtype(column) or not pd.api.types.is_integer_dtype(column):
        return column
    rounded = column.abs().max() > 2**53
    return column.astype("string").astype(object).fillna("") if rounded else column.astype("Float64").astype("float64")
