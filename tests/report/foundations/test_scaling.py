"""MVP-0.B told: optima at the edge of what was tried fail, and the verdict compares gains with the ceiling's criterion."""

import pytest
from made_roadmap import measured

from logg1m.report.foundations import scaling
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor


@pytest.mark.parametrize(
    ("edge", "last", "words"), [(False, False, ["holds", "holds"]), (True, True, ["fails", "fails"])]
)
def test_an_optimum_at_the_edge_of_what_was_tried_fails(edge, last, words):
    fits = {
        "ridge_full": {"alpha": 1.0, "alpha_at_edge_of_grid": edge},
        "lightgbm": {"best_iteration": 5, "best_iteration_is_last": last},
    }
    models = {name: {"scales": {"10k": {"n_train": 8000, "fit": fit}}} for name, fit in fits.items()}
    rows = list(scaling.checks(Cursor({"models": models}, "f.json"), Artifacts({})))
    assert [row.says for row in rows] == words
    assert [row.what.split()[0] for row in rows] == ["No", "LightGBM"]
    if edge:
        assert rows[0].found == "at an edge, so the best one may lie outside: Ridge at 10k"


def test_the_numbers_rest_on_the_common_test_of_the_largest_scale():
    blocks = {k: {"common_test": {"full": {"n": n}, "low_noise": {"n": n // 5}}} for k, n in (("1k", 10), ("2k", 20))}
    assert scaling.tested(Cursor({"models": {"ridge_full": {"scales": blocks}}}, "f.json")) == (20, 4)
    assert scaling.tested(Cursor({}, "f.json")) == (None, None)


def test_the_verdict_names_every_gain_and_what_a_ceiling_is():
    saturation = {
        "from": "1k",
        "to": "2k",
        "relative_gain": measured(0.125),
        "criterion": "ceiling if R² gains less than 2%",
    }
    models = {"ridge_full": {"saturation": saturation}, "lightgbm": {"saturation": {}}}
    assert scaling.why(Cursor({"models": models}, "f.json")) == (
        "Ridge gains 12.5 % [6.2, 18.8] in R² from 1k to 2k; a ceiling is a gain under 2 %. Trained at one scale only: LightGBM."
    )
