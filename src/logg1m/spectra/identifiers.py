"""identifiers.parquet beside a store: who each spectrum is, one row per spectrum in the order of the ids.

The labels of a store are float64; identifiers, text and whole numbers beyond 2^53 are none. A row of it belongs to
the spectrum of the same number, which is `id` in predictions, so a join is `table.iloc[predictions["id"]]`.
"""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from logg1m.files import InputError, read_parquet, write_parquet
from logg1m.spectra.store import Store

NAME = "identifiers.parquet"
KEY = "identifiers"  # in the summary of the manifest


def write(folder: Path, table: pd.DataFrame) -> dict[str, Any]:
    """Write the table into the folder of a store; return what its manifest says of it."""
    write_parquet(folder / NAME, table)
    return {"file": NAME, "columns": list(map(str, table.columns)), "sha256": _digest(table)}


def read(store: Store) -> pd.DataFrame | None:
    """The table of a store, (n_spectra rows); None for a store without one (simulated spectra have no names).

    Raises
    ------
    InputError
        If the table is missing or not the one that the manifest describes.
    """
    summary = store.manifest.get("summary")
    said = summary.get(KEY) if isinstance(summary, dict) else None
    if not isinstance(said, dict):
        return None
    path = store.manifest_path.parent / NAME
    table = read_parquet(path)
    if len(table) != store.n_spectra or _digest(table) != said.get("sha256"):
        raise InputError(
            f"{path} is not what {store.manifest_path} says: it was altered or belongs to another store; delete "
            f"{store.manifest_path} and run again"
        )
    return table


def _digest(table: pd.DataFrame) -> str:
    """SHA-256 of names, types and values; the same however the file is packed."""
    digest = hashlib.sha256()
    for name in table:
        column = table[name]
        digest.update(f"{name}\0{_kind(column)}\0".encode())
        digest.update("\0".join("" if pd.isna(value) else repr(value) for value in column.tolist()).encode())
    return digest.hexdigest()


def _kind(column: pd.Series) -> str:
    """The type by its first letter: text is 'object' or 'str', depending on who made the table."""
    return str(column.dtype)[0].lower().replace("s", "o")
