"""Several candidates in one experiment: Holm, and what an open verdict could have seen."""

import numpy as np
import pytest
from made_comparison import BOOTSTRAP, SCATTER, SEED, N, experiment, judged, runs_of

from logg1m.experiments.judging import verdict
from logg1m.experiments.judging.intervals import uncertainty


def by(gain: float, spread: float = 0.1) -> np.ndarray:
    """Absolute errors that are smaller by `gain` on average, with a spread of their own, and what they were before."""
    return 0.5 - gain + spread * np.random.default_rng(round(1e6 * abs(gain))).standard_normal((1, N))


def test_one_candidate_is_accepted_exactly_where_its_interval_is_above_the_margin():
    old = by(0.0)
    for gain in (0.008, 0.010, 0.012, 0.014, 0.016, 0.02):
        found = judged(old=old, new=by(gain))["variants"]["new"]
        low = found["criteria"][0]["improvement"]["ci95"][0]
        assert (found["outcome"] == "accepted") == (low > 0)
        assert found["holm"]["adjusted"] == found["holm"]["p_value"]


def test_two_candidates_are_accepted_after_holm_and_the_printed_interval_stays():
    """A gain whose interval by itself is above the margin, beside a candidate without any: p is doubled."""
    old = by(0.0)
    gain = next(g for g in np.arange(0.008, 0.02, 0.0005) if _p(judged(old=old, new=by(g))) < 0.02)
    alone, beside = judged(old=old, new=by(gain)), judged(old=old, new=by(gain), better=old + 0.0)
    assert alone["variants"]["new"]["outcome"] == "accepted"
    entry = beside["variants"]["new"]
    assert entry["criteria"][0]["improvement"] == alone["variants"]["new"]["criteria"][0]["improvement"]
    assert entry["criteria"][0]["outcome"] == "accepted"
    assert entry["holm"] == {
        "p_value": _p(alone), "adjusted": pytest.approx(2 * _p(alone)), "candidates": 2, "accepts": False,
    }  # fmt: skip
    assert (entry["outcome"], entry["outcome_by_itself"], beside["outcome"]) == (
        "inconclusive",
        "accepted",
        "inconclusive",
    )
    assert "not after Holm over 2 candidates" in beside["reason"]


def _p(result: dict) -> float:
    return result["variants"]["new"]["holm"]["p_value"]


def test_any_of_two_criteria_is_no_easier_than_one():
    old = by(0.0)
    either = experiment(criteria=[{"metric": "mae"}, {"metric": "rmse"}], combine="any")
    of = runs_of(old=old, new=by(0.02))
    one = {
        "low_noise": None,
        "full": {"r2": {"value": 0.5, "ci95": [0.4, 0.6]}},
        "bias": {},
        "recipe": {"model": "ridge"},
    }
    found = verdict.judge(either, of, {"old": [one], "new": [one]}, SCATTER, BOOTSTRAP, SEED)["variants"]["new"]
    each = [c["improvement"] for c in found["criteria"]]
    p = min(uncertainty(e).p_value(e["value"], 0.0) for e in each)
    assert found["holm"]["p_value"] == pytest.approx(2 * p)


def test_one_of_two_criteria_that_is_met_by_a_hair_says_that_chance_may_do_it():
    old = by(0.0)
    either = experiment(criteria=[{"metric": "mae"}, {"metric": "rmse"}], combine="any")
    one = {
        "low_noise": None,
        "full": {"r2": {"value": 0.5, "ci95": [0.4, 0.6]}},
        "bias": {},
        "recipe": {"model": "ridge"},
    }
    for gain in np.arange(0.008, 0.02, 0.0005):
        runs = runs_of(old=old, new=by(gain))
        result = verdict.judge(either, runs, {"old": [one], "new": [one]}, SCATTER, BOOTSTRAP, SEED)
        if "outcome_by_itself" in result["variants"]["new"]:
            break
    else:
        pytest.fail("no gain is just met")
    assert "new inconclusive: one of 2 criteria is met, which chance alone may do (p = 0.0" in result["reason"]


def test_an_open_verdict_says_what_the_run_could_have_seen():
    """80 % power at 2.5 % one-sided: (1.960 + 0.842) standard errors above the margin; of two candidates 1.25 %."""
    old = by(0.0)
    result = judged(old=old, new=by(0.001))
    (criterion,) = result["variants"]["new"]["criteria"]
    error = criterion["improvement"]["standard_error"]
    assert criterion["detectable"] == pytest.approx((1.95996 + 0.84162) * error, rel=1e-4)
    assert f"this run could have seen mae {criterion['detectable']:.3g} dex" in result["reason"]
    (beside,) = judged(old=old, new=by(0.001), better=by(0.0005))["variants"]["new"]["criteria"]
    assert beside["detectable"] == pytest.approx((2.24140 + 0.84162) * error, rel=1e-4)
