"""Verdicts on constructed predictions whose effect is known."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_comparison import BOOTSTRAP, SEED, N, errors, experiment, judged, runs_of

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion, Experiment
from logg1m.experiments.judging import verdict
from logg1m.experiments.judging.verdict import ACCEPTED, INCONCLUSIVE, REFUTED, Runs, combine, decide, improvement

OUTCOMES = st.lists(st.sampled_from([ACCEPTED, REFUTED, INCONCLUSIVE]), min_size=1, max_size=5)


def measured(value: float, low: float, high: float, reference: float = 0.5) -> dict:
    return {"value": value, "ci95": [low, high], "reference_value": reference}


def compare(runs: Runs, **criterion) -> dict:
    return improvement(runs, "new", "old", Criterion(**({"metric": "mae"} | criterion)), BOOTSTRAP, SEED)


# --- one criterion


@pytest.mark.parametrize(
    ("low", "high", "margin", "outcome"),
    [
        (0.01, 0.03, 0.0, ACCEPTED),
        (-0.03, -0.01, 0.0, REFUTED),
        (-0.01, 0.03, 0.0, INCONCLUSIVE),
        (0.01, 0.03, 0.02, INCONCLUSIVE),
        (0.01, 0.03, 0.05, REFUTED),
        (-0.004, 0.03, -0.005, ACCEPTED),  # not worse
        (-0.006, 0.03, -0.005, INCONCLUSIVE),
        (-0.02, -0.01, -0.005, REFUTED),
    ],
)
def test_outcome_is_where_the_interval_lies_against_the_margin(low, high, margin, outcome):
    criterion = Criterion(metric="mae", margin=margin)
    assert decide(measured((low + high) / 2, low, high), criterion)[0] == outcome


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1))
def test_accepting_and_refuting_exclude_each_other_and_need_the_whole_interval(low, width, margin):
    high = low + width
    outcome = decide(measured(low, low, high), Criterion(metric="mae", margin=margin))[0]
    assert (outcome == ACCEPTED) == (low > margin)
    assert (outcome == REFUTED) == (high < margin)


def test_with_one_seed_each_the_configured_scatter_stands_for_what_was_not_measured():
    """The variance is that of the stars and of two means of one seed: an effect must exceed 1.96 · √2 · s where stars agree."""
    base = errors(0.5, seed=1)
    base += 0.3 * np.sign(base)
    runs = replace(runs_of(new=base - 0.1 * np.sign(base), old=base), seed_scatter={"mae": 0.03})
    found = compare(runs)
    stars = compare(runs_of(**runs.errors))["standard_error"]
    expected = 1.96 * np.sqrt(stars**2 + 2 * 0.03**2)
    assert found["ci95"] == pytest.approx([found["value"] - expected, found["value"] + expected], rel=1e-3)
    assert found["seed_scatter"] == {"value": 0.03, "freedom": None, "from": "configured"}
    assert decide(found, Criterion(metric="mae"))[0] == ACCEPTED  # 0.1 > 0.083
    wider = replace(runs, seed_scatter={"mae": 0.04})
    assert decide(compare(wider), Criterion(metric="mae"))[0] == INCONCLUSIVE  # 0.1 < 0.111


def test_scatter_between_seeds_is_a_share_of_the_reference_for_relative_margins():
    base = np.sign(errors(0.5, seed=1)) * 0.5  # MAE 0.5
    runs = replace(runs_of(new=0.88 * base, old=base), seed_scatter={"mae": 0.01})
    found = compare(runs, margin=0.05, relative=True)
    assert found["value"] == pytest.approx(0.12)
    assert found["standard_error"] == pytest.approx(np.sqrt(2) * 0.01 / 0.5, rel=1e-3)


def test_the_scatter_is_pooled_over_all_variants_but_leaky_ones():
    """Seeds of MAE 0.4, 0.5, 0.6 and 0.45, 0.5, 0.55 pool to s² = (0.02 + 0.005) / 4; of ten times that in a leak nothing."""
    one = np.sign(errors(1.0, seed=1))
    old, new = (np.concatenate([mae * one for mae in values]) for values in ((0.4, 0.5, 0.6), (0.45, 0.5, 0.55)))
    runs = replace(runs_of(old=old, new=new, leak=10 * old), leaky=frozenset({"leak"}), seed_scatter={"mae": 0.001})
    found = compare(runs)
    assert found["seed_scatter"] == {"value": pytest.approx(np.sqrt(0.025 / 4)), "freedom": 4, "from": "pooled over the variants"}  # fmt: skip
    assert found["standard_error"] == pytest.approx(np.sqrt(2 / 3 * 0.025 / 4), rel=1e-3)
    half = 2.7764 * found["standard_error"]  # t of four degrees of freedom
    assert found["ci95"] == pytest.approx([found["value"] - half, found["value"] + half], rel=1e-3)
    assumed = compare(replace(runs, seed_scatter={"mae": 0.2}))["seed_scatter"]
    assert (assumed["value"], assumed["from"]) == (0.2, "configured")  # four are few: not below what is configured


def test_undefined_difference_is_inconclusive():
    nothing = measured(float("nan"), float("nan"), float("nan"))
    assert decide(nothing, Criterion(metric="bias_teff"))[0] == INCONCLUSIVE


def test_relative_improvement_on_a_perfect_reference_is_inconclusive():
    runs = runs_of(new=np.zeros((1, N)), old=np.zeros((1, N)))
    result = compare(runs, metric="outlier_rate", relative=True)
    assert decide(result, Criterion(metric="outlier_rate", relative=True))[0] == INCONCLUSIVE


# --- several criteria


@given(OUTCOMES)
def test_any_is_accepted_by_one_and_refuted_only_by_all(outcomes):
    result = combine(outcomes, "any", REFUTED)
    assert (result == ACCEPTED) == (ACCEPTED in outcomes)
    assert (result == REFUTED) == all(o == REFUTED for o in outcomes)


@given(OUTCOMES, st.sampled_from([REFUTED, INCONCLUSIVE]))
def test_all_is_accepted_only_by_all_and_mixed_is_as_configured(outcomes, mixed):
    result = combine(outcomes, "all", mixed)
    assert (result == ACCEPTED) == all(o == ACCEPTED for o in outcomes)
    if REFUTED in outcomes:
        assert result == (mixed if ACCEPTED in outcomes else REFUTED)
    else:
        assert result != REFUTED


# --- measured improvements


@pytest.mark.parametrize("metric", ["mae", "rmse", "nmad", "r2", "outlier_rate"])
def test_smaller_errors_improve_every_metric_and_larger_ones_worsen_it(metric):
    base = errors(0.6, seed=1)
    assert compare(runs_of(new=0.5 * base, old=base), metric=metric)["ci95"][0] > 0
    assert compare(runs_of(new=base, old=0.5 * base), metric=metric)["ci95"][1] < 0


def test_smaller_offset_improves_the_median_bias_whatever_its_sign():
    base = errors(0.1, seed=1)
    assert compare(runs_of(new=base - 0.1, old=base + 0.5), metric="median_bias")["ci95"][0] > 0


def test_smaller_trend_with_temperature_improves_that_bias_alone():
    runs = runs_of(new=errors(0.1, seed=1), old=errors(0.1, seed=1))
    runs.errors["old"] += 0.3 * (runs.about["teff"] - 4900) / 1000
    assert compare(runs, metric="bias_teff")["ci95"][0] > 0
    low, high = compare(runs, metric="bias_m_h")["ci95"]
    assert low < 0.02
    assert high > -0.02


def test_relative_improvement_is_a_share_of_the_reference():
    base = errors(0.6, seed=1)
    result = compare(runs_of(new=0.9 * base, old=base), relative=True)
    assert result["value"] == pytest.approx(0.1)
    assert result["ci95"] == pytest.approx([0.1, 0.1])


def test_only_the_subset_of_the_criterion_counts():
    low_noise = np.arange(N) < 100
    base = errors(0.5, seed=1)
    new = np.where(low_noise, 0.5, 2.0) * base
    runs = runs_of(low_noise, new=new, old=base)
    assert compare(runs, subset="low_noise")["ci95"][0] > 0
    assert compare(runs, subset="full")["ci95"][1] < 0


def test_value_is_the_mean_over_seeds_and_the_interval_covers_their_scatter():
    base = errors(0.5, seed=1, seeds=1)
    scale = np.array([0.7, 1.3])[:, None]  # one seed much better, one much worse
    result = compare(runs_of(new=scale * base, old=np.repeat(base, 2, axis=0)))
    assert result["value"] == pytest.approx(0, abs=1e-12)
    assert result["per_seed"][0] > 0 > result["per_seed"][1]
    assert result["ci95"][0] < -0.1
    assert result["ci95"][1] > 0.1


def test_same_predictions_differ_by_exactly_nothing():
    base = errors(0.5, seed=1)
    result = compare(runs_of(new=base, old=base.copy()))
    assert (result["value"], result["ci95"]) == (0, [0, 0])
    assert decide(result, Criterion(metric="mae"))[0] == INCONCLUSIVE


def test_without_an_effect_at_most_one_in_twenty_is_accepted():
    accepted = 0
    for k in range(200):
        common = errors(0.4, seed=3 * k, n=300)
        runs = runs_of(new=common + errors(0.2, 3 * k + 1, n=300), old=common + errors(0.2, 3 * k + 2, n=300))
        result = improvement(runs, "new", "old", Criterion(metric="mae"), Bootstrap(resamples=100), k)
        accepted += decide(result, Criterion(metric="mae"))[0] == ACCEPTED
    assert accepted <= 10


# --- whole verdicts


def test_best_of_the_accepted_variants_is_named_and_supports_the_hypothesis():
    base = errors(0.5, seed=1)
    result = judged(old=base, new=0.8 * base, better=0.6 * base)
    assert (result["outcome"], result["hypothesis_outcome"], result["best_accepted"]) == (
        "accepted",
        "supported",
        "better",
    )
    assert result["variants"]["old"]["role"] == "reference"
    assert "criteria" not in result["variants"]["old"]


def test_a_hypothesis_with_criteria_of_its_own_is_decided_by_them_in_any_candidate():
    base = errors(0.5, seed=1)
    shift = np.where(np.arange(N) % 2, 0.3, -0.3)  # a worse error without a worse median bias
    runs = {"old": base + 0.4, "new": 1.5 * (base + shift), "better": base + 2}
    result = judged(hypothesis=[{"metric": "median_bias"}], **runs)
    assert (result["outcome"], result["hypothesis_outcome"]) == ("refuted", "supported")
    (found,) = result["variants"]["new"]["hypothesis_criteria"]
    assert (found["metric"], found["outcome"]) == ("median_bias", "accepted")
    assert result["variants"]["better"]["hypothesis_criteria"][0]["outcome"] == "refuted"
    assert judged(hypothesis=[{"metric": "rmse"}], **runs)["hypothesis_outcome"] == "refuted"


def test_a_criterion_that_was_not_measured_leaves_the_verdict_open():
    base = errors(0.5, seed=1)
    result = judged(hypothesis=[{"metric": "crop_loss"}], old=base, new=0.8 * base)
    assert (result["outcome"], result["hypothesis_outcome"]) == ("accepted", "open")
    assert "not measured" in result["variants"]["new"]["hypothesis_criteria"][0]["reason"]


def test_leaky_and_control_variants_are_reported_and_never_accepted():
    base = errors(0.5, seed=1)
    result = judged(old=base, new=1.2 * base, leak=0.01 * base, control=0.01 * base)
    assert (result["outcome"], result["best_accepted"]) == ("refuted", None)
    assert result["variants"]["leak"]["role"] == result["variants"]["control"]["role"] == "control"
    assert result["variants"]["leak"]["leaky"]
    assert result["variants"]["leak"]["differences"]["mae_low_noise"]["value"] > 0
    assert result["variants"]["control"]["check"] == {"r2_full": 0.95, "expected": {"below": 0.9}, "passed": False}


def test_controls_alone_decide_nothing():
    base = errors(0.5, seed=1)
    assert judged(old=base, leak=0.01 * base)["outcome"] == "inconclusive"


def test_one_open_candidate_keeps_a_refuted_experiment_open():
    base = errors(0.5, seed=1)
    assert judged(old=base, new=1.2 * base, better=base)["outcome"] == "inconclusive"


def test_several_seeds_are_averaged_and_counted():
    base = errors(0.5, seed=1, seeds=3)
    result = judged(seed_scatter=0.01, old=base, new=0.8 * base)
    assert result["outcome"] == "accepted"
    assert result["variants"]["new"]["seeds"] == 3
    assert judged(seed_scatter=1.0, old=base[:1], new=0.8 * base[:1])["outcome"] == "inconclusive"
    assert judged(seed_scatter=1.0, old=base, new=0.8 * base)["outcome"] == "inconclusive"  # three seeds are few


def test_verdict_is_the_same_every_time():
    base = errors(0.5, seed=1)
    assert judged(old=base, new=0.8 * base) == judged(old=base, new=0.8 * base)


def test_experiment_without_variants_says_that_it_did_not_run():
    result = verdict.without_variants(experiment(), "ridge")
    assert (result["outcome"], result["hypothesis_outcome"]) == ("inconclusive", "open")
    assert "not run" in result["reason"]


@pytest.mark.parametrize(
    ("artifact", "outcome"),
    [
        ({"verdict": {"outcome": "headroom"}}, "accepted"),
        ({"verdict": {"outcome": "near_bound"}}, "refuted"),
        ({"verdict": {"outcome": "unclear"}}, "inconclusive"),
        ({"verdict": {"outcome": None}}, "inconclusive"),
        ({"verdict": "headroom"}, TypeError),
        ({}, KeyError),
    ],
)
def test_verdict_of_an_artifact_is_its_named_value(artifact, outcome):
    rule = {"file": "results/x.json", "value": "verdict.outcome", "accepted": ["headroom"], "refuted": ["near_bound"]}
    of = Experiment(
        id="1.1", name="x", title="X", phase=1, question="?", hypothesis={"text": "…"}, artifact=rule | {"text": "…"}
    )
    with nullcontext() if isinstance(outcome, str) else pytest.raises(outcome):
        assert verdict.from_artifact(of, artifact)["outcome"] == outcome


def test_truth_values_of_an_artifact_are_compared_as_json_writes_them():
    rule = {"file": "results/x.json", "value": "ok", "accepted": ["true"], "refuted": ["false"], "text": "…"}
    of = Experiment(id="0.A", name="x", title="X", phase=0, question="?", hypothesis={"text": "…"}, artifact=rule)
    assert verdict.from_artifact(of, {"ok": True})["outcome"] == "accepted"
    assert verdict.from_artifact(of, {"ok": False})["outcome"] == "refuted"


# --- several seeds, other references


def test_a_mean_over_seeds_lies_in_its_own_interval():
    rng = np.random.default_rng(3)
    spread = np.stack([rng.normal(0, sigma, N) for sigma in (0.3, 0.6, 0.9)])
    found = judged(old=spread, new=0.5 * spread)["variants"]["old"]["metrics"]["full"]["mae"]
    assert found["value"] == pytest.approx(np.abs(spread).mean(), rel=1e-5)
    assert found["ci95"][0] < found["value"] < found["ci95"][1]
    assert found["ci95"][1] - found["ci95"][0] > 0.2  # most of it is between seeds
    assert len(found["per_seed"]) == 3


AGAINST = [{"metric": "mae", "subset": "full", "against": "better"}]


@pytest.mark.parametrize(("factor", "outcome"), [(0.9, "supported"), (0.6, "refuted")])
def test_a_criterion_may_name_what_the_candidate_is_compared_with(factor, outcome):
    base = errors(0.5, seed=1)
    found = judged(hypothesis=AGAINST, old=base, new=0.8 * base, better=factor * base)["variants"]["new"]
    (criterion,) = found["hypothesis_criteria"]
    assert found["outcome"] == "accepted"  # against the reference of the experiment
    assert verdict.HYPOTHESIS[criterion["outcome"]] == outcome


def test_a_criterion_against_what_did_not_run_is_open():
    base = errors(0.5, seed=1)
    found = judged(hypothesis=AGAINST, old=base, new=0.8 * base)
    assert (found["outcome"], found["hypothesis_outcome"]) == ("accepted", "open")
    assert "did not run" in found["variants"]["new"]["hypothesis_criteria"][0]["reason"]


def test_against_must_be_a_variant():
    with pytest.raises(ValueError, match="against = 'nobody' is not among"):
        experiment([{"metric": "mae", "against": "nobody"}])
