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


@pytest.mark.parametrize(
    ("name", "values", "different"),
    [
        ("id", (20_000_000 + np.arange(16)).astype(np.float32), 9),  # float32 holds every second whole number there
        ("obj_id", (FIRST + np.arange(16)).astype(np.float32), 1),
        ("gaia_dr3", (FIRST + np.arange(16)).astype(float), 1),  # no telling name, but what else is so large
    ],
)
def test_identifiers_that_were_rounded_are_told_whatever_their_type(
    shard: Path, name: str, values: np.ndarray, different: int
) -> None:
    relabel(shard, **{name: values})
    notices = " ".join(Shard(shard).notices)
    assert f"the identifiers {name} are floating-point numbers" in notices
    assert f"{different} different ones in 16 rows" in notices


def test_large_quantities_and_exact_numbers_are_no_rounded_identifiers(shard: Path) -> None:
    small, mass = 16_000_000 + np.arange(16), np.linspace(1e33, 2e33, 16)
    relabel(shard, obj_id=small.astype(np.float32), mass=mass, width=np.full(16, 3e7, np.float32), id=small + 0.0)
    assert "floating-point numbers" not in " ".join(Shard(shard).notices)


def test_columns_called_as_our_own_come_back(shard: Path, tmp_path: Path) -> None:
    """`shard`, `row` and `role` say where a spectrum came from; a label table may have columns of these names too."""
    before = relabel(shard, row=np.arange(16)[::-1], shard=[f"plate {k}" for k in range(16)], role=np.arange(16) / 4)
    store = stored(tmp_path, shard)
    table = identifiers.read(store)
    assert table is not None
    assert table["row"].tolist() == list(range(16))
    assert table["row_in_shard"].tolist() == list(range(16))[::-1]
    assert store.labels()["role"].unique().tolist() == [0.0]
    back = exported(store, tmp_path / "b.h5")
    for name in ("row", "shard", "role"):
        assert back[name].equals(before[name]), name


def test_texts_are_read_as_they_were_written(shard: Path) -> None:
    table = pd.read_hdf(shard, "dataset/params").assign(name=["Ångström" if k % 2 else "Ångstrôm" for k in range(16)])
    table.to_hdf(shard, key="dataset/params", mode="r+", format="table", encoding="latin-1")
    assert Shard(shard).table.exact["name"].tolist()[:2] == ["Ångstrôm", "Ångström"]


def test_columns_that_are_not_read_are_named(shard: Path) -> None:
    relabel(shard, phase=np.arange(16) * 1j, night=pd.date_range("2026-01-01", periods=16))
    notices = " ".join(Shard(shard).notices)
    assert "phase" in notices
    assert "night" in notices
    assert "are dates, categories or complex numbers, which are not read" in notices


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
