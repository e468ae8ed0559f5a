"""Networks as a kind of model: a task that only a network can solve, a control that nobody can, and files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m import metrics, noise
from logg1m.bounds.efficiency import efficiency, is_leak
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Experiments, Recipe
from logg1m.config.networks import Architecture, Network, Training
from logg1m.experiments import data, evaluate, reading
from logg1m.experiments.models import network as networks
from logg1m.experiments.run import run
from logg1m.experiments.task import Fitted, Given, RunSetting, Task, fitter, training_code
from logg1m.metrics import interval_of
from logg1m.nn.trainer import Trainer
from logg1m.protocol.pools import define, survey

SEED = 20251222
ONE = Compute(threads=1, device="cpu")
TINY = Architecture(patch=64, width=32, depth=2, heads=2, mlp_ratio=2.0, pooling="flatten")


class Toy:
    """Spectra whose label no linear model can see: the product of the depths of two lines, beside noise.

    Implements what a run needs of a store.
    """

    n_pixels, chunk_rows, n_spectra = 256, 1024, 3_000

    def __init__(self, shuffled: bool = False) -> None:
        rng = np.random.default_rng(0)
        depth = rng.choice([-1.0, 1.0], size=(self.n_spectra, 2)) * rng.uniform(0.5, 1, size=(self.n_spectra, 2))
        profile = np.exp(-((np.arange(self.n_pixels)[:, None] - [80, 180]) ** 2) / 50)
        self.wave = np.linspace(7100, 7200, self.n_pixels)
        self.flux = (1 + depth @ profile.T).astype(np.float32)
        self.error = np.full_like(self.flux, 0.3)
        logg = 3 + depth.prod(axis=1)
        if shuffled:
            logg = logg[noise.permutation(1, self.n_spectra)]
        self.table = pd.DataFrame({"logg": logg, "teff": 5000 + 500 * depth[:, 0], "m_h": depth[:, 1]})
        self.manifest = {"store_id": f"toy {shuffled}"}
        self.n_chunks = -(-self.n_spectra // self.chunk_rows)

    def labels(self) -> pd.DataFrame:
        return self.table

    def rows(self, chunk: int) -> tuple[int, int]:
        return chunk * 1024, min((chunk + 1) * 1024, self.n_spectra)

    def size(self, chunk: int) -> int:
        low, high = self.rows(chunk)
        return high - low

    def read(self, chunk: int, name: str) -> np.ndarray:
        return getattr(self, name)[slice(*self.rows(chunk))]


def setting(**changes) -> RunSetting:
    experiments = Experiments()
    training = Training(epochs=25, batch_size=64, learning_rate=2e-3, ema=0.99)
    values = {
        "seed": SEED, "seed_number": 0, "train_size": 2_000, "test_size": 600, "alphas": experiments.alphas,
        "lightgbm": None, "protocol": None, "bootstrap": Bootstrap(resamples=100), "observation": Observation(),
        "network": Network(architecture=TINY, training=training), "code": "test",
    }  # fmt: skip
    return RunSetting(**(values | changes))


def task_of(store, model, state, changes=None, **recipe) -> Task:
    recipe = Recipe(model=model, **recipe)
    ids = noise.permutation(SEED, store.n_spectra)
    rows = data.Rows(ids[:1_900], ids[1_900:2_000], ids[2_000:2_600], draw=1)
    view = data.View(recipe, np.ones(store.n_pixels, dtype=bool), Observation(), SEED, 1.0)
    prepare = data.Preparation(store, view, store.labels(), rows.fit, ONE, torch.device("cpu"))
    names = ["logg", "teff", "m_h"] if recipe.heads != "single" else ["logg"]
    table = store.labels()[names].to_numpy()
    return Task(store, rows, prepare, recipe, setting(**(changes or {})), table, None, state, ONE, "toy")


def fitted(store, model, state, changes=None, **recipe) -> tuple[np.ndarray, pd.DataFrame, Fitted]:
    """Fit one model: R² of every label on the test rows, its predictions, what was fitted."""
    task = task_of(store, model, state, changes, **recipe)
    found = fitter(model)(task)
    with reading.Room(state) as room:
        predictions = evaluate.predict(
            task, found, task.rows.test, evaluate.read(task, room, {"test": task.rows.test})["test"]
        )
    truth = task.targets[task.rows.test]
    predicted = predictions[["predicted", "predicted_teff", "predicted_m_h"][: truth.shape[1]]].to_numpy()
    return 1 - ((predicted - truth) ** 2).mean(axis=0) / truth.var(axis=0), predictions, found


@pytest.mark.slow
def test_a_tiny_network_sees_what_no_linear_model_can(tmp_path):
    ridge, _, _ = fitted(Toy(), "ridge", tmp_path)
    network, _, found = fitted(Toy(), "vit", tmp_path)
    assert ridge[0] < 0.1
    assert network[0] > 0.6
    assert found.chosen["validation_r2"] == pytest.approx(max(row["score"] for row in found.history))
    assert 0 < found.timings["share_waiting_for_data"] < 0.9


def test_nothing_is_learnt_from_shuffled_labels(tmp_path):
    """R² ≤ 0 within its interval, and the interval is narrow enough to say so."""
    short = Network(architecture=TINY, training=Training(epochs=5, batch_size=64, ema=0.99))
    store = Toy(shuffled=True)
    _, predictions, _ = fitted(store, "vit", tmp_path, {"network": short})
    r2 = metrics.summary(predictions["truth"], predictions["predicted"], Bootstrap(resamples=400), SEED)["r2"]
    low, high = interval_of(r2)
    assert low <= 0
    assert high < 0.05


def test_efficiency_of_an_honest_model_reaches_one_at_most_and_a_leak_is_flagged():
    """A constructed posterior: prior N(0, 1) and noise N(0, 0.25), so that its mean is 0.8 of what is observed."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=4_000)
    observed = truth + rng.normal(scale=0.5, size=4_000)
    posteriors = pd.DataFrame({"id": np.arange(4_000), "mean": 0.8 * observed, "var": 0.2, "truth": truth})

    def measured(predicted: np.ndarray) -> dict:
        table = pd.DataFrame({"id": np.arange(4_000), "predicted": predicted})
        return efficiency(posteriors, table, Bootstrap(resamples=400), SEED)

    best, honest = measured(0.8 * observed), measured(0.7 * observed + rng.normal(scale=0.1, size=4_000))
    assert best["efficiency"]["value"] == pytest.approx(1)
    assert interval_of(honest["efficiency"])[1] < 1
    assert not is_leak(best)
    assert not is_leak(honest)
    assert is_leak(measured(truth + rng.normal(scale=0.3, size=4_000)))


