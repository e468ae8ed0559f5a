"""Models from their files say what they said when they were fitted, of stars that carry other numbers now."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import confirmation, fresh
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting, Task
from logg1m.files import InputError
from logg1m.protocol.pools import define, survey
from logg1m.results.run import MODEL, PREDICTIONS

SEED = 20251222
ONE = Compute(threads=1, device="cpu")
PROTOCOL = Protocol(scales=(500, 2_000))
SETTING = RunSetting(
    seed=SEED, seed_number=0, train_size=100, test_size=60, alphas=(1e3, 1e4), protocol=PROTOCOL,
    lightgbm=LightGBMConfig(n_estimators=5, learning_rate=0.3, min_data_in_leaf=10, bin_sample=100),
    bootstrap=Bootstrap(resamples=100), observation=Observation(), code="test",
    network=Network.model_validate({"preset": "smoke", "training": {"epochs": 1, "batch_size": 32}}),
    projection=Projection.model_validate({"training": {"epochs": 2, "batch_size": 32}}),
)  # fmt: skip
RECIPES = {
    "ridge": {"model": "ridge", "channels": ("flux", "log_error"), "heads": "multi_equal"},
    "lightgbm": {"model": "lightgbm", "windows": "lines"},
    "projection": {"model": "projection", "components": 16, "heads": "multi_equal"},
    "network": {"model": "vit", "channels": ("weighted_residual", "error_level"), "objective": "gaussian_nll"},
    "token": {"projection_token": True, "components": 16, "windows": "lines"},
}


@pytest.fixture(scope="module")
def members(small_store) -> pd.DataFrame:
    snr, _ = survey(small_store, SEED, PROTOCOL, ONE)
    return define(snr, SEED, PROTOCOL)[1].merge(snr[["id", "snr"]], on="id").set_index("id")


def stars_of(store, members, ids: np.ndarray) -> fresh.Fresh:
    """Stars of the store as if they were fresh ones."""
    flux, error = (
        np.concatenate([store.read(c, name) for c in range(store.n_chunks)])[ids] for name in ("flux", "error")
    )
    labels = store.labels().loc[ids].reset_index(drop=True)
    low = members.loc[ids, ["low_noise"]].reset_index(drop=True)
    return fresh.Fresh(ids, flux, error, labels, low, fresh.SIMULATED, "test")


@pytest.mark.parametrize("kind", RECIPES)
def test_a_saved_model_predicts_for_fresh_stars_what_the_run_predicted_for_the_same_stars(
    small_store, members, tmp_path, kind
):
    recipe, given = Recipe(**RECIPES[kind]), Given(small_store, members)
    run(given, recipe, SETTING, ONE, tmp_path / "mvp/variant/seed_0", tmp_path / "state")
    written = pd.read_parquet(tmp_path / "mvp/variant/seed_0" / PREDICTIONS)
    task = Task.of(given, recipe, SETTING, ONE, tmp_path / "other", "confirmation")
    asked = stars_of(small_store, members, written["id"].to_numpy())
    table, under = confirmation.ask(task, tmp_path / "mvp/variant/seed_0" / MODEL, asked, moved=True)
    assert list(table) == list(written)
    np.testing.assert_array_equal(table["id"], np.arange(len(written)))
    for name in written.columns[1:]:
        np.testing.assert_allclose(table[name], written[name], rtol=1e-4, atol=1e-4, err_msg=name)
    if kind in ("network", "token"):
        moved = pd.read_parquet(tmp_path / "mvp/variant/seed_0/robustness.parquet")
        np.testing.assert_allclose(under["crop_10"], moved["crop_10"], rtol=1e-4, atol=1e-4)
    else:
        assert under.empty


def test_a_model_of_another_recipe_is_refused(small_store, members, tmp_path):
    given = Given(small_store, members)
    run(given, Recipe(model="ridge"), SETTING, ONE, tmp_path / "mvp/variant/seed_0", tmp_path / "state")
    task = Task.of(given, Recipe(model="lightgbm"), SETTING, ONE, tmp_path / "other", "confirmation of mvp/variant")
    asked = stars_of(small_store, members, np.arange(4))
    with pytest.raises(
        InputError, match=r"confirmation of mvp/variant: the saved model is none of this recipe \(lightgbm\)"
    ):
        confirmation.ask(task, tmp_path / "mvp/variant/seed_0" / MODEL, asked)
