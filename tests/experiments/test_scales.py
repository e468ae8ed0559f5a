"""The projection beside the classical models: which spectra it is trained on, and which it is asked about."""

import numpy as np
import pytest
from toys import ONE, linear_source, store_of

from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments.scales import projection_at, task_at
from logg1m.nn.trainer import Trainer
from logg1m.protocol.pools import Pools

SEED = 4
PROTOCOL = Protocol(scales=(1_000, 3_000))
SMALL = Projection(width=32, depth=2, training={"epochs": 25, "batch_size": 128, "learning_rate": 5e-3, "ema": 0.98})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return store_of(linear_source(3_000, sigma=0.7), tmp_path_factory.mktemp("linear"))


def made(store, state, size, shape=SMALL):
    return projection_at(task_at(store, size, PROTOCOL, shape, SEED, ONE, state, "code"), size)[:2]


def test_a_scale_trains_on_its_prefix_and_is_asked_about_the_common_test(store, tmp_path):
    tables, report = made(store, tmp_path, 3_000)
    pools = Pools.of(store, SEED, PROTOCOL)
    assert report["n_fit"] == len(pools.split(3_000).fit)
    assert np.array_equal(tables["predictions"]["id"], pools.common_test)
    assert np.array_equal(tables["selection"]["id"], pools.choosing)
    for table in tables.values():
        assert set(table["model"]) == {"projection"}
        truth = store.labels()["logg"].to_numpy()[table["id"]]
        assert np.array_equal(table["truth"], truth)
        assert 1 - ((table["predicted"] - truth) ** 2).mean() / truth.var() > 0.5
    assert report["chosen"]["epochs_run"] == len(report["history"]) == 25


def test_a_smaller_scale_is_another_training_and_the_same_one_trains_nothing_again(store, tmp_path, monkeypatch):
    short = SMALL.model_copy(update={"training": SMALL.training.model_copy(update={"epochs": 2})})
    tables, report = made(store, tmp_path / "1k", 1_000, short)
    assert report["n_fit"] == len(Pools.of(store, SEED, PROTOCOL).split(1_000).fit)
    assert set(tables["predictions"]["scale"]) == {1_000}
    monkeypatch.setattr(Trainer, "_step", None)
    again, _ = made(store, tmp_path / "1k", 1_000, short)
    assert again["predictions"].equals(tables["predictions"])
