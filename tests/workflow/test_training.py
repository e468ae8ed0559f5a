"""A network that is trained for real, and what becomes of its training when code is edited."""

from collections import Counter

import pytest
from harness import Flow

pytestmark = pytest.mark.slow

RUN = "results/mvp_1_2/flux/seed_0"
JOB = Counter(["run_variant:mvp_1_2/flux/0"])
TRAINED = ("history.csv", "predictions.parquet", "model.safetensors")


@pytest.fixture
def trained(flow: Flow) -> Flow:
    """The small roadmap with a network in place of ridge; one run is real."""
    flow.configure("experiments", recipe={"model": "vit"})
    flow.configure("network", preset="smoke", training={"epochs": 1, "batch_size": 32})
    assert flow.run(f"{RUN}/metrics.json") == JOB
    return flow


def test_an_edited_bias_bin_trains_nothing_and_evaluates_the_run_again(trained):
    before = {name: trained.path(f"{RUN}/{name}").read_bytes() for name in TRAINED}
    metrics = trained.read(f"{RUN}/metrics.json")
    trained.edit("src/logg1m/experiments/judging/bias.py", '{"teff": 500.0,', '{"teff": 1000.0,')
    assert trained.run(f"{RUN}/metrics.json") == JOB
    assert "trained already" in trained.path("logs/mvp_1_2/flux/seed_0.log").read_text()
    after = trained.read(f"{RUN}/metrics.json")
    assert {row["high"] - row["low"] for row in after["bias"]["teff"]} == {1000.0}
    assert after == metrics | {"bias": after["bias"]}
    assert {name: trained.path(f"{RUN}/{name}").read_bytes() for name in TRAINED} == before


def test_an_edited_trainer_trains_again(trained):
    with trained.path("src/logg1m/nn/trainer.py").open("a") as stream:
        stream.write("\n_ADDED = 1\n")
    assert trained.run(f"{RUN}/metrics.json") == JOB
    assert "trained already" not in trained.path("logs/mvp_1_2/flux/seed_0.log").read_text()


def test_how_often_a_training_saves_reruns_nothing(trained):
    settings = {"train_size": 200, "test_size": 50}
    trained.configure("denoisers", training={"epochs": 1, "checkpoint_seconds": 0.01}, **settings)
    wanted = [f"results/denoisers/{kind}/seed_0/report.json" for kind in ("pca", "blind_spot")]
    assert trained.run(*wanted) == Counter(["denoiser:blind_spot/0", "denoiser:pca/0"])
    trained.configure("denoisers", training={"epochs": 1, "checkpoint_seconds": 5.0}, **settings)
    trained.configure("network", training={"epochs": 1, "batch_size": 32, "checkpoint_seconds": 5.0})
    assert not trained.jobs(f"{RUN}/metrics.json", *wanted)
