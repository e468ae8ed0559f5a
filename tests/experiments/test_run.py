"""A run on a small store: its artifacts, the same every time, and the leak that MVP-1.2 must find."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from logg1m import noise
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Experiments, Recipe
from logg1m.config.networks import Network
from logg1m.config.protocol import Protocol
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting
from logg1m.files import InputError
from logg1m.protocol.pools import define, survey
from logg1m.results.run import RUN_FILES

SEED = 20251222
ONE = Compute(threads=1, device="cpu")
PROTOCOL = Protocol(scales=(500, 2_000))
TREES = LightGBMConfig(n_estimators=5, learning_rate=0.3, min_data_in_leaf=10, bin_sample=100)


def setting(**changes) -> RunSetting:
    values = {
        "seed": SEED, "seed_number": 0, "train_size": 600, "test_size": 200, "alphas": Experiments().alphas,
        "lightgbm": TREES, "protocol": PROTOCOL, "bootstrap": Bootstrap(resamples=100), "observation": Observation(),
        "network": Network(), "code": "test",
    }  # fmt: skip
    return RunSetting(**(values | changes))


@pytest.fixture(scope="module")
def members(small_store) -> pd.DataFrame:
    snr, _ = survey(small_store, SEED, PROTOCOL, ONE)
    return define(snr, SEED, PROTOCOL)[1].merge(snr[["id", "snr"]], on="id").set_index("id")


@pytest.fixture
def train(small_store, members, tmp_path):
    """A function: recipe fields, settings → (metrics, folder)."""

    def trained(folder="run", settings=None, **recipe):
        recipe = Recipe(**{"model": "ridge"} | recipe)
        state = tmp_path / "state"
        given = Given(small_store, members)
        found = run(given, recipe, setting(**(settings or {})), ONE, tmp_path / folder, state)
        return found.metrics, tmp_path / folder

    return trained


def test_run_writes_its_artifacts_and_nothing_else(train):
    result, folder = train(settings={"train_size": 200})
    assert {path.name for path in folder.iterdir()} == set(RUN_FILES)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["recipe"] == Recipe(model="ridge").model_dump(mode="json")
    assert (metrics["n_fit"], metrics["n_validation"], metrics["n_test"]) == (190, 10, 200)
    assert metrics["full"]["r2"]["value"] == pytest.approx(result["full"]["r2"]["value"])
    assert set(metrics["bias"]) == {"teff", "m_h"}
    predictions = pd.read_parquet(folder / "predictions.parquet")
    error = predictions["predicted"] - predictions["truth"]
    assert metrics["full"]["mae"]["value"] == pytest.approx(error.abs().mean(), rel=1e-5)
    assert load_file(folder / "model.safetensors")["weights"].shape == (4096, 1)
    assert len(pd.read_csv(folder / "history.csv")) == len(Experiments().alphas)


@pytest.mark.slow
def test_metrics_and_predictions_are_the_same_bytes_every_time_and_times_are_kept_apart(train):
    folders = [train(name, {"train_size": 200}, channels=("flux_over_error",))[1] for name in ("once", "again")]
    for name in ("metrics.json", "predictions.parquet", "history.csv", "model.safetensors"):
        first, second = ((folder / name).read_bytes() for folder in folders)
        assert first == second, name
    assert "seconds" in json.loads((folders[0] / "provenance.json").read_text())
    assert "seconds" not in (folders[0] / "metrics.json").read_text()


@pytest.mark.slow
def test_the_best_model_is_chosen_on_low_noise_validation_stars_that_it_is_not_fitted_to(train, small_store, members):
    """The last 5 % of the largest training prefix, 1,600 spectra here; a run on 1,580 of them fits 1,501."""
    order = noise.permutation(SEED, small_store.n_spectra)
    expected = [i for i in order[1_520:1_600] if members.loc[i, "low_noise"]]
    for size in (200, 1_580):
        table = pd.read_parquet(train(f"of_{size}", {"train_size": size})[1] / "selection.parquet")
        assert table["id"].tolist() == expected
        np.testing.assert_allclose(table["truth"], small_store.labels()["logg"].to_numpy()[expected])
    beyond = pd.read_parquet(train("beyond", {"train_size": 1_630})[1] / "selection.parquet")
    assert beyond["id"].tolist() == [i for i in order[1_549:1_600] if members.loc[i, "low_noise"]]


@pytest.mark.slow
def test_another_seed_trains_on_other_noise_and_is_tested_on_the_same_spectra(train):
    tables = [
        pd.read_parquet(train(f"seed_{k}", {"train_size": 200, "seed_number": k})[1] / "predictions.parquet")
        for k in (0, 1)
    ]
    pd.testing.assert_frame_equal(tables[0][["id", "truth"]], tables[1][["id", "truth"]])
    assert not np.array_equal(tables[0]["predicted"], tables[1]["predicted"])


def test_multi_task_predicts_temperature_and_metallicity_beside_log_g(train, small_store):
    _, folder = train(settings={"train_size": 200}, heads="multi_equal")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert {"predicted", "predicted_teff", "predicted_m_h"} <= set(predictions)
    labels = small_store.labels().loc[predictions["id"]]
    for name in ("teff", "m_h"):
        assert np.corrcoef(predictions[f"predicted_{name}"], labels[name])[0, 1] > 0.5


def test_lightgbm_runs_by_the_same_recipe(train):
    result, folder = train(settings={"train_size": 200}, model="lightgbm")
    assert {path.name for path in folder.iterdir()} == set(RUN_FILES)
    assert result["recipe"]["model"] == "lightgbm"


def test_windows_narrow_what_is_seen_and_say_so(train):
    result, _ = train(settings={"train_size": 200}, windows="lines")
    assert 0 < result["visible_width_angstrom"] < 1_000
    names = {row["name"]: row["status"] for row in result["windows"]}
    assert any(status.startswith("out of range") for status in names.values()), "Hα is reported, not dropped"


def test_windows_at_peaks_without_the_sensitivity_are_refused(train):
    with pytest.raises(InputError, match="needs the sensitivity curve of MVP"):
        train(windows="top_5")


@pytest.mark.slow
def test_error_of_the_simulator_alone_gives_log_g_away_and_the_honest_one_does_not(train):
    """The trap of MVP-1.2: the simulator computes its error from the noise-free flux."""
    leaky = train("leaky", channels=("error",), error_source="simulator")[0]["full"]["r2"]
    honest = train("honest", channels=("error",), error_source="honest")[0]["full"]["r2"]
    assert leaky["ci95"][0] > 0.9
    assert honest["ci95"][1] < 0.9
