"""Shards of the users: what a good one gives, and one clear message for every bad one."""

import builtins
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from logg1m import sources
from logg1m.bounds import fisher
from logg1m.cli.exporting import export_store
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources.paths import expand
from logg1m.sources.pfs.shard import Shard
from logg1m.sources.pfs.wave import shift_from_vacuum
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store
from tests.sources.pfs.spoiling import ERROR, FLUX, MASK, WAVE, edit, put, replace, source

# ---- what a good shard gives


def test_shards_are_concatenated_with_their_roles(made: Path) -> None:
    all_of_it = source(made / "train_*.h5", val=str(made / "val.h5"), test=[str(made / "test.h5")])
    assert [shard.path.name for shard in all_of_it.shards] == ["train_2.h5", "train_10.h5", "val.h5", "test.h5"]
    block = all_of_it.read(0, 49)
    np.testing.assert_array_equal(block.labels["role"], np.repeat([0, 1, 2], [28, 10, 11]))
    with h5py.File(made / "train_10.h5") as file:
        np.testing.assert_array_equal(block.arrays["flux"][16:28], file[FLUX][()])
        np.testing.assert_array_equal(block.arrays["mask"][16:28] != 0, file[MASK][()] != 0)
    assert not block.arrays["mask"][28:38].any()  # the validation shard has no mask
    table = pd.read_hdf(made / "test.h5", "dataset/params")
    for column, label in {"log_g": "logg", "T_eff": "teff", "snr": "simulator_snr", "mag": "mag"}.items():
        np.testing.assert_array_equal(block.labels[label][38:], table[column])
    assert "O_M" not in all_of_it.labels
    assert "o_m" not in all_of_it.labels  # a column of NaN is dropped
    assert set(block.labels) == set(all_of_it.labels)


def test_any_block_agrees_with_the_whole(made: Path) -> None:
    both = source(made / "train_*.h5")
    whole = both.read(0, 28)
    for start, stop in ((0, 1), (3, 17), (15, 16), (16, 28), (14, 23)):
        part = both.read(start, stop)
        for name in whole.arrays:
            np.testing.assert_array_equal(part.arrays[name], whole.arrays[name][start:stop])
        np.testing.assert_array_equal(part.labels["logg"], whole.labels["logg"][start:stop])


def test_unpacked_chunks_are_kept_and_let_go(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Shard(made / "train_10.h5")
    kept = Shard(made / "train_10.h5")
    kept._piece_rows, kept._keep_piece = 5, True
    for start, stop in ((0, 3), (3, 9), (2, 12)):
        np.testing.assert_array_equal(kept.read(start, stop).flux, plain.read(start, stop).flux)
    assert kept._piece is not None
    kept.forget()
    assert kept._piece is None


def test_nan_errors_at_the_edges_take_their_neighbour(made: Path) -> None:
    one = source(made / "train_2.h5")
    error = one.read(0, 16).arrays["error"]
    assert np.isfinite(error).all()
    assert (error[0, :3] == error[0, 3]).all()
    assert (error[0, -3:] == error[0, -4]).all()
    summary = one.summary()
    assert (summary["error_pixels_filled"], summary["spectra_with_filled_error"]) == (36, 6)


def test_a_store_is_made_like_from_any_source(made: Path, tmp_path: Path) -> None:
    section = {"train": str(made / "train_2.h5"), "test": str(made / "test.h5")}
    data = Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section})
    built = sources.build(data, seed=1, compute=Compute(threads=1))
    generate(built, tmp_path / "manifest.json", Compute(threads=1))
    store = Store(tmp_path / "manifest.json")
    np.testing.assert_array_equal(store.read(0, "flux"), built.read(0, 27).arrays["flux"])
    assert store.source["files"][1]["role"] == "test"
    assert store.labels()["role"].sum() == 22


