"""Who a spectrum is survives the way from shard to store and back, exactly."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli.exporting import export_store
from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.sources.pfs.shard import Shard
from logg1m.spectra import identifiers
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store
from tests.sources.pfs.spoiling import source

FIRST = 4_611_686_018_427_387_905  # 2^62 + 1: beyond what float64 holds


def relabel(path: Path, **columns: object) -> pd.DataFrame:
    """Put columns into the label table of a shard; `index` becomes its index."""
    table = pd.read_hdf(path, "dataset/params")
    index = columns.pop("index", None)
    table = table.assign(**columns)
    if index is not None:
        table = table.drop(columns="id").set_axis(pd.Index(index))
    table.to_hdf(path, key="dataset/params", mode="r+", format="table")
    return table


def stored(folder: Path, *shards: Path) -> Store:
    generate(source(*shards), folder / "manifest.json", Compute(threads=1))
    return Store(folder / "manifest.json")


def exported(store: Store, path: Path) -> pd.DataFrame:
    export_store(store, path)
    return pd.read_hdf(path, "dataset/params")


def test_nineteen_digits_survive(shard: Path, tmp_path: Path) -> None:
    ids = FIRST + np.arange(16)
    relabel(shard, id=ids[::-1], objId=ids)
    found = source(shard)
    assert "objId" not in found.labels  # as float64 sixteen stars would be one
    store = stored(tmp_path, shard)
    table = identifiers.read(store)
    assert table is not None
    assert table["objId"].tolist() == ids.tolist()
    assert table["id"].tolist() == ids[::-1].tolist()
    assert table["shard"].unique().tolist() == [f"{shard.parent.name}/shard.h5"]
    assert table["row"].tolist() == list(range(16))
    back = exported(store, tmp_path / "b.h5")
    assert back.index.tolist() == back["id"].tolist() == ids[::-1].tolist()
    assert back["objId"].dtype == np.int64
    assert back["objId"].tolist() == ids.tolist()


@pytest.mark.parametrize("index", [[f"PFS-J{k:04d}-é" for k in range(16)], list(range(700, 716))])
def test_the_index_is_the_identifier_where_there_is_no_column(
    shard: Path, tmp_path: Path, index: list[str] | list[int]
) -> None:
    relabel(shard, index=index)
    store = stored(tmp_path, shard)
    table = identifiers.read(store)
    assert table is not None
    assert table["id"].tolist() == index
    back = exported(store, tmp_path / "b.h5")
    assert back.index.tolist() == back["id"].tolist() == index


def test_every_kind_of_column_comes_back(shard: Path, tmp_path: Path) -> None:
    gaps = np.where(np.arange(16) % 3 == 0, np.nan, np.arange(16.0))
    before = relabel(
        shard, flag=np.arange(16) % 2 == 0, name=[f"star {k}" * 9 for k in range(16)], gaps=gaps, visits=np.arange(16)
    )
    back = exported(stored(tmp_path, shard), tmp_path / "b.h5")
    assert set(back) == set(before) | {"O_M"}
    assert max(map(len, before["name"])) > 50
    for name in before:
        assert back[name].dtype == before[name].dtype, name
        assert back[name].equals(before[name]), name


def test_shards_that_disagree_on_a_type_round_nothing(made: Path, tmp_path: Path) -> None:
    paths = [Path(shutil.copy(made / "train_2.h5", tmp_path / f"{k}.h5")) for k in range(3)]
    relabel(paths[0], objId=FIRST + np.arange(16), visits=np.arange(16))
    relabel(paths[1], objId=[f"x{k}" for k in range(16)], visits=np.arange(16))
    store = stored(tmp_path / "s", *paths)
    table = identifiers.read(store)
    assert table is not None
    assert table["objId"][:32].tolist() == [*(str(FIRST + k) for k in range(16)), *(f"x{k}" for k in range(16))]
    assert table["objId"][32:].isna().all()
    assert table["visits"].dtype == "Int64"
    back = exported(store, tmp_path / "b.h5")
    assert back["visits"].to_numpy()[:32].tolist() == [*range(16)] * 2
    assert back["visits"].isna().to_numpy()[32:].all()


def test_a_part_of_the_shards_keeps_its_own_rows(made: Path, tmp_path: Path) -> None:
    generate(source(made / "train_*.h5", n_spectra=20), tmp_path / "manifest.json", Compute(threads=1))
    table = identifiers.read(Store(tmp_path / "manifest.json"))
    assert table is not None
    assert table["row"].tolist() == [*range(16), *range(4)]


def test_what_is_lost_or_doubtful_is_said(shard: Path) -> None:
    relabel(shard, id=np.arange(16)[::-1], objId=(FIRST + np.arange(16)).astype(float))
    notices = " ".join(Shard(shard).notices)
    assert "objId are floating-point numbers beyond 2^53" in notices
    assert "1 different ones in 16 rows" in notices
    assert "not in rising order" in notices
    relabel(shard, id=np.zeros(16, dtype=int))
    assert "15 rows repeat an identifier" in " ".join(Shard(shard).notices)


def test_a_table_of_another_store_is_refused(shard: Path, tmp_path: Path) -> None:
    store = stored(tmp_path, shard)
    table = pd.read_parquet(tmp_path / identifiers.NAME)
    table.loc[3, "id"] = 99
    table.to_parquet(tmp_path / identifiers.NAME, index=False)
    with pytest.raises(InputError, match=r"identifiers\.parquet is not what .*manifest\.json says"):
        identifiers.read(store)
    (tmp_path / identifiers.NAME).unlink()
    with pytest.raises(InputError, match="does not exist"):
        identifiers.read(store)


def test_simulated_spectra_have_no_names(small_store: Store) -> None:
    assert identifiers.read(small_store) is None


def test_the_digest_does_not_depend_on_how_the_file_is_packed(shard: Path, tmp_path: Path) -> None:
    store = stored(tmp_path, shard)
    said = json.loads((tmp_path / "manifest.json").read_text())["summary"]["identifiers"]
    pd.read_parquet(tmp_path / identifiers.NAME).to_parquet(tmp_path / identifiers.NAME, compression="gzip")
    assert identifiers.read(store) is not None
    assert said["columns"][:4] == ["shard", "row", "role", "id"]


def test_exports_carry_a_mask_that_takes_no_room(tmp_path: Path, small_store: Store) -> None:
    miniature(tmp_path / "a.h5", 12, mask=False)
    store = stored(tmp_path / "s", tmp_path / "a.h5")
    for number, one in enumerate((store, small_store)):
        path = tmp_path / f"out_{number}.h5"
        export_store(one, path)
        with h5py.File(path) as file:
            mask = file["dataset/arrays/mask/value"]
            assert (mask.shape, mask.dtype, mask.chunks is not None) == ((one.n_spectra, 4096), np.int64, True)
            assert mask.id.get_storage_size() == 0
            assert not mask[-1].any()
            assert file["dataset/params"].attrs["pandas_version"] == b"0.15.2"
