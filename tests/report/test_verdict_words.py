"""Sentences of criteria: which way the metric went, by how much, and what was asked for."""

from typing import Any

import pytest

from logg1m.config.experiments import Experiment
from logg1m.report.verdict_words import criterion, why
from logg1m.results.artifacts import Artifacts


def rule(metric: str, value: float, half: float, margin: float, outcome: str, **more: Any) -> dict[str, Any]:
    improvement = {"value": value, "ci95": [value - half, value + half]}
    return {"metric": metric, "subset": "low_noise", "margin": margin, "relative": False, "outcome": outcome,
            "improvement": improvement} | more  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule("mae", 0.052, 0.02, 0.05, "inconclusive", relative=True), "low-noise MAE falls by 5.2 % [3.2, 7.2]; at least 5 % was asked for"),
        (rule("mae", -0.02, 0.01, 0.03, "refuted", relative=True), "low-noise MAE rises by 2.0 % [1.0, 3.0]; at least 3 % was asked for"),
        (rule("r2", 0.012, 0.009, -0.005, "accepted"), "not worse: ΔR² 0.012 [0.003, 0.021] on the low-noise test, allowed −0.005"),
        (rule("r2", 0.02, 0.03, 0.0, "inconclusive"), "low-noise R² rises by 0.020 [−0.010, 0.050]; the interval includes zero"),
        (rule("mae", 0.012, 0.02, 0.0, "inconclusive", detectable=0.01534),
         "low-noise MAE falls by 0.012 dex [−0.008, 0.032]; the interval includes zero; this run could have seen 0.015 dex"),
        (rule("mae", 0.052, 0.02, 0.05, "inconclusive", relative=True, detectable=0.0812),
         "low-noise MAE falls by 5.2 % [3.2, 7.2]; at least 5 % was asked for; this run could have seen 8.1 %"),
        (rule("r2", 0.012, 0.02, -0.005, "inconclusive", detectable=0.0231),
         "not worse: ΔR² 0.012 [−0.008, 0.032] on the low-noise test, allowed −0.005; this run could have seen 0.023"),
        (rule("mae", 0.02, 0.005, 0.0, "accepted", detectable=0.01), "low-noise MAE falls by 0.020 dex [0.015, 0.025]"),
        (rule("convergence", 0.25, 0.1, 0.0, "accepted"), "the reference's best validation score takes 25.0 % [15.0, 35.0] fewer epochs"),
        (rule("mae", 0.02, 0.005, 0.0, "accepted", more_in=("sky", "between")),
         "the gain in low-noise MAE with only “sky” seen less that with only “between” is 0.020 dex [0.015, 0.025]"),
        (rule("crop_loss", float("nan"), 0.1, 0.0, "inconclusive") | {"improvement": {"value": None, "ci95": [None, None]}},
         "low-noise R² lost when the edges are cropped was not measured on these runs"),
    ],
)  # fmt: skip
def test_criteria_read_as_sentences(given, expected):
    assert criterion(given) == expected


def test_a_candidate_that_holm_leaves_open_is_said_to_be_accepted_by_itself():
    experiment = Experiment(
        id="1.2", name="x", title="X", phase=1, question="?", hypothesis={"text": "…"},
        variants={"old": {"label": "old"}, "new": {"label": "new"}},
        acceptance={"text": "MAE down", "reference": "old", "criteria": [{"metric": "mae"}]},
    )  # fmt: skip
    new = {"label": "new", "outcome": "inconclusive", "outcome_by_itself": "accepted",
           "holm": {"candidates": 3}, "criteria": [rule("mae", 0.02, 0.018, 0.0, "accepted")]}  # fmt: skip
    said = why(experiment, {"variants": {"new": new}, "best_accepted": None}, Artifacts({}))
    assert said == (
        "The only candidate is “new”: low-noise MAE falls by 0.020 dex [0.002, 0.038]; accepted by itself, not after Holm "
        "over 3 candidates."
    )
