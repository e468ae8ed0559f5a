"""Exports are read by the pandas that the readers of shards still use."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli.exporting import export_store
from logg1m.cli.importing import import_shards
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.spectra.store import Store

READ = """
import json, sys, pandas
table = pandas.read_hdf(sys.argv[1], "dataset/params")
print(json.dumps([pandas.__version__, list(map(int, table.index)), {n: list(map(str, table[n])) for n in ("id", "interp_param")}]))
"""


@pytest.mark.nightly
@pytest.mark.parametrize("version", ["2.3.*"])
def test_pandas_2_reads_an_export(tmp_path: Path, version: str) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    packages = [f"pandas=={version}", "tables<3.11"]
    subprocess.run([environment / "bin" / "pip", "install", "-q", *packages], check=True)
    miniature(tmp_path / "a.h5", 12)
    section = {"train": str(tmp_path / "a.h5")}
    data = Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section})
    import_shards(data, tmp_path / "s", Compute(threads=1))
    export_store(Store(tmp_path / "s"), tmp_path / "b.h5")
    command = [environment / "bin" / "python", "-c", READ, tmp_path / "b.h5"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found, index, columns = json.loads(out)
    assert found.startswith(version.rstrip("*"))
    ours = pd.read_hdf(tmp_path / "b.h5", "dataset/params")
    assert index == ours.index.tolist()
    for name, values in columns.items():
        assert values == list(map(str, ours[name]))
