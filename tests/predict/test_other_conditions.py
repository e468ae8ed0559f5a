"""The script that asks a model about other conditions: the same stars, under the conditions that it names."""

import runpy
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_same_stars_under_each_condition(predictor):
    asked = runpy.run_path(str(ROOT / "benchmarks/other_conditions.py"))["asked"]
    ideal, survey = (asked(predictor, ROOT / f"config/conditions/{name}.yaml", 64) for name in ("ideal", "survey"))
    assert ideal["truth"].equals(survey["truth"])
    assert not np.allclose(ideal["log_g"], survey["log_g"])
    assert np.corrcoef(ideal["truth"], ideal["log_g"])[0, 1] > 0.3, "trained under these"
