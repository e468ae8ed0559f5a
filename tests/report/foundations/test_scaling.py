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


def of(models: dict, **more) -> str:
    return scaling.why(Cursor({"models": models, **more}, "f.json"))


def saturation(**more) -> dict:
    criterion = "ceiling if R² gains less than 2% from 100k to 1M"
    return {"from": "1k", "to": "2k", "relative_gain": measured(0.125), "criterion": criterion, "missing": [], **more}


def test_the_verdict_names_every_gain_and_what_a_ceiling_is():
    one = {"criterion": saturation()["criterion"], "missing": ["1M"]}
    assert of({"ridge_full": {"saturation": saturation()}, "lightgbm": {"saturation": one}}) == (
        "Ridge gains 12.5 % [6.2, 18.8] in R² from 1k to 2k; a ceiling is a gain under 2 % from 100k to 1M. Open, because "
        "not all of it was trained: LightGBM not at 1M. Trained at one scale only: LightGBM."
    )


def test_an_open_verdict_says_which_scales_were_not_trained():
    lacking = {"saturation": saturation(missing=["100k", "1M"])}
    found = of({"ridge_full": lacking, "lightgbm": lacking})
    assert found.endswith(
        "from 100k to 1M. Open, because not all of it was trained: Ridge and LightGBM not at 100k and 1M."
    )


def test_it_says_what_of_the_scaling_is_averaging_over_noise():
    averaged = {"beside": "ridge_full", "noise": "marginalised", "from": "1k", "to": "2k", "share": {"full": measured(0.75)},
                "scales": {"1k": {"full": measured(0.125)}, "2k": {"full": measured(0.0625)}}}  # fmt: skip
    found = of({"ridge_full": {"saturation": saturation()}}, averaging={"ridge_marginalised": averaged})
    assert found.endswith(
        "Ridge, noise marginalised is 0.125 [0.062, 0.188] in R² at 1k and 0.062 [0.000, 0.125] in R² at 2k above Ridge on one "
        "draw, full test: 75 % [69, 81] of what one draw gains from 1k to 2k is averaging over noise."
    )
    averaged["share"] = {"full": None}
    assert "averaging over" not in of(
        {"ridge_full": {"saturation": saturation()}}, averaging={"ridge_marginalised": averaged}
    )
