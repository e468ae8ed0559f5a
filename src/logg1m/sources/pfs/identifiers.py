"""What a label table holds beside numbers that a model may use: identifiers, text, whole numbers, gaps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from logg1m.sources.pfs.table import Table

PLACE = ("shard", "row", "role")  # where a spectrum came from: always there
OWN = {name: f"{name}_in_shard" for name in PLACE}  # columns of a label table that are called so


def joined(parts: Sequence[tuple[Path, str, Table, int]], labels: set[str]) -> pd.DataFrame:
    """The label tables of several shards, one below the other, without the floating-point columns among the labels.

    A column keeps its type where all shards agree on it, with gaps where a shard lacks it; where they disagree it
    becomes text, so that nothing is rounded.

    Parameters
    ----------
    parts : path, role, label table and number of rows that are taken, in the order of the spectra
    labels : columns that the store holds as labels

    Returns
    -------
    shard (the last two parts of its path), row, role, id (the column of that name, else the index of the table), index
    (where it is neither that nor the number of the row), and all columns that are whole numbers, booleans, text, or no
    labels; columns called shard, row or role are there as <name>_in_shard
    """
    columns: dict[str, None] = {}
    tables = []
    for path, role, table, count in parts:
        made = _columns(table, labels)
        columns |= dict.fromkeys(made)
        tables.append((path, role, made, count))
    frame = {
        "shard": np.concatenate([np.full(n, "/".join(path.absolute().parts[-2:]), object) for path, _, _, n in tables]),
        "row": np.concatenate([np.arange(n) for *_, n in tables]),
        "role": np.concatenate([np.full(n, role, dtype=object) for _, role, _, n in tables]),
    }
    rest = {name: _column([(made.get(name), n) for _, _, made, n in tables]) for name in columns}
    return pd.DataFrame(frame | {OWN.get(name, name): values for name, values in rest.items()})


def _columns(table: Table, labels: set[str]) -> dict[str, np.ndarray]:
    out = {"id": table.identifiers}
    counted = np.arange(len(table.index))  # an index that only counts rows says nothing
    if not any(np.array_equal(table.index.astype(object), known.astype(object)) for known in (out["id"], counted)):
        out["index"] = table.index
    numbers = {name: values for name, values in table.numbers.items() if name not in labels}
    return out | numbers | table.exact


def _column(parts: list[tuple[np.ndarray | None, int]]) -> pd.Series:
    kinds = {"iu" if values.dtype.kind in "iu" else values.dtype.kind for values, _ in parts if values is not None}
    kind = kinds.pop() if len(kinds) == 1 else "O"
    if kind == "iu":
        try:
            return pd.concat([_whole(values, n) for values, n in parts], ignore_index=True)
        except (OverflowError, TypeError):  # an unsigned number beyond what int64 holds
            kind = "O"
    if kind == "f":
        gap = [values[:n] if values is not None else np.full(n, np.nan) for values, n in parts]
        return pd.Series(np.concatenate(gap))
    if kind == "b" and all(values is not None for values, _ in parts):
        return pd.Series(np.concatenate([values[:n] for values, n in parts if values is not None]))
    text = [
        np.full(n, None, dtype=object) if values is None else np.array([str(v) for v in values[:n].tolist()], object)
        for values, n in parts
    ]
    return pd.Series(np.concatenate(text), dtype=object)


def _whole(values: np.ndarray | None, count: int) -> pd.Series:
    """Whole numbers, exactly: int64, or the type with gaps where there are none."""
    if values is None:
        return pd.Series(pd.array([None] * count, dtype="Int64"))
    taken = values[:count]
    if taken.dtype.kind == "u" and len(taken) and int(taken.max()) > np.iinfo(np.int64).max:
        raise OverflowError
    return pd.Series(taken.astype(np.int64))
