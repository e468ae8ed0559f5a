"""Sentences of criteria: which way the metric went, by how much, and what was asked for."""

from typing import Any

import pytest

from logg1m.report.verdict_words import criterion
from logg1m.results.words import duration, estimate, model_name


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
        (rule("r2", 0.02, 0.005, 0.0, "inconclusive"),
         "low-noise R² rises by 0.020 [0.015, 0.025]; trained with one seed, so the scatter between seeds may explain it"),
        (rule("convergence", 0.25, 0.1, 0.0, "accepted"), "the reference's best validation score takes 25.0 % [15.0, 35.0] fewer epochs"),
        (rule("mae", 0.02, 0.005, 0.0, "accepted", more_in=("sky", "between")),
         "the gain in low-noise MAE with only “sky” seen less that with only “between” is 0.020 dex [0.015, 0.025]"),
        (rule("crop_loss", float("nan"), 0.1, 0.0, "inconclusive") | {"improvement": {"value": None, "ci95": [None, None]}},
         "low-noise R² lost when the edges are cropped was not measured on these runs"),
    ],
)  # fmt: skip
def test_criteria_read_as_sentences(given, expected):
    assert criterion(given) == expected


def test_numbers_models_and_durations_have_words():
    assert estimate({"value": 2.114, "ci68": [2.03, 2.19]}) == "2.11 [2.03, 2.19]"
    assert estimate({"value": -0.0001}) == "0.00"
    assert [model_name(n) for n in ("ridge_full", "ridge_pca_100", "lightgbm", "mvp_1_2/flux", "other")] == [
        "Ridge", "Ridge, 100 components", "LightGBM", "flux (MVP-1.2)", "other",
    ]  # fmt: skip
    assert [duration(s) for s in (0.2, 59.4, 192, 7384)] == ["under 1 s", "59 s", "3 min 12 s", "2 h 3 min"]
