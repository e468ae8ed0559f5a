"""A network with the projection as one more token: what it reaches, what it leaves out, and that it goes on as it was."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m import noise
from logg1m.bounds.efficiency import efficiency
from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture, Network, Training
from logg1m.config.projection import Projection
from logg1m.experiments import data, evaluate, reading
from logg1m.experiments.models import examination, network, projection
from logg1m.experiments.task import Fitted, RunSetting, Task
from logg1m.jobs.device import one_thread
from logg1m.spectra import masks
from tests.experiments.models.test_projection import SEED, Linear, Masked
from tests.experiments.models.test_projection import task_of as projection_task
from tests.toys import ONE

TINY = Architecture(patch=32, width=16, depth=1, heads=2, mlp_ratio=2.0)
TOKEN = {"projection_token": True, "components": 8, "residual_levels": 4}


class Faint(Linear):
    """What log g changes has a hundredth of the variance of what each other label changes."""

    def __init__(self) -> None:
        super().__init__()
        self.design = self.design * np.array([[0.1], [1], [1]])
        self.flux = (1 + self.values @ self.design).astype(np.float32)
        self.error = self.error * np.float32(0.1)
        self.manifest = {"store_id": "faint"}


def training(epochs: int) -> Training:
    return Training(epochs=epochs, batch_size=128, learning_rate=5e-3, ema=0.98)


def task_of(store, state, epochs: int = 2, train: int = 600, basis_rows: int = 20_000, **recipe) -> Task:
    recipe = Recipe(**TOKEN | recipe)
    ids = noise.permutation(SEED, store.n_spectra)
    rows = data.Rows(ids[: train - 100], ids[train - 100 : train], ids[4_000:5_500], draw=1, unlabelled=ids[:500])
    view = data.View(recipe, np.ones(store.n_pixels, dtype=bool), Observation(), SEED, 1.0)
    prepare = data.Preparation(store, view, store.labels(), rows.fit, ONE, torch.device("cpu"))
    settings = RunSetting(
        SEED, 0, train, 1_500, (), None, None, Bootstrap(resamples=100), Observation(),
        Network(architecture=TINY, training=training(epochs)), "test", Projection(basis_rows=basis_rows),
    )  # fmt: skip
    return Task(store, rows, prepare, recipe, settings, store.labels()[["logg"]].to_numpy(), None, state, ONE, "toy")


def predictions(task: Task, found: Fitted) -> tuple[pd.DataFrame, np.ndarray]:
    with reading.Room(task.state) as room:
        spectra = evaluate.read(task, room, {"test": task.rows.test})["test"]
    return evaluate.predict(task, found, task.rows.test, spectra), spectra


@pytest.fixture
def with_masks(monkeypatch):
    monkeypatch.setattr(masks, "_sum_of_zeros", lambda *_: "nothing is masked")


@pytest.mark.slow
def test_a_tiny_network_reaches_with_it_what_the_projection_reaches_and_not_without(tmp_path):
    store, excess = Faint(), {}
    for name, change in {"token": {}, "pixels": {"projection_token": False}}.items():
        task = task_of(store, tmp_path / name, epochs=12, train=4_000, **change)
        table, _ = predictions(task, network.fit(task))
        excess[name] = efficiency(store.posteriors(table["id"].to_numpy()), table, Bootstrap(resamples=100), SEED)
    found = {name: measured["excess"]["value"] for name, measured in excess.items()}
    assert found["token"] < 0.1  # of the projection 0.01
    assert found["pixels"] > 3 * found["token"]


def test_its_features_are_those_of_the_projection(tmp_path):
    store = Linear()
    task = task_of(store, tmp_path, 1)
    other = projection_task(store, tmp_path / "projection", train=800)
    raw = store.flux[task.rows.fit], store.error[task.rows.fit]
    x = torch.as_tensor(store.flux[:50])[:, None]
    with one_thread():  # as many for both: else a matrix product differs in its last bit
        found = network.fit(task).module
        other = projection.build(replace(other, rows=task.rows), raw)
        assert torch.equal(found.projected(x), other.features(x))


def test_what_is_masked_reaches_neither_token_nor_patches(tmp_path, with_masks):
    tables = []
    for under in (1e-6, 1e9):
        task = task_of(Masked(under), tmp_path / str(under))
        found = network.fit(task)
        table, spectra = predictions(task, found)
        assert np.isnan(spectra).any()
        tables.append(table)
    assert tables[0].equals(tables[1])
    assert np.isfinite(tables[0]["predicted"]).all()
    low_noise = np.ones(len(spectra), dtype=bool)
    examined = examination.examine(task, found, spectra, low_noise)
    assert np.isfinite(examined.robustness.to_numpy()).all()
    assert np.isfinite(examined.attention.to_numpy()).all()
    gradient = evaluate.input_gradient(task.prepare, found.differentiable, task.rows.test[:20])
    assert np.isfinite(gradient).all()
    assert (gradient > 0).all()


@pytest.mark.slow
def test_a_pretraining_on_masked_spectra_goes_through_and_so_does_its_probe(tmp_path, with_masks):
    task = task_of(Masked(1e9), tmp_path, pretraining="masked_token")
    found = network.fit(task)
    assert np.isfinite(found.pretraining["explained_noise_free"])
    spectra = predictions(task, found)[1]
    probe = examination.examine(task, found, spectra, np.ones(len(spectra), dtype=bool)).probe
    assert np.isfinite([probe[name]["r2_full"] for name in ("pixels", "random", "pretrained")]).all()


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, interrupted):
    store = Linear()
    whole = network.fit(task_of(store, tmp_path / "whole"))
    taken = interrupted(lambda: network.fit(task_of(store, tmp_path / "parts")), 4)
    resumed = network.fit(task_of(store, tmp_path / "parts"))
    assert len(taken) == 6
    assert whole.history == resumed.history
    for name, values in whole.tensors.items():
        assert np.array_equal(values, resumed.tensors[name]), name


def test_another_basis_is_another_training_of_a_network_that_has_it_and_of_no_other(tmp_path):
    store = Linear()
    one, other = (task_of(store, tmp_path, basis_rows=rows).identity for rows in (20_000, 100))
    assert one != other
    one, other = (task_of(store, tmp_path, basis_rows=rows, projection_token=False).identity for rows in (20_000, 100))
    assert one == other


def test_the_rest_of_the_network_begins_as_it_does_without(tmp_path):
    store = Linear()
    with reading.Room(tmp_path) as room:
        built = []
        for token in (True, False):
            task = task_of(store, tmp_path, projection_token=token)
            built.append(network.build(task, network.supervised.read(task, room)).encoder.state_dict())
    assert all(torch.equal(built[0][name], built[1][name]) for name in built[1])