def test_fewer_spectra_are_a_prefix_of_training_with_the_frozen_sets_whole(made: Path) -> None:
    test = str(made / "test.h5")
    fewer = source(made / "train_*.h5", n_spectra=31, test=test)
    assert fewer.summary()["spectra"] == {"train": 20, "val": 0, "test": 11}
    full = source(made / "train_*.h5", test=test)
    np.testing.assert_array_equal(fewer.read(0, 20).arrays["flux"], full.read(0, 20).arrays["flux"])
    np.testing.assert_array_equal(fewer.read(20, 31).arrays["flux"], full.read(28, 39).arrays["flux"])
    with pytest.raises(InputError, match=r"n_spectra = 40, but the 3 shards hold 39.*null"):
        source(made / "train_*.h5", n_spectra=40, test=test)
    with pytest.raises(InputError, match="leaves nothing to train on"):
        source(made / "train_*.h5", n_spectra=11, test=test)


def test_duplicates_between_train_and_test_are_reported(made: Path, tmp_path: Path) -> None:
    test = Path(shutil.copy(made / "test.h5", tmp_path / "test.h5"))
    with h5py.File(made / "train_2.h5") as file:
        flux = file[FLUX][5]
    edit(test, put(FLUX, 7, flux))
    assert source(made / "train_2.h5", test=str(test)).summary()["duplicates"] == {
        "between_roles": 1,
        "examples": [["train train_2.h5:5", "test test.h5:7"]],
        "within_a_role": 0,
    }


def test_a_source_travels_to_other_processes(made: Path) -> None:
    one = source(made / "train_2.h5")
    other = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(other.read(2, 5).arrays["flux"], one.read(2, 5).arrays["flux"])


def test_a_shard_that_changes_between_two_runs_is_another_source(shard: Path) -> None:
    before = source(shard)
    before.read(0, 4)
    known = before.describe()
    assert source(shard).describe() == known
    with h5py.File(shard) as file:
        error = file[ERROR][9, 2000]
    edit(shard, put(ERROR, (9, 2000), error * 1.001))
    assert source(shard).describe() != known
    with pytest.raises(InputError, match="changed while it was being read"):
        before.read(0, 4)


