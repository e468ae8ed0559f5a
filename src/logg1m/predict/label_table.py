"""Predictions as pfsspec keeps them: further columns of a shard's table of labels, in HDF5."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from logg1m.files import InputError
from logg1m.predict.model import COLUMNS
from logg1m.sources.pfs.writer import write_table

ABOUT = "dataset/logg1m"
# Our column → pfsspec's: <label>_pred, <label>_std, <label>_median.
NAMES = {
    column + ours: f"{column}_{theirs}"
    for column, _ in COLUMNS.values()
    for ours, theirs in (("", "pred"), ("Err", "std"), ("_p50", "median"))
}


def write(path: Path, frame: pd.DataFrame, steps: Sequence[str], about: Mapping[str, Any]) -> None:
    """Write `dataset/params`, which `pandas.read_hdf(path, "dataset/params")` reads.

    Parameters
    ----------
    frame : rows of predictions; the number of the star becomes `id` and the index, as in a shard
    steps, about : go into the data set `dataset/logg1m`, as JSON (an attribute holds 64 kB)

    Raises
    ------
    InputError
        If the disk refuses.
    """
    texts = {name: frame[name].astype(object) for name in frame.select_dtypes(["category", "object", "string"])}
    table = frame.assign(**texts).rename(columns=NAMES | {"objId": "id"})
    table = table.set_axis(pd.Index(table["id"].to_numpy(), name=None), axis=0)
    try:
        with h5py.File(path, "w") as file:
            file[ABOUT] = json.dumps({"steps": list(steps), **about}, default=str)
        write_table(path, table, index=False)
    except (RuntimeError, ValueError, KeyError) as error:  # h5py and PyTables, where the disk is full
        raise InputError(f"cannot write predictions as HDF5: {error}; nothing was written") from error
