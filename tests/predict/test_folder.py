"""A model folder says what its run said, alone and elsewhere; one that is not whole is refused."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from predict.conftest import SEED

from logg1m.files import InputError
from logg1m.predict import folder
from logg1m.predict.model import load
from logg1m.predict.stars import noisy


def test_the_folder_predicts_the_runs_own_test_spectra(model, trained, small_store):
    _, tables, _, _ = trained
    table = tables["predictions"]
    flux, error = (
        np.concatenate([small_store.read(c, name) for c in range(small_store.n_chunks)]) for name in ("flux", "error")
    )
    ids = table["id"].to_numpy()
    found, sigma = model.infer(noisy(flux[ids], error[ids], ids, SEED, 1.0))
    assert sigma is None
    np.testing.assert_allclose(found[:, 0], table["predicted"], rtol=0, atol=1e-6)


def test_predictions_do_not_depend_on_batch_or_order(model, contents):
    flux = np.tile(contents.self_test["flux"], (100, 1))
    flux[::3, 50:90] = np.nan
    whole = model.infer(flux)[0][:, 0]
    order = np.random.default_rng(0).permutation(len(flux))
    np.testing.assert_allclose(model.infer(flux[order])[0][:, 0], whole[order], rtol=0, atol=1e-5)
    alone = np.concatenate([model.infer(row[None])[0][:, 0] for row in flux[:24]])
    np.testing.assert_allclose(alone, whole[:24], rtol=0, atol=1e-5)


def test_the_self_test_comes_out_and_notices_other_weights(model, contents):
    assert model.self_test() < 1e-5
    other = {**contents.self_test, "labels": contents.self_test["labels"] + 0.5}
    assert type(model)(folder.Contents(**{**vars(contents), "self_test": other})).self_test() > 0.1


@pytest.mark.slow
def test_another_process_loads_it_from_elsewhere_without_the_run(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "copied")
    code = (
        "import sys; from logg1m.predict.model import load; m = load('copied'); print(m.identity); "
        "assert not [n for n in sys.modules if n.startswith(('logg1m.experiments', 'snakemake'))]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == load(model_folder).identity


def test_a_folder_that_is_no_model_or_of_another_format_is_refused(model_folder, tmp_path):
    with pytest.raises(InputError, match="no model folder"):
        load(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(model_folder, other)
    about = json.loads((other / folder.ABOUT).read_text())
    (other / folder.ABOUT).write_text(json.dumps(about | {"format": "logg1m model 99"}))
    with pytest.raises(InputError, match="format 'logg1m model 99'"):
        load(other)
    (other / folder.ABOUT).write_text(json.dumps(about | {"model_id": "0" * 16}))
    with pytest.raises(InputError, match="two models"):
        load(other)


def test_a_damaged_file_is_one_error(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "damaged")
    whole = (tmp_path / "damaged" / folder.WEIGHTS).read_bytes()
    (tmp_path / "damaged" / folder.WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot read the model"):
        load(tmp_path / "damaged")


def test_the_card_states_ranges_scores_and_what_it_is_not_for(model_folder):
    text = (model_folder / folder.CARD).read_text()
    for words in (
        "| log_g | dex |",
        "R²",
        "coverage of the 68 % interval",
        "must not be used for",
        "T_eff (not inferred)",
    ):
        assert words in text


def test_spectra_at_the_surveys_sampling_are_covered_too(contents):
    """Their pixels share noise once they are rebinned: the measured inflation leaves the coverage (512 judging stars)."""
    found = contents.about["resampled"]
    assert 0.9 < found["inflation"] < 1.2
    assert found["rms_z"] == pytest.approx(1, abs=0.12)
    assert found["coverage_68"] == pytest.approx(0.68, abs=0.03 + 2 * np.sqrt(0.68 * 0.32 / found["n"]))
    assert found["coverage_95"] == pytest.approx(0.95, abs=0.03 + 2 * np.sqrt(0.95 * 0.05 / found["n"]))


def test_the_card_says_how_often_other_kinds_are_found(contents):
    flags = contents.about["flags"]
    assert flags["flag"] <= 0.01
    assert min(flags["detected"].values()) >= 0.99
    assert len(flags["detected"]) == 5