def test_large_files_are_fingerprinted_by_samples(shard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Shard(shard).fingerprint()
    monkeypatch.setattr("logg1m.sources.pfs.shard._FULL_HASH_BYTES", 1000)
    monkeypatch.setattr("logg1m.sources.pfs.shard._HASH_BYTES", 512)
    sampled = Shard(shard).fingerprint()
    assert sampled == Shard(shard).fingerprint() != whole


@pytest.mark.parametrize("columns", [None, True], ids=["in blocks", "as data columns"])
def test_the_label_table_reads_as_pandas_reads_it(shard: Path, columns: bool | None) -> None:
    table = pd.read_hdf(shard, "dataset/params").astype({"mag": "float32", "id": "int32"})
    assert isinstance(table, pd.DataFrame)
    table["flag"] = True
    table["when"] = pd.Timestamp("2025-12-22")
    table["kind"] = pd.Categorical(["dwarf", "giant"] * 8)
    table.to_hdf(shard, key="dataset/params", mode="r+", format="table", data_columns=columns)
    found = Shard(shard).labels
    assert set(found) == set(table) - {"interp_param", "when", "kind"}
    assert set(Shard(shard).table.left_out) == {"when", "kind"}
    for name, values in found.items():
        np.testing.assert_array_equal(values, table[name].to_numpy(dtype=np.float64))


# ---- bad input: one clear message each


BAD: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "no wavelengths": (lambda f: f.pop("spectrumdataset"), r"no dataset spectrumdataset/wave.*the file holds dataset"),
    "no flux": (lambda f: f.pop("dataset/arrays/flux"), "no dataset dataset/arrays/flux/value"),
    "no error": (lambda f: f.pop("dataset/arrays/error"), "no dataset dataset/arrays/error/value"),
    "no labels": (lambda f: f.pop("dataset/params"), "no group dataset/params"),
    "wrong pixel count of wave": (replace(WAVE, np.arange(64.0)), r"wave has shape \(64,\), expected \(4096,\)"),
    "wrong pixel count of flux": (replace(FLUX, np.ones((16, 64))), r"flux/value has shape \(16, 64\)"),
    "rows that differ": (replace(ERROR, np.ones((15, 4096))), "error/value has 15 rows, expected 16"),
    "no rows": (replace(FLUX, np.ones((0, 4096))), "has 0 rows, expected at least one"),
    "integers for flux": (replace(FLUX, np.ones((16, 4096), dtype=int)), "dtype int64, expected"),
    "unsorted wave": (put(WAVE, 5, 7100.0), r"must increase, but pixel 4 is at 7101.\d+ Å and pixel 5 at 7100"),
    "non-uniform wave": (put(WAVE, 5, 7102.5), "must be uniform, but the step at pixel"),
    "NaN in wave": (put(WAVE, 5, np.nan), "wave holds 1 values that are not finite"),
    "two scales": (replace(WAVE, np.stack([np.linspace(7100, 8850, 4096)] * 2) * [[1], [2]]), "neither equal nor"),
    "median not positive": (put(FLUX, 3, -1.0), "median flux of row 3 is -1.*cannot be normalised"),
    "negative error": (put(ERROR, (7, 90), -1.0), "error of row 7, pixel 90 is -1, expected a positive"),
    "zero error": (put(ERROR, (7, 90), 0.0), "error of row 7, pixel 90 is 0, expected a positive"),
    "error that underflows": (put(ERROR, (7, 90), 1e-60), "error of row 7, pixel 90 is 0"),
    "NaN error inside": (put(ERROR, (7, 90), np.nan), "error of row 7, pixel 90 is not finite"),
    "all-NaN error": (put(ERROR, 7, np.nan), "error of row 7 is not finite in any pixel"),
    "all-NaN flux": (put(FLUX, 2, np.nan), "flux of row 2 is not finite in any pixel"),
    "one NaN in flux": (put(FLUX, (2, 4000), np.nan), "flux of row 2, pixel 4000 is not finite"),
    "infinite flux": (put(FLUX, (2, 1), np.inf), "flux of row 2, pixel 1 is not finite"),
    "flux that overflows": (put(FLUX, (2, 1), 1e300), "flux of row 2, pixel 1 is not finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_content_is_refused(shard: Path, case: str) -> None:
    change, message = BAD[case]
    edit(shard, change)
    with pytest.raises(InputError, match=message) as caught:
        source(shard)
    assert str(shard) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_air_wavelengths_are_refused(shard: Path) -> None:
    vacuum = 7100 + (np.arange(4096) + 0.5) * 1750 / 4096
    edit(shard, put(WAVE, slice(None), vacuum / (1 + 2.75e-4)))
    with pytest.raises(InputError, match=r"wavelengths are in air: the Ca II triplet lies 2\.\d Å bluewards"):
        source(shard)


def test_the_triplet_is_found_at_its_redshift() -> None:
    wave = 7100 + (np.arange(4096) + 0.5) * 1750 / 4096
    redshift = np.array([-1e-3, 0.0, 1.5e-3])
    lines = (1 + redshift)[:, None] * np.array([8500.35, 8544.44, 8664.52])
    flux = 1 - sum(0.4 * np.exp(-(((wave - lines[:, k : k + 1]) / 1.5) ** 2)) for k in range(3))
    shift = shift_from_vacuum(wave, flux, redshift)
    assert shift is not None
    assert abs(shift) < 0.2
    assert shift_from_vacuum(wave, np.ones((2, 4096)), np.zeros(2)) is None


def test_not_hdf5(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("wave,flux\n")
    (tmp_path / "b.h5").touch()
    with pytest.raises(InputError, match=r"a\.h5 is not an HDF5 file: it begins with b'wave,flu'"):
        source(tmp_path / "a.h5")
    with pytest.raises(InputError, match="it is empty"):
        source(tmp_path / "b.h5")


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_truncated(shard: Path, share: float) -> None:
    content = shard.read_bytes()
    shard.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"is truncated: it has \d+ bytes.*copy it again"):
        source(shard)


def test_damaged_chunk(made: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(made / "train_10.h5", tmp_path / "shard.h5"))
    with h5py.File(path) as file:
        chunk = file[FLUX].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        source(path)


def test_permission_denied(shard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.open

    def refuse(file: Any, *arguments: Any, **keys: Any) -> Any:  # root may read anything, so chmod would not do
        if file == shard:
            raise PermissionError(13, "Permission denied", str(shard))
        return real(file, *arguments, **keys)

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(InputError, match=r"cannot read .*shard\.h5: permission denied"):
        source(shard)


def test_missing_label_columns(shard: Path) -> None:
    table = pd.read_hdf(shard, "dataset/params")
    assert isinstance(table, pd.DataFrame)
    table.drop(columns=["log_g", "C_M"]).to_hdf(shard, key="dataset/params", mode="r+", format="table")
    with pytest.raises(InputError, match=r"lacks log_g; it has .*T_eff"):
        source(shard)
    table.loc[4, "log_g"] = np.nan
    table.to_hdf(shard, key="dataset/params", mode="r+", format="table")
    with pytest.raises(InputError, match="label log_g of row 4 is not finite"):
        source(shard)
    table.iloc[:-1].fillna({"log_g": 1.0}).to_hdf(shard, key="dataset/params", mode="r+", format="table")
    with pytest.raises(InputError, match="15 rows of labels"):
        source(shard)


@pytest.mark.parametrize("how", ["dropped", "empty"])
def test_an_abundance_that_no_shard_has_is_a_label_that_does_not_vary(made: Path, tmp_path: Path, how: str) -> None:
    shards = [tmp_path / name for name in ("train.h5", "val.h5")]
    for path in shards:
        shutil.copy(made / "val.h5", path)
        table = pd.read_hdf(path, "dataset/params")
        assert isinstance(table, pd.DataFrame)
        table["mag"] += 0.1 * (path.name == "val.h5")
        table = table.drop(columns=["C_M", "a_M"]) if how == "dropped" else table.assign(C_M=np.nan, a_M=np.nan)
        table.to_hdf(path, key="dataset/params", mode="r+", format="table")
    found = source(shards[0], val=str(shards[1]))
    assert found.absent == ("a_M", "C_M")
    assert found.describe()["absent"] == ["a_M", "C_M"]
    labels = found.read(0, found.n_spectra).labels
    assert (labels["c_m"] == 0).all()
    assert (labels["a_m"] == 0).all()
    assert np.ptp(labels["logg"]) > 0
    assert fisher.constant(labels) == ("a_m", "c_m")
    assert fisher.label_sets(fisher.constant(labels))["5d"]["named"] == (
        "3-D: log g, Teff, [M/H]; [α/M], [C/M] the same for all spectra"
    )
    assert "absent" not in source(made / "val.h5").describe()


def test_exported_spectra_lack_what_no_shard_had(made: Path, tmp_path: Path) -> None:
    shutil.copy(made / "val.h5", tmp_path / "a.h5")
    table = pd.read_hdf(tmp_path / "a.h5", "dataset/params")
    assert isinstance(table, pd.DataFrame)
    table.drop(columns="C_M").to_hdf(tmp_path / "a.h5", key="dataset/params", mode="r+", format="table")
    generate(source(tmp_path / "a.h5"), tmp_path / "store/manifest.json", Compute(threads=1))
    export_store(Store(tmp_path / "store/manifest.json"), tmp_path / "b.h5")
    exported = pd.read_hdf(tmp_path / "b.h5", "dataset/params")
    assert isinstance(exported, pd.DataFrame)
    assert exported["C_M"].isna().all()
    assert source(tmp_path / "b.h5").absent == ("C_M",)


def test_shards_must_agree_on_which_abundances_there_are(made: Path, tmp_path: Path) -> None:
    shutil.copy(made / "val.h5", tmp_path / "val.h5")
    table = pd.read_hdf(tmp_path / "val.h5", "dataset/params")
    assert isinstance(table, pd.DataFrame)
    table.drop(columns="C_M").to_hdf(tmp_path / "val.h5", key="dataset/params", mode="r+", format="table")
    with pytest.raises(
        InputError, match=r"val\.h5 has no label C_M, but .*train_2\.h5 has it; expected all shards with it"
    ):
        source(made / "train_2.h5", val=str(tmp_path / "val.h5"))


class Bomb:
    """Leaves a trace if it is ever unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def test_pickles_in_the_label_table_are_never_loaded(shard: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    def plant(file: h5py.File) -> None:
        table = file["dataset/params/table"]
        table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps([Bomb(trace)], 0))

    edit(shard, plant)
    with pytest.raises(InputError, match=r"found a pickled object \(opcode \w+\); it was not loaded"):
        source(shard)
    assert not trace.exists()


def test_pandas_fixed_stores_are_refused(shard: Path) -> None:
    table = pd.read_hdf(shard, "dataset/params")
    edit(shard, lambda file: file.pop("dataset/params"))
    table[["T_eff", "log_g"]].to_hdf(shard, key="dataset/params", mode="r+", format="fixed")
    with pytest.raises(InputError, match=r"a pandas 'fixed' store.*to_hdf\(format='table'\)"):
        source(shard)


def test_median_is_renormalised_with_a_notice_or_refused(shard: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = source(shard).read(0, 16).arrays
    edit(shard, put(FLUX, 3, 3 * before["flux"][3].astype(np.float64)))
    edit(shard, put(ERROR, 3, 3 * before["error"][3].astype(np.float64)))
    with caplog.at_level("INFO", "logg1m"):
        scaled = source(shard)
    assert "1 of 16 sampled spectra have a median flux other than 0.5: renormalised" in caplog.text
    after = scaled.read(0, 16).arrays
    for name in ("flux", "error"):
        np.testing.assert_allclose(after[name][3], before[name][3], rtol=1e-6)
        np.testing.assert_array_equal(np.delete(after[name], 3, 0), np.delete(before[name], 3, 0))
    assert scaled.summary()["spectra_renormalised"] == 1
    with pytest.raises(InputError, match=r"median flux of row 3 is 1\.5, expected 0\.5.*on_median: renormalise"):
        source(shard, on_median="refuse")


def test_shards_with_different_wavelengths(made: Path, shard: Path) -> None:
    with h5py.File(shard) as file:
        wave = file[WAVE][()]
    edit(shard, put(WAVE, slice(None), wave + 0.1))
    with pytest.raises(InputError, match=r"shard\.h5 and .*train_10\.h5 have different wavelengths, up to 0\.1000 Å"):
        source(made / "train_10.h5", shard)


def test_frozen_sets_are_never_taken_from_elsewhere(made: Path) -> None:
    with pytest.raises(InputError, match=r"data\.pfs_hdf5\.test: no file matches '.*nothing\.h5'"):
        source(made / "train_2.h5", test=str(made / "nothing.h5"))
    with pytest.raises(InputError, match=r"named twice in data\.pfs_hdf5 \(as train and as test\)"):
        source(made / "train_2.h5", test=str(made / "sub" / ".." / "train_2.h5").replace("sub/../", "./"))


def test_patterns_expand_in_natural_order(tmp_path: Path) -> None:
    for k in (10, 2, 1):
        (tmp_path / f"s_{k}.h5").touch()
    assert [path.name for path in expand((f"{tmp_path}/s_*.h5",), "key")] == ["s_1.h5", "s_2.h5", "s_10.h5"]


def test_configuration_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"needs the section data\.pfs_hdf5"):
        Data.model_validate({"source": "pfs_hdf5"})
    with pytest.raises(ValueError, match="n_spectra = null is for source = 'pfs_hdf5'"):
        Data.model_validate({"n_spectra": None})
