"""The files that spectra come from: every change of one is seen, without opening it."""

import os
import shutil
from pathlib import Path

import pytest
from made_shard import miniature

from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.identity import require_same, stamp

BOSZ = {"n_spectra": 100, "source": "bosz"}


def shards(folder: Path) -> Data:
    found = {"train": [str(folder / "train_*.h5")], "test": [str(folder / "test.h5")]}
    return Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": found})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, seed in (("train_0.h5", 1), ("test.h5", 2)):
        miniature(tmp_path / name, 8, seed=seed, mask=False)
    return tmp_path


def test_simulated_spectra_have_no_files():
    assert stamp(Data(n_spectra=100)) == ""


def test_the_stamp_of_untouched_shards_stays(folder):
    assert stamp(shards(folder)) == stamp(shards(folder)) != ""


def replaced(folder: Path) -> None:
    """Another shard of the same name and time."""
    path = folder / "train_0.h5"
    before = path.stat()
    miniature(folder / "new.h5", 8, seed=9, mask=False)
    os.replace(folder / "new.h5", path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def edited(folder: Path) -> None:
    path = folder / "test.h5"
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def added(folder: Path) -> None:
    shutil.copy2(folder / "train_0.h5", folder / "train_1.h5")


def removed(folder: Path) -> None:
    (folder / "test.h5").unlink()


def renamed(folder: Path) -> None:
    (folder / "train_0.h5").rename(folder / "train_5.h5")


@pytest.mark.parametrize("change", [replaced, edited, added, removed, renamed])
def test_every_change_of_a_shard_is_seen(folder, change):
    before = stamp(shards(folder))
    change(folder)
    assert stamp(shards(folder)) != before


@pytest.mark.parametrize("name", ["r10000/a.txt.gz", "wavelength_grids/bosz2024_wave_r10000.txt"])
def test_every_change_of_a_bosz_folder_is_seen(tmp_path, name):
    data = Data.model_validate(BOSZ | {"bosz": {"folder": str(tmp_path / "grid/r10000"), "resolution": "r10000"}})
    path = tmp_path / "grid" / name
    for each in ("r10000/a.txt.gz", "wavelength_grids/bosz2024_wave_r10000.txt"):
        (tmp_path / "grid" / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "grid" / each).write_text("1 2")
    before, times = stamp(data), path.stat()
    path.write_text("1 3")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stamp(data) != before


def test_the_grid_that_is_kept_in_the_folder_itself_does_not_count(tmp_path):
    config = {"folder": str(tmp_path), "grid_file": str(tmp_path / "kept.npz")}
    data = Data.model_validate(BOSZ | {"bosz": config})
    before = stamp(data)
    (tmp_path / "kept.npz").write_bytes(b"made from the others")
    assert stamp(data) == before


def test_bounds_refuse_a_store_of_another_source(small_source, small_store):
    require_same(small_source, small_store.source, "manifest.json")
    with pytest.raises(InputError, match=r"manifest\.json: .*differ in seed"):
        require_same(
            EmbeddedSource(Data(n_spectra=100), seed=1, grid=small_source.grid), small_store.source, "manifest.json"
        )
    altered = small_store.source | {"grid_sha256": "0" * 64}
    with pytest.raises(InputError, match="differ in grid_sha256"):
        require_same(small_source, altered, "manifest.json")
