"""MVP-1.1 told: bounds and posteriors are held against what they must be, and the verdict names number and threshold."""

from typing import Any

import pytest
from made_roadmap import measured

from logg1m.report.foundations import fisher
from logg1m.report.roadmap import Check
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor


def found(content: dict[str, Any]) -> list[Check]:
    return list(fisher.checks(Cursor(content, "f.json"), Artifacts({})))


def says(rows: list[Check], word: str) -> str:
    return next(c.says for c in rows if word in c.what)


def bayes(p: float, scaled: float) -> dict[str, Any]:
    calibration = {"rank_p_value": p, "err2_over_variance": measured(scaled)}
    return {"n_stars": 300, "n_reached": 300, "ess": {"needed": 100}, "calibration": calibration}


@pytest.mark.parametrize(
    ("ratio", "p", "scaled", "efficiency", "words"),
    [
        (1.05, 0.5, 1.0, 0.5, ("holds", "holds", "holds", "holds")),
        (1.50, 1e-5, 3.0, 0.5, ("fails", "fails", "fails", "holds")),
        (0.50, 0.5, 1.2, 0.5, ("fails", "holds", "undecided", "holds")),
    ],
)
def test_bounds_and_posteriors_are_held_against_what_they_must_be(ratio, p, scaled, efficiency, words):
    agreement = {name: {"median_ratio": ratio, "p10": 0.9, "p90": 1.1, "n": 10} for name in ("local_linear", "knn")}
    artifact = {
        "models": {"ridge": {"efficiency": measured(efficiency)}},
        "agreement_with_exact": agreement,
        "ceilings": {"bayes": {"low_noise": bayes(p, scaled)}},
    }
    rows = found(artifact)
    names = ("local linear", "Ranks", "Squared errors", "beats the Bayes-optimal")
    assert tuple(says(rows, name) for name in names) == words
    assert says(rows, "Nearest-neighbour") == "limitation"
    assert says(rows, "effective sample size of 100") == "holds"


def test_a_refused_ceiling_fails_and_says_why():
    low = bayes(0.5, 1.0) | {"refused": "only 5 of 300 stars reach it"}
    rows = found({"ceilings": {"bayes": {"low_noise": low}}})
    assert next(c.found for c in rows if c.passed is False) == "only 5 of 300 stars reach it"


def test_the_verdict_names_number_threshold_and_leaks():
    verdict = {"statistic": "rmse_over_bayes", "thresholds": {"headroom_above": 2.0, "near_bound_below": 1.25},
               "model": "ridge_full", "ratio": measured(2.5), "excluded_as_leaks": ["lightgbm"]}  # fmt: skip
    choice = {"model": "ridge_full", "tied": ["ridge_full", "ridge_pca_100"]}
    assert fisher.why(Cursor({"verdict": verdict, "choice": choice}, "f.json")) == (
        "The RMSE of Ridge is 2.50 [2.44, 2.56] times the Bayes-optimal RMSE; above 2 is headroom, below 1.25 near the "
        "bound. On validation stars Ridge, 100 components is as good within the interval, and not as simple. Left out as "
        "leaks: LightGBM."
    )
    assert fisher.why(Cursor({"verdict": verdict | {"reason": "every model leaks"}}, "f.json")).startswith(
        "Every model leaks."
    )


def test_a_model_of_a_variant_is_known_by_its_scale_too():
    models = {"mvp_1_2/flux": {"scale": "2k", "best_iteration_is_last": True}}
    assert [c.found for c in found({"models": models})] == ["still gaining at its last tree at 2k"]


@pytest.mark.parametrize(("failed", "word"), [(0, None), (20, "holds"), (317, "fails")])
def test_stars_without_a_bound_are_told(failed, word):
    entry = {"n": 400, "n_failed": failed, "why": "they share their labels"}
    artifact = {"reference_estimator": "local_linear", "estimators": {"local_linear": entry}, "min_share": 0.9}
    rows = [c for c in found(artifact) if c.what == "Low-noise stars have a bound"]
    assert [row.says for row in rows] == ([word] if word else [])
    assert [row.found for row in rows] == ([f"{failed} of 400 have none; they share their labels"] if word else [])
