"""The winner of the whole roadmap goes into the model folder, by the rule."""

from collections import Counter

import pytest
from harness import Flow

from logg1m.predict.model import load

pytestmark = pytest.mark.slow

RUN = "mvp_1_2/flux"


def test_the_winner_of_the_roadmap_becomes_the_model(flow: Flow):
    """One run is real and the last on the list; those before it, which are forged, cannot be applied."""
    flow.snakemake("--force", f"results/{RUN}/seed_0/metrics.json")
    names = ("ridge_pca_10", "lightgbm", RUN)
    rmse = {name: {"value": 0.5 + 0.1 * k} for k, name in enumerate(names)}
    flow.write("results/confirmation/winner.json", {"model": names[0], "rmse": rmse})
    flow.configure("predict", model="winner", calibration_size=300, bound_stars=150)
    model = "results/model/model.json"
    assert flow.run(model, "--allowed-rules", "select_model") == Counter(["select_model"])
    about = flow.read(model)
    assert about["chosen"]["model"] == f"{RUN}/seed_0"
    assert list(about["chosen"]["left_out"]) == ["ridge_pca_10", "lightgbm"]
    assert about["recipe"]["model"] == "ridge"
    assert load(flow.path("results/model")).self_test() < 1e-5
