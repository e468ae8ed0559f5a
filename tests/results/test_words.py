"""Words for what artifacts call by keys, and numbers as sentences have them."""

from logg1m.results.words import duration, estimate, model_name


def test_numbers_models_and_durations_have_words():
    assert estimate({"value": 2.114, "ci68": [2.03, 2.19]}) == "2.11 [2.03, 2.19]"
    assert estimate({"value": -0.0001}) == "0.00"
    assert [model_name(n) for n in ("ridge_full", "ridge_pca_100", "lightgbm", "mvp_1_2/flux", "other")] == [
        "Ridge", "Ridge, 100 components", "LightGBM", "flux (MVP-1.2)", "other",
    ]  # fmt: skip
    assert [duration(s) for s in (0.2, 59.4, 192, 7384)] == ["under 1 s", "59 s", "3 min 12 s", "2 h 3 min"]
