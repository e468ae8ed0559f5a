"""D1, D2, D3: from measured numbers to an outcome, with a default, an override, and the reasons in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from logg1m.config.bounds import Bounds
from logg1m.config.decisions import Decisions
from logg1m.decisions import gates


def fisher(low: float, high: float, **models: float) -> dict:
    """fisher.json with one interval for the ratio of every model; models: name → RMSE on validation stars."""
    measured, known = {"value": (low + high) / 2, "ci95": [low, high]}, models or {"ridge": 0.5}
    return {
        "models": {
            name: {"rmse_over_bayes": measured, "ratio_median": measured, "ratio_rms": measured, "n": 100}
            for name in known
        },
        "choice": {"rule": "…", "model": min(known, key=known.get), "lowest": None, "tied": [], "n_stars": 50},
        "reference_estimator": "exact",
        "estimators": {"exact": {"sigma_logg": {"1d": {"median": 0.1}, "5d": {"median": 0.2}}}},
        "ceilings": {"crlb_median_r2": 0.9},
    }


def verdict(outcome: str, best: str | None = None, heads: str = "multi_equal") -> dict:
    difference = {"r2_low_noise": {"value": 0.02, "ci95": [0.01, 0.03]}}
    variants = {"single": {"change": {}}, "multi": {"change": {"heads": heads}, "differences": difference}}
    return {"outcome": outcome, "best_accepted": best, "reason": "…", "variants": variants}


@pytest.mark.parametrize(
    ("low", "high", "rule", "outcome"),
    [
        (2.1, 3.0, "continue", "continue"),
        (1.0, 1.2, "stop", "stop"),
        (1.0, 1.25, "inconclusive", "continue"),
        (1.3, 1.9, "inconclusive", "continue"),
        (1.9, 2.1, "inconclusive", "continue"),
        (2.0, 3.0, "inconclusive", "continue"),
    ],
)
def test_d1_compares_the_whole_interval_with_two_thresholds(low, high, rule, outcome):
    settled = gates.d1(fisher(low, high), Decisions())
    assert (settled["rule_verdict"], settled["outcome"]) == (rule, outcome)


@given(st.floats(0.1, 5), st.floats(0, 2), st.floats(0.5, 4), st.floats(0, 1))
def test_d1_is_three_valued_and_its_default_is_configured(low, width, threshold, apart):
    for default in ("continue", "stop"):
        settings = Decisions(
            d1_stop_below=threshold,
            d1_continue_above=threshold + apart,
            default={"d1": default, "d2": "full", "d3": "single"},
        )
        settled = gates.d1(fisher(low, low + width), settings)
        expected = "stop" if low + width < threshold else "continue" if low > threshold + apart else "inconclusive"
        assert settled["rule_verdict"] == expected
        assert settled["outcome"] == (default if expected == "inconclusive" else expected)


def test_d1_looks_at_the_best_model():
    assert gates.d1(fisher(2.5, 3.0, ridge=0.6, lightgbm=0.4), Decisions())["evidence"]["model"] == "lightgbm"


def test_d1_never_takes_a_model_that_beats_the_bayes_optimal_estimator_for_the_best_one():
    leaking = fisher(2.5, 3.0, ridge=0.6, lightgbm=0.7) | {"leaks": [{"model": "lightgbm"}]}
    evidence = gates.d1(leaking, Decisions())["evidence"]
    assert (evidence["model"], evidence["left_out_as_leaks"]) == ("ridge", ["lightgbm"])
    nobody = gates.d1(fisher(2.5, 3.0) | {"leaks": [{"model": "ridge"}]}, Decisions())
    assert (nobody["rule_verdict"], nobody["evidence"]["model"]) == ("inconclusive", None)
    assert "any honest model" in nobody["would_flip"]


def test_d1_reads_the_configured_statistic_and_records_all():
    artifact = fisher(2.5, 3.0)
    artifact["models"]["ridge"]["ratio_rms"] = {"value": 1.0, "ci95": [0.9, 1.1]}
    settled = gates.d1(artifact, Decisions(d1_statistic="rms_ratio"))
    assert settled["outcome"] == "stop"
    assert settled["evidence"]["all_statistics"] == {
        "median_ratio": artifact["models"]["ridge"]["ratio_median"],
        "rms_ratio": artifact["models"]["ridge"]["ratio_rms"],
        "rmse_over_bayes": artifact["models"]["ridge"]["rmse_over_bayes"],
        "rmse_over_prior_aware": None,
    }


def test_d1_without_its_statistic_is_inconclusive():
    artifact = fisher(0.5, 0.6)
    del artifact["models"]["ridge"]["rmse_over_bayes"]
    settled = gates.d1(artifact, Decisions())
    assert (settled["rule_verdict"], settled["outcome"]) == ("inconclusive", "continue")
    assert "not available" in settled["would_flip"]


def test_d1_stop_names_the_directions_that_remain_with_what_the_bounds_say():
    remaining = gates.d1(fisher(1.0, 1.1), Decisions())["remaining_directions"]
    text = " ".join(row["direction"] + row["bounds_say"] for row in remaining)
    assert all(word in text for word in ("priors", "arms", "real data", "50%", "0.900"))
    assert "remaining_directions" not in gates.d1(fisher(2.5, 3.0), Decisions())


@pytest.mark.parametrize(
    ("name", "outcome", "rule", "settled"),
    [
        ("d2", "accepted", "windows", "windows"),
        ("d2", "refuted", "full", "full"),
        ("d2", "inconclusive", "inconclusive", "full"),
        ("d3", "accepted", "multi", "multi"),
        ("d3", "refuted", "single", "single"),
        ("d3", "inconclusive", "inconclusive", "single"),
    ],
)
def test_d2_and_d3_follow_the_verdict_and_take_the_default_if_it_is_open(name, outcome, rule, settled):
    evidence = getattr(gates, name)(verdict(outcome), Decisions())
    assert (evidence["rule_verdict"], evidence["outcome"]) == (rule, settled)


def test_d3_takes_the_heads_of_the_accepted_variant():
    assert gates.d3(verdict("accepted", "multi", "multi_balanced"), Decisions())["heads"] == "multi_balanced"
    assert gates.d3(verdict("refuted"), Decisions())["heads"] == "single"
    assert gates.d3(verdict("refuted"), Decisions(override={"d3": "multi"}))["heads"] == "multi_equal"
    overridden = gates.d3(verdict("accepted", "multi"), Decisions(override={"d3": "single"}))
    assert overridden["heads"] == "single"


def test_d3s_evidence_holds_every_criterion_that_decided():
    criterion = {"metric": "mae", "subset": "low_noise", "relative": True, "margin": 0.03, "outcome": "accepted",
                 "reason": "…", "more_in": None, "improvement": {"value": 0.05, "ci95": [0.04, 0.06], "per_seed": [0.05]}}  # fmt: skip
    bias = criterion | {"metric": "bias_teff", "relative": False, "margin": 0.0, "outcome": "inconclusive"}
    judged = verdict("inconclusive")
    judged["variants"]["multi"] |= {"label": "equal weights", "role": "candidate", "outcome": "inconclusive",
                                    "criteria": [criterion, bias]}  # fmt: skip
    judged["variants"]["leaky"] = judged["variants"]["multi"] | {"role": "control"}
    settled = gates.d3(judged, Decisions())
    assert list(settled["evidence"]["variants"]) == ["multi"], "controls decide nothing"
    found = settled["evidence"]["variants"]["multi"]
    assert found["label"] == "equal weights"
    assert found["criteria"]["mae_low_noise"] == {
        "value": 0.05, "ci95": [0.04, 0.06], "metric": "mae", "subset": "low_noise", "relative": True, "margin": 0.03,
        "outcome": "accepted",
    }  # fmt: skip
    assert found["criteria"]["bias_teff_low_noise"]["outcome"] == "inconclusive"
    assert "0.05 [0.04, 0.06], margin +0.03: accepted" in gates.explain(settled)


def test_override_wins_and_the_rules_own_verdict_stays_beside_it():
    evidence = gates.d1(fisher(2.5, 3.0), Decisions(override={"d1": "stop"}))
    assert (evidence["outcome"], evidence["override"]) == ("stop", "stop")
    assert (evidence["rule_verdict"], evidence["rule_outcome"]) == ("continue", "continue")


@pytest.mark.parametrize("where", ["override", "default"])
def test_outcomes_that_do_not_exist_are_refused(where):
    with pytest.raises(ValidationError, match="expected one of continue, stop"):
        Decisions(**{where: {"d1": "maybe"}})


def test_thresholds_that_cross_are_refused():
    with pytest.raises(ValidationError, match="d1_stop_below = 3 must not exceed d1_continue_above = 2"):
        Decisions(d1_stop_below=3)
    with pytest.raises(ValidationError, match=r"near_bound_below = 1\.25 must not exceed headroom_above = 1"):
        Bounds(headroom_above=1)


def test_outcome_is_all_that_the_workflow_sees():
    assert gates.outcome(gates.d1(fisher(2.5, 3.0), Decisions())) == {"decision": "d1", "outcome": "continue"}
    assert gates.outcome(gates.d1(fisher(2.2, 2.4), Decisions())) == {"decision": "d1", "outcome": "continue"}
    assert gates.outcome(gates.d3(verdict("refuted"), Decisions())) == {
        "decision": "d3", "outcome": "single", "heads": "single",
    }  # fmt: skip


def test_explanation_holds_the_rule_the_numbers_the_outcome_and_what_would_flip_it():
    text = gates.explain(gates.d1(fisher(1.0, 1.2), Decisions(override={"d1": "continue"})))
    assert text.startswith("D1: continue")
    for part in ("rule says     stop", "override      continue", "1.1 [1, 1.2]", "stop_below", "would flip"):
        assert part in text
    assert "→ default full" in gates.explain(gates.d2(verdict("inconclusive"), Decisions()))
    assert "remains" in gates.explain(gates.d1(fisher(1.0, 1.2), Decisions()))


@pytest.mark.parametrize(("name", "default", "other"), [("d2", "full", "windows"), ("d3", "single", "multi")])
def test_a_decision_whose_experiment_is_paused_is_open(name, default, other):
    settled = gates.at_rest(name, "1.4", Decisions())
    assert (settled["rule_verdict"], settled["outcome"]) == ("inconclusive", default)
    assert settled["would_flip"] == "the verdict of MVP-1.4, once it is taken out of experiments.paused"
    overridden = gates.at_rest(name, "1.4", Decisions(override={name: other}))
    assert overridden["outcome"] == other
    if name == "d3":
        assert (settled["heads"], overridden["heads"]) == ("single", "multi_equal")
    assert "paused" in gates.explain(settled)
