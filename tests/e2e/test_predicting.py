"""From a configuration to predictions of a user's shard, in chunks, by the workflow alone."""

import json

import pandas as pd
import pytest
import yaml
from harness import SETTINGS, small_project
from made_shard import miniature

RUN = {
    "predict": {"model": "projection", "calibration_size": 300, "bound_stars": 150, "spectra": ["mine_*.h5"], "chunk": 30,
                "v_los": 0.0},
}  # fmt: skip


@pytest.mark.slow
def test_a_shard_is_predicted_in_chunks_and_nothing_twice(tmp_path):
    flow = small_project(tmp_path)
    for k in range(2):
        miniature(tmp_path / f"mine_{k}.h5", 40, seed=3 + k, noisy=True)
    flow.path("run.yaml").write_text(yaml.safe_dump(SETTINGS | RUN))
    target = "results/predictions/predictions.parquet"
    flow.snakemake(target)
    results = tmp_path / "results"
    found = pd.read_parquet(results / "predictions/predictions.parquet")
    assert len(found) == 80
    assert found["input"].astype(str).value_counts().to_dict() == {"mine_0.h5": 40, "mine_1.h5": 40}
    assert found["model_id"].astype(str).unique().tolist() == [
        json.loads((results / "model/model.json").read_text())["model_id"]
    ]
    assert (results / "model/README.md").read_text().startswith("# A model of log g: mvp_0_b/projection_")
    (results / "predictions/chunk_1.parquet").unlink()
    before = {k: (results / f"predictions/chunk_{k}.parquet").stat().st_mtime_ns for k in (0, 2)}
    flow.snakemake(target)
    assert {k: (results / f"predictions/chunk_{k}.parquet").stat().st_mtime_ns for k in (0, 2)} == before
    pd.testing.assert_frame_equal(pd.read_parquet(results / "predictions/predictions.parquet"), found)