@pytest.mark.slow
def test_three_labels_are_learnt_together(tmp_path):
    r2, predictions, _ = fitted(Toy(), "vit", tmp_path, heads="multi_equal")
    assert len(predictions) == 600
    assert (r2[1:] > 0.7).all(), r2
    assert r2[0] > 0.4


def test_spectra_too_many_for_the_memory_are_streamed_with_the_same_result(tmp_path, monkeypatch):
    short = {"network": Network(architecture=TINY, training=Training(epochs=2, batch_size=64))}
    _, resident, _ = fitted(Toy(), "vit", tmp_path / "a", short)
    monkeypatch.setattr(reading, "_MEMORY_SHARE", 0.0)
    _, streamed, _ = fitted(Toy(), "vit", tmp_path / "b", short)
    assert resident.equals(streamed)
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["training.safetensors"]


def test_a_gaussian_objective_reports_its_uncertainty(tmp_path):
    short = {"network": Network(architecture=TINY, training=Training(epochs=4, batch_size=64))}
    _, predictions, _ = fitted(Toy(), "vit", tmp_path, short, objective="gaussian_nll")
    assert len(predictions) == 600
    assert (predictions["sigma"] > 0).all()


def test_inputs_are_standardised_per_pixel_with_training_statistics(tmp_path):
    store = Toy()
    store.error = store.error * np.where(np.arange(256) == 100, 50, 1).astype(np.float32)  # a sky line
    _, _, found = fitted(store, "vit", tmp_path, {"network": Network(architecture=TINY, training=Training(epochs=1))})
    inverse = found.tensors["standardise.inverse"][0]
    assert 1 / inverse[100] == pytest.approx(15.0, rel=0.05)
    assert 1 / inverse[10] == pytest.approx(0.3, rel=0.05)


