"""Shards that are written: faithful to pfsspec's layout, exact on the way back, and whole or not there."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli.exporting import export_store
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.observe import LABELS, StellarGrid
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.pfs.source import PfsHdf5Source
from logg1m.sources.pfs.writer import params_table, write_shard
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store


def read_back(path: Path) -> PfsHdf5Source:
    section = {"train": str(path), "on_median": "refuse"}
    return PfsHdf5Source(Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section}))


def test_miniature_has_the_layout_of_pfsspec(tmp_path: Path, grid: StellarGrid) -> None:
    path = tmp_path / "dataset.h5"
    miniature(path, 20, noisy=True, nan_edges=2)
    with h5py.File(path) as file:
        assert file["spectrumdataset/wave"].shape == (4096,)
        assert file["spectrumdataset/wave_edges"].shape == (2, 4096)
        for name in ("flux", "error", "noisy"):
            assert file[f"dataset/arrays/{name}/value"].dtype == np.float64
        assert file["dataset/arrays/mask/value"].dtype.kind == "i"
        flux, error = (file[f"dataset/arrays/{name}/value"][()] for name in ("flux", "error"))
    np.testing.assert_allclose(np.median(flux, axis=1), 0.5, atol=1e-6)
    assert np.isnan(error[0, :2]).all()
    table = pd.read_hdf(path, "dataset/params")
    assert isinstance(table, pd.DataFrame)
    assert table["O_M"].isna().all()
    for label, column in zip(LABELS, ("T_eff", "log_g", "M_H", "a_M", "C_M")):
        free = table["interp_param"] == column
        assert np.isin(table[column][~free], grid.axes[label]).all()
    np.testing.assert_allclose(table["snr"][1], np.percentile(flux[1] / error[1], 95), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wave_2d", [False, True])
def test_what_is_written_reads_back_exactly(tmp_path: Path, dtype: str, wave_2d: bool) -> None:
    source = EmbeddedSource(Data(n_spectra=20), seed=3)
    block = source.read(0, 20)
    part = (block.arrays, params_table(block.arrays, block.labels))
    write_shard(tmp_path / "a.h5", source.wave, [part], 20, dtype=dtype, wave_2d=wave_2d)
    back = read_back(tmp_path / "a.h5")
    np.testing.assert_allclose(back.wave, source.wave, rtol=0, atol=1e-9 if wave_2d else 0)
    again = back.read(0, 20)
    for name, values in block.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values)
    for name, values in block.labels.items():
        np.testing.assert_array_equal(again.labels[name], values)


def test_a_store_of_several_chunks_is_exported_exactly(small_store: Store, tmp_path: Path) -> None:
    assert export_store(small_store, tmp_path / "a.h5") == 2100
    back = read_back(tmp_path / "a.h5")
    for chunk in range(small_store.n_chunks):
        start, stop = small_store.rows(chunk)
        block = back.read(start, stop)
        for name in ("flux", "error"):
            np.testing.assert_array_equal(block.arrays[name], small_store.read(chunk, name))
        for name, values in small_store.labels().items():
            np.testing.assert_array_equal(block.labels[str(name)], values[start:stop])


def test_a_second_round_trip_is_the_identity(tmp_path: Path) -> None:
    miniature(tmp_path / "a.h5", 14, nan_edges=1)
    section = {"train": str(tmp_path / "a.h5")}
    source = PfsHdf5Source(Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section}))
    generate(source, tmp_path / "store" / "manifest.json", Compute(threads=1))
    export_store(Store(tmp_path / "store" / "manifest.json"), tmp_path / "b.h5")
    first, second = source.read(0, 14), read_back(tmp_path / "b.h5").read(0, 14)
    assert set(first.labels) == set(second.labels)
    for name in first.arrays:
        np.testing.assert_array_equal(first.arrays[name], second.arrays[name])
    for name in first.labels:
        np.testing.assert_array_equal(first.labels[name], second.labels[name])


def test_one_role_is_exported(tmp_path: Path, small_store: Store) -> None:
    miniature(tmp_path / "train.h5", 12, seed=1)
    miniature(tmp_path / "test.h5", 10, seed=2)
    section = {"train": str(tmp_path / "train.h5"), "test": str(tmp_path / "test.h5")}
    source = PfsHdf5Source(Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section}))
    generate(source, tmp_path / "store" / "manifest.json", Compute(threads=1))
    store = Store(tmp_path / "store" / "manifest.json")
    assert export_store(store, tmp_path / "out.h5", role="test") == 10
    np.testing.assert_array_equal(
        read_back(tmp_path / "out.h5").read(0, 10).arrays["flux"], source.read(12, 22).arrays["flux"]
    )
    with pytest.raises(InputError, match="holds no spectra of the role 'val'"):
        export_store(store, tmp_path / "val.h5", role="val")
    with pytest.raises(InputError, match="holds no spectra of the role 'train'"):
        export_store(small_store, tmp_path / "val.h5", role="train")


def test_parts_must_add_up(tmp_path: Path) -> None:
    block = EmbeddedSource(Data(n_spectra=10), seed=3).read(0, 10)
    part = (block.arrays, params_table(block.arrays, block.labels))
    with pytest.raises(InputError, match="10 spectra came, expected 11; nothing was written"):
        write_shard(tmp_path / "a.h5", np.arange(4096.0), [part], 11)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(small_disk: Path) -> None:
    block = EmbeddedSource(Data(n_spectra=100), seed=3).read(0, 100)
    part = (block.arrays, params_table(block.arrays, block.labels))
    with pytest.raises(InputError, match="cannot write"):
        write_shard(small_disk / "a.h5", np.arange(4096.0), [part], 100)
    assert not list(small_disk.iterdir())
