"""Predictions as HDF5: the columns that pfsspec gives a predicted shard, read by pandas and by our own importer."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli import main
from logg1m.files import InputError
from logg1m.predict import label_table, writing
from logg1m.predict.running import Asking, predict_files
from logg1m.sources.pfs.table import KEY, read_table

N = 12


@pytest.fixture(scope="module")
def written(predictor, tmp_path_factory):
    """The same predictions as HDF5 and as Parquet."""
    folder = tmp_path_factory.mktemp("hdf5")
    miniature(folder / "dataset.h5", N, noisy=True)
    for name in ("out.h5", "out.parquet"):
        predict_files([folder / "dataset.h5"], predictor, folder / name, Asking())
    return folder


def test_pandas_reads_predictions_under_the_names_of_pfsspec(written):
    found, same = pd.read_hdf(written / "out.h5", KEY), pd.read_parquet(written / "out.parquet")
    for theirs, ours in {"log_g_pred": "log_g", "log_g_std": "log_gErr", "log_g_median": "log_g_p50"}.items():
        np.testing.assert_array_equal(found[theirs], same[ours])
    np.testing.assert_array_equal(found.index, same["objId"])
    np.testing.assert_array_equal(found["id"], same["objId"])
    assert list(found["log_gStatus"]) == list(same["log_gStatus"])
    assert found["log_g_std"].gt(0).all()


def test_further_labels_have_such_names_too(tmp_path):
    frame = pd.DataFrame({"objId": [7, 5], "T_eff": [4800.0, 5000.0], "T_effErr": [90.0, 80.0], "M_H": [-1.0, 0.0]})
    label_table.write(tmp_path / "out.h5", frame, [], {"inputs": [f"shard_{k}.h5" for k in range(10_000)]})
    found = pd.read_hdf(tmp_path / "out.h5", KEY)
    assert list(found) == ["id", "T_eff_pred", "T_eff_std", "M_H_pred"]
    assert list(found.index) == [7, 5]


def test_our_own_reader_needs_no_pandas_for_it_and_the_steps_are_told(written, predictor):
    with h5py.File(written / "out.h5") as file:
        table = read_table(file, written / "out.h5")
        told = json.loads(file[label_table.ABOUT][()])
    assert len(table.identifiers) == N
    assert not table.left_out
    assert told["model_id"] == predictor.model.identity
    assert any(step.startswith("recipe:") for step in told["steps"])


def test_the_survey_s_catalogue_is_no_hdf5(written, model_folder, capsys):
    asked = ["predict", str(written / "dataset.h5"), "--model", str(model_folder), "--out", str(written / "star.h5")]
    assert main([*asked, "--layout", "pfsStarCatalog"]) != 0
    assert "pfsStarCatalog is a FITS file" in capsys.readouterr().err
    assert not (written / "star.h5").exists()


def test_a_full_disk_is_one_error_and_leaves_nothing(small_disk):
    n = 20_000
    frame = pd.DataFrame({"objId": np.arange(n), "log_g": 2.0, "log_gStatus": ["PARAMEDGE"] * n})
    said = ""
    for k in range(1_000):
        try:
            writing.write(small_disk / f"{k}.h5", frame, [], {})
        except InputError as error:
            said = str(error)
            break
    assert "cannot write" in said
    assert not list(small_disk.glob(".*"))
    assert all(len(pd.read_hdf(path, KEY)) == n for path in small_disk.glob("*.h5"))


def test_a_name_that_is_no_text_is_refused_before_anything_is_computed(tmp_path):
    with pytest.raises(InputError, match="a name that is no text"):
        writing.require_writable(tmp_path / "o\udcff.h5", False)