@pytest.fixture
def whole_run(small_store, tmp_path):
    """A function: a network trained (or found) and evaluated, for real."""
    from logg1m.config.baselines import LightGBMConfig
    from logg1m.config.protocol import Protocol

    protocol = Protocol(scales=(500, 2_000))
    snr, _ = survey(small_store, SEED, protocol, ONE)
    members = define(snr, SEED, protocol)[1].merge(snr[["id", "snr"]], on="id").set_index("id")
    recipe = Recipe(model="vit", channels=("flux", "log_error"))
    smoke = Network(preset="smoke", training=Training(epochs=2, batch_size=32))
    chosen = setting(
        train_size=300, test_size=100, network=smoke, protocol=protocol, lightgbm=LightGBMConfig(n_estimators=2),
        code=training_code(recipe),
    )  # fmt: skip
    ids = members.index[members["low_noise"]]
    truth = small_store.labels()["logg"].loc[ids]
    posteriors = pd.DataFrame({"id": ids, "mean": 2.5, "var": 0.1, "truth": truth.to_numpy()})
    folder = tmp_path / "run/v/seed_0"
    return lambda: run(Given(small_store, members), recipe, chosen, ONE, folder, tmp_path / "state", posteriors)


@pytest.mark.slow
def test_a_run_with_a_network_writes_everything_and_again_without_training(whole_run, tmp_path, monkeypatch):
    first = whole_run()
    assert first.metrics["efficiency"]["n_bayes"] > 5
    gradient = pd.read_csv(tmp_path / "run/v/seed_0/gradient.csv")
    assert (gradient["gradient"] > 0).all()
    assert set(first.robustness["id"]) < set(first.predictions["id"])
    monkeypatch.setattr(Trainer, "_step", None)  # nothing may be trained a second time
    assert whole_run().metrics == first.metrics


@pytest.mark.slow
def test_another_bias_bin_is_another_evaluation_of_the_same_training(whole_run, tmp_path, monkeypatch):
    first, folder = whole_run(), tmp_path / "run/v/seed_0"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(Trainer, "_step", None)
    monkeypatch.setattr(evaluate, "BIN_WIDTH", {"teff": 1_000.0, "m_h": 0.25})
    second = whole_run()
    assert {row["high"] - row["low"] for row in second.metrics["bias"]["teff"]} == {1_000.0}
    changed = {path.name for path in folder.iterdir() if path.read_bytes() != before[path.name]}
    assert changed == {"metrics.json", "provenance.json"}
    assert second.metrics == first.metrics | {"bias": second.metrics["bias"]}


def test_a_training_with_other_pixels_is_another_one(tmp_path):
    """Windows at the peaks of another sensitivity curve: the recipe is the same, what is trained is not."""
    store, short = Toy(), Network(architecture=TINY, training=Training(epochs=1, batch_size=64))
    first = task_of(store, "vit", tmp_path, {"network": short})
    some = replace(first.prepare.view, visible=np.arange(store.n_pixels) < 200)
    other = replace(
        first, prepare=data.Preparation(store, some, store.labels(), first.rows.fit, ONE, first.prepare.device)
    )
    tensors = [networks.fit(task).tensors["standardise.inverse"] for task in (first, other)]
    assert tensors[0].all()
    assert not tensors[1][:, 200:].any()


@pytest.mark.parametrize("model", ["ridge", "vit"])
def test_a_fit_does_not_look_at_the_test(tmp_path, model):
    task = task_of(Toy(), model, tmp_path, {"network": Network(architecture=TINY, training=Training(epochs=1))})
    nowhere = replace(task, rows=replace(task.rows, test=np.array([10**9])))
    assert fitter(model)(nowhere).history == fitter(model)(task).history
