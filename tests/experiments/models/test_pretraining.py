"""Pretraining before a supervised training: what it costs, what it may not see, and that it can be interrupted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m import noise
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture, Network, Training
from logg1m.config.protocol import Protocol
from logg1m.experiments import data
from logg1m.experiments.evaluate import read
from logg1m.experiments.models import examination, network, pretraining
from logg1m.experiments.reading import Room
from logg1m.experiments.task import RunSetting, Task
from logg1m.jobs import interruption
from logg1m.nn.trainer import Trainer
from logg1m.protocol.pools import Pools

SEED = 20251222
ONE = Compute(threads=1, device="cpu")
ARCHITECTURE = Architecture(patch=16, width=16, depth=1, heads=2, mlp_ratio=2.0)
TRAINING = Training(epochs=4, batch_size=32, learning_rate=5e-3, ema=0.9)


class OneFactor:
    """Spectra of one hidden factor times a rough profile, in much noise; the factor is log g.

    A token alone knows little of the factor, all tokens together much. Implements what a run needs of a store.
    """

    n_pixels, chunk_rows, n_spectra = 256, 1024, 1_500

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        factor, profile = rng.normal(size=self.n_spectra), rng.normal(size=self.n_pixels)
        self.wave = np.linspace(7100, 7200, self.n_pixels)
        self.flux = np.outer(factor, profile).astype(np.float32)
        self.error = np.full_like(self.flux, 2.0)
        self.table = pd.DataFrame({"logg": factor, "teff": 5000.0, "m_h": 0.0})
        self.manifest = {"store_id": "one factor"}

    def labels(self) -> pd.DataFrame:
        return self.table

    def rows(self, chunk: int) -> tuple[int, int]:
        return chunk * 1024, min((chunk + 1) * 1024, self.n_spectra)

    def read(self, chunk: int, name: str) -> np.ndarray:
        return getattr(self, name)[slice(*self.rows(chunk))]


def task(state, targets=None, training=TRAINING, **recipe) -> Task:
    store, recipe = OneFactor(), Recipe(**({"pretraining": "masked_token"} | recipe))
    ids = noise.permutation(SEED, store.n_spectra)
    rows = data.Rows(ids[:200], ids[200:300], ids[300:500], 1, np.concatenate([ids[:200], ids[500:]]))
    visible, device = np.ones(store.n_pixels, dtype=bool), torch.device("cpu")
    view = data.View(recipe, visible, Observation(), SEED, 1.0)
    prepare = data.Preparation(store, view, store.labels(), rows.fit, ONE, device)
    setting = RunSetting(
        SEED, 0, 200, 200, (1.0,), None, None, Bootstrap(resamples=100), Observation(),
        Network(architecture=ARCHITECTURE, training=training), "test",
    )  # fmt: skip
    labels = store.labels()[["logg"]].to_numpy() if targets is None else targets
    return Task(store, rows, prepare, recipe, setting, labels, None, state, ONE, "toy")


def pretrained(given: Task) -> pretraining.Pretrained:
    with Room(given.state) as room:
        return pretraining.pretrain(given, room)


def spectra_of_the_test(given: Task) -> np.ndarray:
    with Room(given.state) as room:
        return read(given, room, {"test": given.rows.test})["test"]


@pytest.mark.slow
def test_pretraining_makes_the_encoder_know_the_factor_without_a_label(tmp_path):
    given = task(tmp_path, pretraining_compute=8.0)
    found = network.fit(given)
    report = found.pretraining
    assert report["spectra_per_label"] > 5
    assert 0 < report["explained"] < 0.2  # a fifth of the variance is signal
    assert report["explained_noise_free"] > 0.05
    test = noise.permutation(SEED, given.store.n_spectra)[
        300:
    ]  # as many as there are: two encoders are compared on them
    given = replace(given, rows=replace(given.rows, test=test), state=tmp_path / "test")
    probe = examination.examine(given, found, spectra_of_the_test(given), np.ones(len(test), dtype=bool)).probe
    assert probe["pretrained"]["r2_full"] > probe["random"]["r2_full"] + 0.02
    layers = probe["pretrained"]["layers"]
    assert [row["layer"] for row in layers] == list(range(ARCHITECTURE.depth + 1))
    assert probe["pretrained"]["validation_r2"] == max(row["validation_r2"] for row in layers)


def test_a_probe_of_tokens_does_not_see_how_large_they_are():
    rows = np.random.default_rng(2).normal(size=(3, 8))
    scaled = examination._over_rms(rows * np.array([[1.0], [7.0], [0.0]]))
    assert np.square(scaled).mean(axis=1) == pytest.approx([1, 1, 0])
    assert scaled[:2] == pytest.approx(examination._over_rms(rows)[:2])


def test_no_label_is_looked_at(tmp_path):
    encoders = [
        pretrained(task(tmp_path / name, targets)).encoder
        for name, targets in (("right", None), ("wrong", np.random.default_rng(1).normal(3, 1, size=(1_500, 1))))
    ]
    assert all(torch.equal(encoders[0][name], encoders[1][name]) for name in encoders[0])


def test_a_projection_beside_the_patches_is_no_part_of_it(tmp_path, monkeypatch):
    """Its coefficients know the pixels that are hidden; the encoder is, to the bit, that of a network without."""
    monkeypatch.setattr(pretraining, "_budget", lambda task, costs: (2, task.rows.unlabelled[:128]))
    one, other = (
        pretrained(task(tmp_path / str(token), projection_token=token, components=8)).encoder for token in (True, False)
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    found = network.fit(task(tmp_path / "True", projection_token=True, components=8))
    assert all(torch.equal(found.encoders["pretrained"][name], one[name]) for name in one)


@pytest.mark.parametrize("compute", [0.5, 3.0, 8.0])
def test_pretraining_costs_what_the_recipe_says(tmp_path, compute, monkeypatch):
    monkeypatch.setattr(Trainer, "_gradients", lambda self, batch, size: torch.zeros(()))  # no training, only counting
    report = pretrained(task(tmp_path, pretraining_compute=compute)).report
    wanted = compute * 200 * TRAINING.epochs
    assert (report["epochs"] == 1) == (compute == 0.5)  # as many different spectra as there are, before any again
    assert report["equivalent_spectra"] == pytest.approx(wanted, abs=(32 + 1) * report["epochs"])  # whole batches
    assert report["equivalent_spectra"] <= wanted + 1
    assert report["spectra"] <= 1_200


def test_control_is_as_long_as_pretraining_and_training_together(tmp_path):
    assert pretraining.supervised_settings(task(tmp_path)).epochs == TRAINING.epochs
    longer = task(tmp_path, pretraining="none", supervised_epochs_factor=1.5)
    found = network.fit(longer)
    assert len(found.history) == 1.5 * TRAINING.epochs
    assert found.pretraining is None
    assert found.examples is None
    assert not found.encoders


@pytest.mark.slow
def test_interrupted_while_pretraining_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, monkeypatch):
    whole = network.fit(task(tmp_path / "whole"))
    monkeypatch.setattr(interruption, "_received", None)
    step, steps = Trainer._step, []

    def stopping(self, batch):
        steps.append(self.title)
        if len(steps) in (5, 15):  # in the pretraining, and once more in the training
            interruption._received = interruption.signal.SIGUSR1
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_step", stopping)
    for _ in range(2):
        with pytest.raises(interruption.Interrupted):
            network.fit(task(tmp_path / "parts"))
        interruption._received = None
    assert [steps[k].endswith("pretraining") for k in (4, 14)] == [True, False]
    resumed = network.fit(task(tmp_path / "parts"))
    assert whole.pretraining == resumed.pretraining
    assert whole.history == resumed.history
    for name, values in whole.tensors.items():
        assert np.array_equal(values, resumed.tensors[name]), name


def test_examples_are_validation_spectra_without_their_noise_beside_them(tmp_path):
    given = task(tmp_path)
    examples = pretrained(given).examples
    assert set(examples["id"]) <= set(given.rows.validation)
    for number, part in examples.groupby("example"):
        row = part["id"].iloc[0]
        assert np.allclose(part["noise_free"], given.store.flux[row]), number
        assert (part["seen"] - part["noise_free"]).std() == pytest.approx(2, rel=0.2)
        assert part["hidden"].mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("train_on", ["all", "low_noise"])
def test_unlabelled_spectra_are_more_of_the_training_pool_and_never_those_of_an_evaluation(small_store, train_on):
    pools = Pools.of(small_store, SEED, Protocol(scales=(500, 2_000)))
    members = pd.DataFrame({"low_noise": np.arange(small_store.n_spectra) % 3 == 0})
    recipe = Recipe(train_on=train_on, label_share=0.5)
    rows = data.choose_rows(pools, members, recipe, 200, 100, 0)
    assert len(rows.fit) + len(rows.validation) == 100
    assert len(rows.unlabelled) + len(set(rows.validation) & set(pools.train[:800])) == 800
    assert not set(rows.unlabelled) & {*rows.validation, *rows.test}
    assert set(rows.unlabelled) <= set(pools.train)
