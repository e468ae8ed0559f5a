"""Sanity checks: each holds, fails or is undecided by the numbers that it names; one seed is a limitation."""

from pathlib import Path
from typing import Any

import pytest
from made_roadmap import measured

from logg1m.config.experiments import Experiment
from logg1m.files import write_json
from logg1m.report.checks import checks
from logg1m.report.roadmap import Check
from logg1m.results.artifacts import Artifacts


def found(experiment: Experiment, artifact: dict[str, Any] | None, root: Path, **verdict: Any) -> list[Check]:
    assert experiment.artifact
    if artifact is not None:
        write_json(root / experiment.artifact.file, artifact)
    handed = [root / experiment.artifact.file] if artifact is not None else []
    return list(checks(experiment, verdict, Artifacts.of(handed, root / "results")))


def says(rows: list[Check], word: str) -> str:
    return next(c.says for c in rows if word in c.what)


@pytest.mark.parametrize(("n_test", "first", "word"), [(20, 90, "holds"), (21, 90, "fails"), (20, 1, "fails")])
def test_pools_must_be_disjoint(experiments, tmp_path, n_test, first, word):
    pools = {"n_train": 80, "n_test": n_test, "first_train_ids": [1, 2], "first_test_ids": [first]}
    rows = found(experiments["mvp_0_a"], {"n_spectra": 100, "pools": pools}, tmp_path)
    assert says(rows, "disjoint") == word


@pytest.mark.parametrize(
    ("edge", "last", "words"), [(False, False, ("holds", "holds")), (True, True, ("fails", "fails"))]
)
def test_an_optimum_at_the_edge_of_what_was_tried_fails(experiments, tmp_path, edge, last, words):
    fits = {
        "ridge_full": {"alpha": 1.0, "alpha_at_edge_of_grid": edge},
        "lightgbm": {"best_iteration": 5, "best_iteration_is_last": last},
    }
    models = {name: {"scales": {"10k": {"n_train": 8000, "fit": fit}}} for name, fit in fits.items()}
    rows = found(experiments["mvp_0_b"], {"models": models}, tmp_path)
    assert (says(rows, "edge of its grid"), says(rows, "LightGBM")) == words
    if edge:
        assert "Ridge at 10k" in next(c.found for c in rows if "edge" in c.what)


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
def test_bounds_and_posteriors_are_held_against_what_they_must_be(
    experiments, tmp_path, ratio, p, scaled, efficiency, words
):
    agreement = {name: {"median_ratio": ratio, "p10": 0.9, "p90": 1.1, "n": 10} for name in ("local_linear", "knn")}
    artifact = {
        "models": {"ridge": {"efficiency": measured(efficiency)}},
        "agreement_with_exact": agreement,
        "ceilings": {"bayes": {"low_noise": bayes(p, scaled)}},
    }
    rows = found(experiments["mvp_1_1"], artifact, tmp_path)
    names = ("local linear", "Ranks", "Squared errors", "beats the Bayes-optimal")
    assert tuple(says(rows, name) for name in names) == words
    assert says(rows, "Nearest-neighbour") == "limitation"
    assert says(rows, "effective sample size of 100") == "holds"


@pytest.mark.parametrize(("failed", "word"), [(0, None), (20, "holds"), (317, "fails")])
def test_stars_without_a_bound_are_told(experiments, tmp_path, failed, word):
    entry = {"n": 400, "n_failed": failed, "why": "they share their labels"}
    artifact = {"reference_estimator": "local_linear", "estimators": {"local_linear": entry}, "min_share": 0.9}
    rows = [c for c in found(experiments["mvp_1_1"], artifact, tmp_path) if c.what == "Low-noise stars have a bound"]
    assert [row.says for row in rows] == ([word] if word else [])
    assert [row.found for row in rows] == ([f"{failed} of 400 have none; they share their labels"] if word else [])


def test_a_refused_ceiling_fails_and_says_why(experiments, tmp_path):
    low = bayes(0.5, 1.0) | {"refused": "only 5 of 300 stars reach it"}
    rows = found(experiments["mvp_1_1"], {"ceilings": {"bayes": {"low_noise": low}}}, tmp_path)
    assert next(c.found for c in rows if c.passed is False) == "only 5 of 300 stars reach it"


@pytest.mark.parametrize(("seeds", "word"), [((1, 1), "limitation"), ((1, 3), "limitation"), ((3, 3), "holds")])
def test_one_seed_limits_and_does_not_fail(experiments, tmp_path, seeds, word):
    variants = {f"v{k}": {"seeds": n} for k, n in enumerate(seeds)}
    (row,) = found(experiments["mvp_1_1"], None, tmp_path, variants=variants)
    assert row.says == word
    assert row.passed is not False
