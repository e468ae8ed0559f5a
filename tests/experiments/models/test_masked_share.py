"""The channel that tells a network which pixels are masked."""

import numpy as np
import torch

from logg1m.config.bounds import Bootstrap
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture, Network, Training
from logg1m.experiments import data
from logg1m.experiments.models import network
from logg1m.experiments.task import RunSetting, Task
from logg1m.observe import LABELS
from tests.toys import ONE, Masked, linear_source, store_of

SEED, CPU = 5, torch.device("cpu")
TRAINING = Training(epochs=8, batch_size=32, learning_rate=5e-3, ema=0.9)


def test_a_network_with_the_masked_share_sees_the_mask_and_one_without_does_not(tmp_path):
    """Spectra that are all alike, beside next to no noise; log g is how many of their first pixels are masked."""
    source, count = linear_source(600, sigma=1e-9), np.random.default_rng(6).integers(0, 16, 600)
    source.flux[:] = source.flux[0]
    source.values[:, list(LABELS).index("logg")] = count / 4
    mask = np.zeros(source.flux.shape, dtype=bool)
    for row, n in zip(mask, count):
        row[:n] = True
    store, r2 = store_of(Masked(source, mask), tmp_path / "store"), {}
    architecture = Architecture(patch=16, width=16, depth=1, heads=2)
    setting = RunSetting(
        SEED, 0, 500, 100, (), None, None, Bootstrap(resamples=100), Observation(),
        Network(architecture=architecture, training=TRAINING), "x",
    )  # fmt: skip
    ids = np.arange(600)
    rows = data.Rows(ids[:400], ids[400:500], ids[500:], draw=1)
    for channels in (("flux",), ("flux", "masked_share")):
        recipe = Recipe(channels=channels)
        view = data.View(recipe, np.ones(store.n_pixels, dtype=bool), Observation(), SEED, 1.0)
        prepare = data.Preparation(store, view, store.labels(), rows.fit, ONE, CPU)
        truth = store.labels()[["logg"]].to_numpy()
        task = Task(store, rows, prepare, recipe, setting, truth, None, tmp_path / str(len(channels)), ONE, "toy")
        r2[channels] = network.fit(task).chosen["validation_r2"]
    assert r2["flux",] < 0.05
    assert r2["flux", "masked_share"] > 0.8
