"""From pfsspec shards to fisher.json and a decision, with the user's own frozen validation and test files."""

import json

import pandas as pd
import pytest
import yaml
from harness import small_project
from made_shard import miniature

RUN = {
    "data": {"source": "pfs_hdf5", "n_spectra": None,
             "pfs_hdf5": {"train": ["train_*.h5"], "val": ["val.h5"], "test": ["test.h5"]}},
    "protocol": {"scales": [800]},
    "baselines": {"ridge": {"pca": [20], "alphas": [1e3, 1e4, 1e5]}, "lightgbm": {"n_estimators": 20, "bin_sample": 300}},
    "bootstrap": {"resamples": 100},
    "bounds": {"bayes": {"n_stars": 20, "n_full": 0, "library_max": 1024}, "full_sample": 50},
    "network": {"preset": "smoke", "training": {"epochs": 2}},
    "experiments": {"train_size": {"ridge": 300, "lightgbm": 300, "vit": 300}},
}  # fmt: skip


@pytest.mark.slow
def test_shards_become_bounds_and_a_decision(tmp_path):
    flow = small_project(tmp_path)
    for name, count, seed in (("train_0", 500, 1), ("train_1", 300, 2), ("val", 50, 3), ("test", 300, 4)):
        miniature(tmp_path / f"{name}.h5", count, seed=seed, mask=False)
    flow.path("run.yaml").write_text(yaml.safe_dump(RUN))
    flow.snakemake("results/mvp_1_1/fisher.json", "results/decisions/d1.json", "results/mvp_1_2/verdict.json")
    results = tmp_path / "results"
    fisher = json.loads((results / "mvp_1_1/fisher.json").read_text())
    assert set(fisher["estimators"]) == {"local_linear", "knn"}
    assert fisher["reference_estimator"] == "local_linear"
    assert "cannot compute derivatives" in fisher["exact_missing"]
    assert fisher["ceilings"]["bayes_r2"] is None, "800 stored spectra cannot hold a Bayes ceiling"
    assert "too thin" in fisher["ceilings"]["bayes"]["low_noise"]["refused"]
    members = pd.read_parquet(results / "mvp_0_a/members.parquet")
    manifest = json.loads((results / "data/manifest.json").read_text())
    assert manifest["summary"]["spectra"] == {"train": 800, "val": 50, "test": 300}
    # shards cannot simulate: a tenth of the test pool is kept for the confirmation
    assert members["pool"].value_counts().to_dict() == {"train": 800, "test": 270, "validation": 50, "confirmation": 30}
    assert json.loads((results / "mvp_0_a/protocol.json").read_text())["reproduced_from_this_file"] is True
    tested = pd.read_parquet(results / "mvp_1_2/flux/seed_0/predictions.parquet")["id"]
    assert set(members.loc[tested, "pool"]) == {"test"}
    assert json.loads((results / "decisions/d1.json").read_text())["outcome"] in ("continue", "stop")
