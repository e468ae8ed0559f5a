"""The table of pools, read back with the signal-to-noise of every spectrum."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.protocol import Protocol
from logg1m.files import InputError, write_parquet
from logg1m.protocol.members import read_members
from logg1m.protocol.pools import define


@pytest.fixture
def snr() -> pd.DataFrame:
    return pd.DataFrame({"id": np.arange(500), "snr": np.random.default_rng(1).gamma(9, 0.35, 500)})


def test_members_are_read_back_with_their_signal_to_noise(snr, tmp_path):
    _, members = define(snr, 1, Protocol(scales=(500,)))
    write_parquet(tmp_path / "members.parquet", members)
    write_parquet(tmp_path / "snr.parquet", snr)
    table = read_members(tmp_path / "members.parquet", tmp_path / "snr.parquet")
    assert table.index.name == "id"
    np.testing.assert_array_equal(table.index, snr["id"])
    np.testing.assert_array_equal(table["snr"], snr["snr"])
    for name in ("pool", "rank", "low_noise"):
        np.testing.assert_array_equal(table[name], members[name])


def test_a_table_without_pools_is_refused_by_name(snr, tmp_path):
    write_parquet(tmp_path / "snr.parquet", snr)
    with pytest.raises(InputError, match=r"snr\.parquet lacks columns pool, rank, low_noise"):
        read_members(tmp_path / "snr.parquet", tmp_path / "snr.parquet")
