"""Runs of Phase 1 beside the bounds: a run that beats the Bayes-optimal estimator is a leak, where that is exact."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.decisions.models import with_runs

N = 400
IDS = np.arange(N) + 5
RNG = np.random.default_rng(1)
TRUTH = RNG.uniform(1, 5, N)
OPTIMAL = RNG.normal(0, 0.3, N)
MEMBERS = pd.DataFrame({"low_noise": True, "snr": 5.0, "pool": "test"}, index=IDS)
STARS = pd.DataFrame({"id": IDS, "exact_sigma_5d": 0.3})
POSTERIORS = pd.DataFrame({"id": IDS, "mean": TRUTH + OPTIMAL, "var": 0.09, "truth": TRUTH})


def measured(error: np.ndarray, **fisher) -> dict:
    table = pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": TRUTH + error})
    given = {"reference_estimator": "exact", "models": {}, "leaks": [], "min_share": 0.9, "estimators": {"exact": {}}}
    given |= fisher
    return with_runs(given, {"mvp_1_2/flux": table}, STARS, POSTERIORS, MEMBERS, Bootstrap(resamples=200), 7)


def test_an_honest_run_has_its_efficiency_and_no_leak():
    found = measured(OPTIMAL + RNG.normal(0, 0.3, N))
    assert found["models"]["mvp_1_2/flux"]["efficiency"]["value"] == pytest.approx(0.5, abs=0.1)
    assert found["leaks"] == []


def test_a_run_that_beats_the_optimum_is_a_leak():
    found = measured(0.5 * OPTIMAL)
    assert found["models"]["mvp_1_2/flux"]["efficiency"]["value"] == pytest.approx(4)
    assert [leak["model"] for leak in found["leaks"]] == ["mvp_1_2/flux"]


def test_against_an_approximate_ceiling_nothing_is_called_a_leak():
    assert measured(0.5 * OPTIMAL, ceiling_is_approximate=True)["leaks"] == []
