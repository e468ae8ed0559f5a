"""Shards in the layout that pfsspec writes: a miniature one for tests, and the export of a store."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd

from logg1m.config.data import Data
from logg1m.files import InputError, atomic_path
from logg1m.observe import LABELS
from logg1m.progress import Progress
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.pfs_hdf5 import OTHER, ROLES, STELLAR
from logg1m.sources.pfs_table import KEY as PARAMS

if TYPE_CHECKING:
    from logg1m.store import Store

_COLUMNS = {label: column for column, (label, _) in (STELLAR | OTHER).items()}
_TEXT_WIDTH = 50  # bytes of a string column, as pfsspec asks of pandas

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
    parts : spectra in order; arrays are flux, error and, if the parts have them, mask and noisy
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
            text = {name: _TEXT_WIDTH for name in table if not pd.api.types.is_numeric_dtype(table[name])}
            table.to_hdf(temporary, key=PARAMS, mode="a", format="table", min_itemsize=text)
        except (RuntimeError, ValueError) as error:  # h5py and PyTables, where the disk is full or a value unfit
            raise InputError(f"cannot write {path}: {error}; nothing was written") from error


def _write_parts(file: h5py.File, parts: Iterable[Part], dtype: str, layout: dict[str, Any]) -> pd.DataFrame:
    """Write the arrays and return the whole label table."""
    tables: list[pd.DataFrame] = []
    start = 0
    for arrays, table in parts:
        for name, values in arrays.items():
            key = f"dataset/arrays/{name}/value"
            if key not in file:
                file.create_dataset(key, dtype="int64" if name == "mask" else dtype, **layout)
            file[key][start : start + len(values)] = values
        start += len(table)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    whole.insert(0, "id", np.arange(len(whole)))
    return whole


def _edges(wave: np.ndarray) -> np.ndarray:
    """Lower and upper edges (2, P) of uniform pixels."""
    half = (wave[-1] - wave[0]) / (len(wave) - 1) / 2
    return np.stack([wave - half, wave + half])


def params_table(arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> pd.DataFrame:
    """Labels under pfsspec's column names, with the columns it always writes.

    `snr`, where it is not among the labels, is the 95th percentile of flux/error over pixels, as the simulator has it.
    """
    stellar = {column: labels[label] for column, (label, _) in STELLAR.items()}
    rest = {_COLUMNS.get(name, name): values for name, values in labels.items() if name not in (*LABELS, "role")}
    frame = pd.DataFrame(stellar | {"O_M": np.nan} | rest)
    if "snr" not in frame:
        frame["snr"] = np.percentile(arrays["flux"] / arrays["error"], 95, axis=1).astype(np.float64)
    frame["interp_param"] = pd.Series([""] * len(frame), dtype=object)
    return frame


def miniature(
    path: str | Path,
    n_spectra: int = 32,
    seed: int = 1,
    mask: bool = True,
    noisy: bool = False,
    nan_edges: int = 0,
    data: dict[str, Any] | None = None,
    **layout: Any,
) -> None:
    """Write a small shard with everything a real one has: grid-edge labels, strings, unused columns of NaN.

    Parameters
    ----------
    path, **layout : as in `write_shard`
    n_spectra, seed : spectra 0 … n_spectra − 1 of the embedded source with that seed
    mask : with a mask, some of whose pixels are set
    noisy : with an array of noisy spectra, as test files have
    nan_edges : pixels at either end of `error` that are NaN in every third spectrum
    data : further keys of the configuration section `data`
    """
    keys = {"n_spectra": max(n_spectra, 10), "labels": "grid_edges"} | (data or {})
    source = EmbeddedSource(Data.model_validate(keys), seed)
    block = source.read(0, n_spectra)
    arrays: dict[str, np.ndarray] = {name: values.astype(np.float64) for name, values in block.arrays.items()}
    rng = np.random.default_rng(seed)
    if mask:
        arrays["mask"] = (rng.random(arrays["flux"].shape) < 0.01).astype(np.int64) * 4
    if noisy:
        arrays["noisy"] = arrays["flux"] + arrays["error"] * rng.standard_normal(arrays["flux"].shape)
    table = params_table(block.arrays, block.labels)
    off_node = [~np.isin(block.labels[name], nodes) for name, nodes in source.grid.axes.items()]
    free = np.argmax(off_node, axis=0)  # the one axis along which pfsspec interpolated
    table["interp_param"] = pd.Series([tuple(STELLAR)[k] for k in free], dtype=object)
    table["exp_count"] = source.data.observation.exposures
    table["exp_time"] = source.data.observation.exposure_time
    table["random_seed"] = np.nan
    if nan_edges:
        arrays["error"][::3, :nan_edges] = np.nan
        arrays["error"][::3, -nan_edges:] = np.nan
    write_shard(path, source.wave, [(arrays, table)], n_spectra, **layout)


def export_store(store: "Store", path: str | Path, role: str | None = None, dtype: str = "float32") -> int:
    """Write a store as one shard and return the number of spectra written.

    Parameters
    ----------
    store : an open store
    path : shard to write
    role : 'train', 'val' or 'test': only those spectra (for a store that was imported with frozen sets)
    dtype : float32 keeps every bit of the store

    Raises
    ------
    InputError
        If the store has no such spectra, is damaged, or the disk refuses.
    """
    labels = {name: values.to_numpy() for name, values in store.labels().items()}
    wanted = np.ones(store.n_spectra, dtype=bool)
    if role is not None:
        wanted = labels.get("role", np.full(store.n_spectra, -1)) == ROLES.index(role)
        if not wanted.any():
            raise InputError(f"{store.path} holds no spectra of the role '{role}'; leave the role out to export all")
    progress = Progress(f"export to {path}", store.n_spectra)

    def parts() -> Iterator[Part]:
        for chunk in range(store.n_chunks):
            start, stop = store.rows(chunk)
            rows = wanted[start:stop]
            if rows.any():
                arrays = {name: store.read(chunk, name)[rows] for name in store.manifest["arrays"]}
                part = {str(name): values[start:stop][rows] for name, values in labels.items()}
                yield arrays, params_table(arrays, part)
            progress.add(stop - start)

    count = int(wanted.sum())
    write_shard(path, store.wave, parts(), count, dtype=dtype, chunk_rows=1024)
    progress.finish()
    return count
