"""Accepted variants and a winner, from the files of their runs to what fresh stars say of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from logg1m.baselines import ridge
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Experiment, Recipe
from logg1m.config.networks import Network
from logg1m.config.protocol import Protocol
from logg1m.experiments import confirmation, fresh
from logg1m.experiments.confirmation import Saved
from logg1m.experiments.run import run
from logg1m.experiments.task import Given, RunSetting, Task
from logg1m.files import write_tensors
from logg1m.protocol.pools import define, survey
from logg1m.results.run import PREDICTIONS

pytestmark = pytest.mark.slow

SEED = 20251222  # of the small store too: its source knows the fresh stars
ONE = Compute(threads=1, device="cpu")
PROTOCOL = Protocol(scales=(500, 2_000))
BOOTSTRAP = Bootstrap(resamples=100)
SETTING = RunSetting(
    seed=SEED, seed_number=0, train_size=300, test_size=200, alphas=(1e-4, 1e2, 1e4), lightgbm=LightGBMConfig(),
    protocol=PROTOCOL, bootstrap=BOOTSTRAP, observation=Observation(), network=Network(), code="test",
)  # fmt: skip
# The simulator's error gives log g away: a gain that is true of every star, and a variant that is none.
CHANGES = {"flux": {}, "error": {"channels": ["error"], "error_source": "simulator"}, "fewer": {"label_share": 0.3}}
EXPERIMENT = Experiment.model_validate(
    {
        "id": "9.1", "name": "test", "title": "Test", "phase": 1, "question": "?", "hypothesis": {"text": "!"},
        "variants": {name: {"label": name, "change": change} for name, change in CHANGES.items()},
        "acceptance": {"text": "better", "reference": "flux", "criteria": [{"metric": "mae", "margin": 0.05, "relative": True}]},
    }
)  # fmt: skip
CANDIDATE = {"role": "candidate", "outcome": "accepted", "criteria": [{"outcome": "accepted"}]}


@pytest.fixture(scope="module")
def given(small_store) -> Given:
    snr, _ = survey(small_store, SEED, PROTOCOL, ONE)
    members = define(snr, SEED, PROTOCOL)[1].merge(snr[["id", "snr"]], on="id").set_index("id")
    return Given(small_store, members)


@pytest.fixture(scope="module")
def saved(given, tmp_path_factory) -> list[Saved]:
    root = tmp_path_factory.mktemp("runs")
    for name, change in CHANGES.items():
        recipe = Recipe(**{"model": "ridge"} | change)
        run(given, recipe, SETTING, ONE, root / f"mvp_9_1/{name}/seed_0", root / "state")
    return [Saved(name, f"mvp_9_1/{name}", (root / f"mvp_9_1/{name}/seed_0",)) for name in CHANGES]


@pytest.fixture(scope="module")
def stars(small_source, given) -> fresh.Fresh:
    threshold = float(given.members.loc[given.members["low_noise"], "snr"].min())
    return fresh.simulated(small_source, small_source.describe(), 400, threshold, ONE)


@pytest.fixture
def task_of(given, tmp_path):
    def task(each: Saved, number: int) -> Task:
        assert number == 0
        return Task.of(given, Recipe(**each.recipe), SETTING, ONE, tmp_path, each.run)

    return task


def test_a_true_gain_is_confirmed_and_one_that_was_none_is_not(saved, stars, task_of):
    verdict = {"variants": {name: CANDIDATE | {"label": name} for name in ("error", "fewer")}}
    found = confirmation.of_experiment(EXPERIMENT, verdict, saved, task_of, stars, {"mae": 0.005}, BOOTSTRAP, SEED)
    assert found["error"]["state"] == "confirmed"
    assert found["error"]["criteria"][0]["improvement"]["value"] > 0.5
    assert found["fewer"]["state"] != "confirmed"


def test_a_winner_is_as_good_on_fresh_stars_as_on_the_test(saved, stars, given, task_of):
    flux = saved[0]
    on_fresh = [confirmation.ask(task_of(flux, 0), flux.models[0], stars)[0]]
    on_test = [pd.read_parquet(flux.folders[0] / PREDICTIONS)]
    found = confirmation.of_winner(on_fresh, on_test, stars, given.members, BOOTSTRAP, SEED)
    assert found["full"]["state"] == "confirmed"
    assert found["full"]["fresh"]["n"] == 400
    assert found["low_noise"]["fresh"]["n"] == stars.members["low_noise"].sum()
    error = on_fresh[0]["predicted"] - stars.labels["logg"]
    assert found["full"]["fresh"]["rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)


def test_a_classical_model_sees_fresh_stars_with_the_frozen_noise(stars, tmp_path: Path):
    frame = ridge.Frame(np.zeros(4096), np.ones(4096))
    first = ridge.Linear("ridge_full", "full", 1.0, 800, np.eye(1, 4096, 7)[0], 2.0, 0.0)
    write_tensors(tmp_path / "ridge.safetensors", ridge.tensors([first], frame))
    quiet = confirmation.ask_classical("ridge_full", tmp_path / "ridge.safetensors", stars, SEED, 0.0)
    np.testing.assert_allclose(quiet["predicted"], 2.0 + stars.flux[:, 7], atol=1e-5)
    np.testing.assert_array_equal(quiet["truth"], stars.labels["logg"])
    noisy = confirmation.ask_classical("ridge_full", tmp_path / "ridge.safetensors", stars, SEED, 1.0)
    shift = (noisy["predicted"] - quiet["predicted"]) / stars.error[:, 7]
    assert abs(shift.mean()) < 0.2
    assert 0.85 < shift.std() < 1.15
