"""Who is in which pool: the table that MVP-0.A writes and everything after it reads. Imports nothing heavy."""

from pathlib import Path

import pandas as pd

from logg1m.files import read_parquet


def read_members(members: str | Path, snr: str | Path) -> pd.DataFrame:
    """Pool, rank, low-noise flag and signal-to-noise of every spectrum, indexed by id."""
    table = read_parquet(members, ("id", "pool", "rank", "low_noise"))
    return table.merge(read_parquet(snr, ("id", "snr")), on="id").set_index("id")
