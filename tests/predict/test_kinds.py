"""Models of every kind say in a folder what they said in their run; those that cannot are refused with the reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from predict.conftest import ONE, PROTOCOL, SEED

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.predict import Predict
from logg1m.config.projection import Projection
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting
from logg1m.files import InputError
from logg1m.predict import calibration, choosing, folder, selection
from logg1m.predict.card import card
from logg1m.predict.kinds import refusal
from logg1m.predict.model import Model, load
from logg1m.predict.predicting import Predictor
from logg1m.predict.stars import identity_of, noisy, stored
from logg1m.protocol.pools import define, survey
from logg1m.results.run import MODEL, PREDICTIONS

pytestmark = pytest.mark.slow

SETTING = RunSetting(
    seed=SEED, seed_number=0, train_size=100, test_size=60, alphas=(1e3, 1e4), protocol=PROTOCOL,
    lightgbm=LightGBMConfig(n_estimators=5, learning_rate=0.3, min_data_in_leaf=10, bin_sample=100),
    bootstrap=Bootstrap(resamples=100), observation=Observation(), code="test",
    network=Network.model_validate({"preset": "smoke", "training": {"epochs": 1, "batch_size": 32}}),
    projection=Projection.model_validate({"training": {"epochs": 2, "batch_size": 32}}),
)  # fmt: skip
CHANGES = {
    "ridge": {"model": "ridge", "heads": "multi_equal", "normalisation": "continuum_poly3"},
    "trees": {"model": "lightgbm", "windows": "lines"},
    "network": {"model": "vit", "objective": "gaussian_nll", "channels": ("flux", "derivative"), "mask": "error_5"},
    "ordinal": {"model": "vit", "objective": "ordinal", "position": "rotary", "normalisation": "median"},
    "projection": {"model": "projection", "components": 16, "heads": "multi_equal", "windows": "lines"},
    "token": {
        "model": "vit",
        "projection_token": True,
        "components": 16,
        "normalisation": "median",
        "windows": "lines",
    },
    "guided": {"model": "vit", "attention_bias": "token_loss"},
    "honest": {"model": "ridge", "channels": ("flux", "log_error")},
}


@pytest.fixture(scope="module")
def members(small_store) -> pd.DataFrame:
    snr, _ = survey(small_store, SEED, PROTOCOL, ONE)
    return define(snr, SEED, PROTOCOL)[1].merge(snr[["id", "snr"]], on="id").set_index("id")


@pytest.fixture(scope="module")
def runs(small_store, members, tmp_path_factory):
    """A folder with results/mvp_9_1/<name>/seed_0 of every change."""
    root = tmp_path_factory.mktemp("workflow")
    for name, change in CHANGES.items():
        folder = root / f"results/mvp_9_1/{name}/seed_0"
        curve = pd.DataFrame({"exact_marginalised": np.random.default_rng(0).random(small_store.n_pixels)})
        run(Given(small_store, members, curve), Recipe(**change), SETTING, ONE, folder, root / "state" / name)
    return root


@pytest.fixture
def setting(small_store, members, runs, monkeypatch) -> choosing.Setting:
    monkeypatch.chdir(runs)
    kinds = ("ridge", "lightgbm", "vit", "projection")
    curve = pd.DataFrame({"exact_marginalised": np.random.default_rng(0).random(small_store.n_pixels)})
    return choosing.Setting(
        small_store, members, PROTOCOL, SEED, dict.fromkeys(kinds, 100), 60, SETTING.projection, SETTING.network, ONE, curve, None
    )  # fmt: skip


def winner(*names: str) -> dict:
    """As winner.json has it: the first is the chosen one, the others follow by their RMSE."""
    return {"model": names[0], "rmse": {name: {"value": 0.5 + 0.1 * k} for k, name in enumerate(names)}}


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "honest"])
def test_a_run_becomes_a_folder_that_says_the_same(setting, runs, small_store, name):
    from pathlib import Path

    models = sorted(Path("results").glob(f"mvp_9_1/*/seed_0/{MODEL}"))
    task, tensors, origin = choosing.of_winner(winner(f"mvp_9_1/{name}"), models, setting)
    model = Model(selection.contents_of(task, tensors, origin, {"source": "embedded", "priors": {}}))
    written = pd.read_parquet(runs / f"results/mvp_9_1/{name}/seed_0" / PREDICTIONS)
    ids = written["id"].to_numpy()
    flux, error = (
        np.concatenate([small_store.read(c, k) for c in range(small_store.n_chunks)])[ids] for k in ("flux", "error")
    )
    labels, sigma = model.infer(noisy(flux, error, ids, SEED, 1.0))
    np.testing.assert_allclose(labels[:, 0], written["predicted"], rtol=0, atol=1e-5)
    assert len(model.names) == (3 if "heads" in CHANGES[name] else 1)
    if name == "network":
        np.testing.assert_allclose(sigma, written["sigma"], rtol=1e-4)
    flux[:, 200:400] = np.nan
    masked, _ = model.infer(flux)
    assert np.isfinite(masked).all()
    assert origin.chosen["model"] == f"mvp_9_1/{name}/seed_0"
    assert "test_low_noise" in origin.measured


def test_a_model_of_three_labels_gives_an_error_of_each(setting, small_store, tmp_path):
    from pathlib import Path

    models = sorted(Path("results").glob(f"mvp_9_1/*/seed_0/{MODEL}"))
    task, tensors, origin = choosing.of_winner(winner("mvp_9_1/projection"), models, setting)
    made = selection.contents_of(task, tensors, origin, {"source": "pfs_hdf5"})
    whole = selection.complete(made, task, object(), Predict(calibration_size=500), np.arange(1_200, 2_100))
    folder.write(tmp_path, whole, card(whole))
    predictor = Predictor(load(tmp_path))
    (block,) = stored(small_store, np.arange(1_000), SEED, 1.0)
    found = predictor.rows(block.ready, identity_of("", block.ids))
    masked = replace(block.ready, flux=np.where(np.arange(4_096) % 4 == 0, np.nan, block.ready.flux))
    again = predictor.rows(masked, identity_of("", block.ids))
    assert np.median(again["T_effErr"] / found["T_effErr"]) == pytest.approx(np.sqrt(4 / 3), rel=0.02)
    asked, _, _ = selection.ask(predictor, [replace(block, ready=masked)], 1_000, "masked stars")
    z = (block.labels["teff"] - again["T_eff"]) / again["T_effErr"]
    judged = calibration.judge(predictor.calibration, asked)["further"]["teff"]
    assert judged == pytest.approx(np.sqrt(np.mean(z**2)), rel=1e-4)
    for name, column in (("teff", "T_eff"), ("m_h", "M_H")):
        z = (block.labels[name] - found[column]) / found[f"{column}Err"]
        assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.15)
        assert f"rms z of {column}" in card(whole)
    assert set(predictor.model.about["calibration"]["further"]) == {"teff", "m_h"}


def test_where_the_winner_cannot_be_applied_the_next_on_validation_is_taken(setting):
    from pathlib import Path

    models = sorted(Path("results").glob(f"mvp_9_1/*/seed_0/{MODEL}"))
    names = ("mvp_9_1/honest", "ridge_pca_20", "mvp_9_1/trees", "mvp_9_1/network")
    task, _, origin = choosing.of_winner(winner(*names), models, setting)
    assert task.recipe.model == "lightgbm"
    assert list(origin.chosen["left_out"]) == ["mvp_9_1/honest", "ridge_pca_20"]
    assert "log_error" in origin.chosen["left_out"]["mvp_9_1/honest"]
    with pytest.raises(InputError, match="no model of the roadmap"):
        choosing.of_winner(winner("mvp_9_1/honest"), models, setting)


def test_what_cannot_be_applied_says_why():
    assert refusal(Recipe(model="projection")) is None
    assert "denoiser (pca)" in refusal(Recipe(denoiser="pca"))
    assert "channels flux, error" in refusal(Recipe(channels=("flux", "error")))


def test_weights_of_another_recipe_are_refused(contents):
    about = contents.about | {"recipe": contents.about["recipe"] | {"model": "ridge"}}
    with pytest.raises(InputError, match="none of a model of this recipe"):
        Model(type(contents)(**{**vars(contents), "about": about}))
