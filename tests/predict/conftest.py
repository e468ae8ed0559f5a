"""A projection that is trained in seconds, in a model folder."""

from pathlib import Path

import pytest

from logg1m.config.compute import Compute
from logg1m.config.predict import Predict
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import scales
from logg1m.predict import folder, selection
from logg1m.predict.card import card
from logg1m.predict.folder import Contents
from logg1m.predict.model import Model, load
from logg1m.predict.predicting import Predictor
from logg1m.protocol.pools import Pools

SEED = 20251222  # of the small store too
ONE = Compute(threads=1, device="cpu")
PROTOCOL = Protocol(scales=(500, 2_000))
SHAPE = Projection.model_validate(
    {"width": 32, "depth": 2, "basis_rows": 1_000, "training": {"epochs": 6, "batch_size": 64, "learning_rate": 5e-3, "ema": 0.9}}
)  # fmt: skip


@pytest.fixture(scope="session")
def trained(small_store, tmp_path_factory):
    """Task, predictions on the test and tensors of a projection."""
    state = tmp_path_factory.mktemp("projection")
    task = scales.task_at(small_store, 2_000, PROTOCOL, SHAPE, SEED, ONE, state)
    tables, report, tensors = scales.projection_at(task, 2_000)
    return task, tables, report, tensors


@pytest.fixture(scope="session")
def contents(trained, small_source) -> Contents:
    task, _, report, tensors = trained
    origin = selection.Origin({"model": "mvp_0_b/projection_2k", "rule": "validation"} | report["chosen"], {})
    made = selection.contents_of(task, tensors, origin, small_source.data.model_dump(mode="json"))
    settings = Predict(model="projection", calibration_size=1_500, bound_stars=1_000)
    choosing = Pools.of(task.store, SEED, PROTOCOL).choosing
    return selection.complete(made, task, small_source, settings, choosing)


@pytest.fixture(scope="session")
def model_folder(contents, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model")
    folder.write(path, contents, card(contents))
    return path


@pytest.fixture(scope="session")
def model(model_folder) -> Model:
    return load(model_folder)


@pytest.fixture(scope="session")
def predictor(model) -> Predictor:
    return Predictor(model)
