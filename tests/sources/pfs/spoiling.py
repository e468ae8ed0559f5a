"""Ways to open a shard as a source, and to spoil it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from logg1m.config.data import Data
from logg1m.sources.pfs.source import PfsHdf5Source

FLUX, ERROR, MASK = (f"dataset/arrays/{name}/value" for name in ("flux", "error", "mask"))
WAVE = "spectrumdataset/wave"


def source(*train: Path | str, n_spectra: int | None = None, **keys: Any) -> PfsHdf5Source:
    section = {"train": [str(path) for path in train], **keys}
    return PfsHdf5Source(Data.model_validate({"source": "pfs_hdf5", "n_spectra": n_spectra, "pfs_hdf5": section}))


def edit(path: Path, change: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def put(key: str, index: Any, value: Any) -> Callable[[h5py.File], None]:
    """An edit that sets some values of a dataset."""

    def change(file: h5py.File) -> None:
        file[key][index] = value

    return change


def replace(key: str, value: Any) -> Callable[[h5py.File], None]:
    """An edit that puts another dataset in the place of one."""

    def change(file: h5py.File) -> None:
        del file[key]
        file[key] = value

    return change
