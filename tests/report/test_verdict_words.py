"""Sentences of criteria: which way the metric went, by how much, and what was asked for."""

from typing import Any

import pytest

from logg1m.config.experiments import Experiment
from logg1m.report.verdict_words import criterion, why, word_of
from logg1m.results.artifacts import Artifacts


def rule(metric: str, value: float, half: float, margin: float, outcome: str, **more: Any) -> dict[str, Any]:
    improvement = {"value": value, "ci95": [value - half, value + half]}
    return {"metric": metric, "subset": "low_noise", "margin": margin, "relative": False, "outcome": outcome,
            "improvement": improvement} | more  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule("mae", 0.052, 0.02, 0.05, "inconclusive", relative=True), "MAE −5.2 % [−7.2, −3.2] (needed −5 %)"),
        (rule("mae", -0.02, 0.01, 0.03, "refuted", relative=True), "MAE +2.0 % [1.0, 3.0] (needed −3 %)"),
        (rule("r2", 0.012, 0.009, -0.005, "accepted"), "R² +0.012 [0.003, 0.021] (allowed −0.005)"),
        (rule("r2", 0.02, 0.03, 0.0, "inconclusive"), "R² +0.020 [−0.010, 0.050]"),
        (rule("mae", 0.012, 0.02, 0.0, "inconclusive", detectable=0.01534),
         "MAE −0.012 dex [−0.032, 0.008] (this run could have seen 0.015 dex)"),
        (rule("mae", 0.052, 0.02, 0.05, "inconclusive", relative=True, detectable=0.0812),
         "MAE −5.2 % [−7.2, −3.2] (needed −5 %; this run could have seen 8.1 %)"),
        (rule("mae", 0.02, 0.005, 0.0, "accepted", detectable=0.01, subset="full"), "full-test MAE −0.020 dex [−0.025, −0.015]"),
        (rule("convergence", 0.25, 0.1, 0.0, "accepted"), "epochs to the reference's best validation score −25.0 % [−35.0, −15.0]"),
        (rule("convergence", -15.075, 5.0, 0.0, "refuted"), "epochs to the reference's best validation score × 16 [11, 21]"),
        (rule("outlier_rate", 0.25, 0.125, 0.0, "accepted"), "outlier rate −25.0 points [−37.5, −12.5]"),
        (rule("mae", 0.0, 0.0, 0.03, "refuted", relative=True), "MAE does not change (needed −3 %)"),
        (rule("mae", 0.02, 0.005, 0.0, "accepted", more_in=("sky", "between")),
         "gain in MAE of models that see only sky-line pixels, minus that of models that see only pixels between sky lines: "
         "+0.020 dex [0.015, 0.025]"),
        (rule("crop_loss", float("nan"), 0.1, 0.0, "inconclusive") | {"improvement": {"value": None, "ci95": [None, None]}},
         "R² lost when the edges are cropped was not measured on these runs"),
    ],
)  # fmt: skip
def test_criteria_read_as_sentences(given, expected):
    assert criterion(given) == expected


def test_where_both_are_known_a_sentence_says_from_what_to_what():
    before, after = ({"low_noise": {"mae": {"value": value}}} for value in (0.72, 0.864))
    worse = rule("mae", -0.2, 0.08, 0.03, "refuted", relative=True)
    assert criterion(worse, before, after) == "MAE 0.720 → 0.864 dex (+20.0 % [12.0, 28.0]; needed −3 %)"
    same = rule("mae", 0.0, 0.0, 0.03, "refuted", relative=True)
    assert criterion(same, before, before) == "MAE 0.720 → 0.720 dex, unchanged (needed −3 %)"


@pytest.mark.parametrize(
    ("outcome", "margin", "value", "expected"),
    [
        ("accepted", 0.05, 0.2, "better"),
        ("accepted", -0.025, 0.0, "at least as good"),
        ("accepted", -0.025, 0.021, "better"),
        ("refuted", 0.05, 0.01, "no gain"),
        ("refuted", 0.05, 0.025, "gain too small"),
        ("refuted", 0.05, -0.2, "worse"),
        ("inconclusive", 0.05, 0.2, "cannot tell"),
    ],
)
def test_a_verdict_is_a_word(outcome, margin, value, expected):
    candidate = {"outcome": outcome, "criteria": [rule("mae", value, 0.02, margin, outcome)]}
    assert word_of(candidate) == expected


def test_a_candidate_that_holm_leaves_open_is_said_to_be_accepted_by_itself():
    experiment = Experiment(
        id="1.2", name="x", title="X", phase=1, question="?", hypothesis={"text": "…"},
        variants={"old": {"label": "old"}, "new": {"label": "new"}},
        acceptance={"text": "MAE down", "reference": "old", "criteria": [{"metric": "mae"}]},
    )  # fmt: skip
    new = {"label": "new", "outcome": "inconclusive", "outcome_by_itself": "accepted",
           "holm": {"candidates": 3}, "criteria": [rule("mae", 0.02, 0.018, 0.0, "accepted")]}  # fmt: skip
    said = why(experiment, {"variants": {"new": new}, "best_accepted": None}, Artifacts({}))
    assert said == "“new”: MAE −0.020 dex [−0.038, −0.002]; better by itself, not beside 2 others (Holm)."
    new |= {"holm": {"candidates": 1}, "criteria": [*new["criteria"], rule("rmse", 0.001, 0.018, 0.0, "inconclusive")]}
    said = why(experiment, {"variants": {"new": new}, "best_accepted": None}, Artifacts({}))
    assert said.endswith("; one of 2 criteria is met, which chance alone may do.")
