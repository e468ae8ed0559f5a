"""Runs of Phase 1 beside the bounds: a run that beats the Bayes-optimal estimator is a leak, where that is exact."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.decisions import Decisions
from logg1m.decisions import gates
from logg1m.decisions.models import with_runs

N = 400
BOOTSTRAP = Bootstrap(resamples=200)
IDS = np.arange(N) + 5
RNG = np.random.default_rng(1)
TRUTH = RNG.uniform(1, 5, N)
OPTIMAL = RNG.normal(0, 0.3, N)
MEMBERS = pd.DataFrame({"low_noise": True, "snr": 5.0, "pool": "test"}, index=IDS)
STARS = pd.DataFrame({"id": IDS, "exact_sigma_5d": 0.3, "exact_sigma_prior": 0.29})
POSTERIORS = pd.DataFrame({"id": IDS, "mean": TRUTH + OPTIMAL, "var": 0.09, "truth": TRUTH})


def measured(*errors: np.ndarray, posteriors: pd.DataFrame | None = POSTERIORS, **fisher) -> dict:
    """The run with these errors, one array per seed, beside the bounds."""
    tables = [pd.DataFrame({"id": IDS, "truth": TRUTH, "predicted": TRUTH + error}) for error in errors]
    given = {"reference_estimator": "exact", "models": {}, "leaks": [], "min_share": 0.9, "estimators": {"exact": {}}}
    runs, changes = {"mvp_1_2/flux": tables}, {"mvp_1_2/flux": ("vit", 0)}
    return with_runs(given | fisher, runs, STARS, posteriors, MEMBERS, BOOTSTRAP, 7, runs, changes)


def test_an_honest_run_has_its_efficiency_and_no_leak():
    found = measured(OPTIMAL + RNG.normal(0, 0.3, N))
    assert found["models"]["mvp_1_2/flux"]["efficiency"]["value"] == pytest.approx(0.5, abs=0.1)
    assert found["leaks"] == []


def test_a_run_and_the_ceiling_are_compared_on_the_same_stars_over_all_seeds():
    errors = [OPTIMAL + RNG.normal(0, 0.3, N) for _ in range(2)]
    same = measured(*errors)["models"]["mvp_1_2/flux"]["same_stars"]
    of_seeds = [np.sqrt(0.3**2 + np.mean((error - OPTIMAL) ** 2)) for error in errors]
    assert same["n"] == N
    assert same["model_observed"]["rmse"]["per_seed"] == pytest.approx([np.sqrt(np.mean(error**2)) for error in errors])
    assert same["model"]["rmse"]["per_seed"] == pytest.approx(of_seeds)
    assert same["expected"]["rmse"]["value"] == pytest.approx(0.3)
    assert same["gap"]["rmse"]["value"] == pytest.approx(np.mean(of_seeds) - 0.3)
    low, high = same["gap"]["r2"]["ci95"]
    assert low < same["expected"]["r2"]["value"] - same["model"]["r2"]["value"] < high


def test_a_run_that_beats_the_optimum_is_a_leak():
    found = measured(0.5 * OPTIMAL)
    assert found["models"]["mvp_1_2/flux"]["efficiency"]["value"] == pytest.approx(4)
    assert [leak["model"] for leak in found["leaks"]] == ["mvp_1_2/flux"]


def test_against_an_approximate_ceiling_nothing_is_called_a_leak():
    assert measured(0.5 * OPTIMAL, ceiling_is_approximate=True)["leaks"] == []


def test_the_scatter_between_seeds_is_in_the_interval():
    """Three seeds of 1.5, 1.6 and 1.7 times the optimal error: s = 0.1, t = 4.30 for two degrees of freedom."""
    found = measured(*(factor * OPTIMAL for factor in (1.5, 1.6, 1.7)))["models"]["mvp_1_2/flux"]
    ratio = found["rmse_over_bayes"]
    assert (found["seeds"], ratio["value"]) == (3, pytest.approx(1.6))
    assert ratio["per_seed"] == pytest.approx([1.5, 1.6, 1.7])
    half = 4.3027 * 0.1 / np.sqrt(3)  # the stars are the same ones in both errors and bring nothing
    assert ratio["ci95"] == pytest.approx([1.6 - half, 1.6 + half], abs=1e-3)
    one = measured(1.6 * OPTIMAL)["models"]["mvp_1_2/flux"]["rmse_over_bayes"]
    assert one["ci95"] == pytest.approx([1.6, 1.6])


def test_d1_reads_the_chosen_run_and_without_a_ceiling_the_prior_aware_bound():
    factors = {"stop": 1.1, "inconclusive": 1.6, "continue": 2.5}
    for rule, factor in factors.items():
        settled = gates.d1(measured(factor * OPTIMAL) | REST, Decisions())
        assert (settled["rule_verdict"], settled["evidence"]["statistic"]) == (rule, "rmse_over_bayes")
        assert settled["evidence"]["chosen"]["n_stars"] == N
    without = gates.d1(measured(2.5 * OPTIMAL, posteriors=None) | REST, Decisions())
    assert without["evidence"]["statistic"] == "rmse_over_prior_aware"
    expected = 2.5 * np.sqrt((OPTIMAL**2).mean()) / 0.29
    assert without["evidence"]["measured"]["value"] == pytest.approx(expected)


REST = {
    "estimators": {"exact": {"sigma_logg": {"1d": {"median": 0.1}, "5d": {"median": 0.2}}}},
    "ceilings": {"crlb_median_r2": 0.9},
}
