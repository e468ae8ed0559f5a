"""The scaling table and the saturation verdicts, from predictions that are made to order."""

import numpy as np
import pandas as pd
import pytest
from made_scaling import BOOTSTRAP, CURVE, N_TEST, PROTOCOL, SEED, members_of, predictions
from sklearn.metrics import r2_score

from logg1m import metrics
from logg1m.baselines import scaling
from logg1m.config.baselines import Baselines
from logg1m.files import InputError


def saturation(table: pd.DataFrame, **settings) -> dict:
    asked = Baselines(**{"saturation_to": 16_000, **settings})
    return scaling.saturation(table, members_of(table), PROTOCOL, asked, BOOTSTRAP, SEED)


def test_verdict_is_ceiling_if_the_gain_is_surely_small():
    found = saturation(predictions({1_000: 0.30, 4_000: 0.500, 16_000: 0.505}), saturation_from=4_000)
    assert found["verdict"] == "ceiling"
    assert (found["from"], found["to"]) == ("4k", "16k")
    assert found["relative_gain"]["value"] == pytest.approx(0.01)
    assert found["relative_gain"]["ci95"][1] < 0.05


def test_verdict_is_still_gaining_if_the_gain_is_surely_large():
    found = saturation(predictions({4_000: 0.40, 16_000: 0.48}), saturation_from=4_000)
    assert found["verdict"] == "still gaining"
    assert found["relative_gain"]["value"] == pytest.approx(0.2)
    assert found["relative_gain"]["ci95"][0] > 0.05


def test_verdict_is_open_if_the_interval_holds_the_limit():
    found = saturation(predictions({4_000: 0.400, 16_000: 0.420}, shared=0.5), saturation_from=4_000)
    low, high = found["relative_gain"]["ci95"]
    assert low < 0.05 < high
    assert found["verdict"] == "open"


def test_verdict_is_open_with_one_scale_alone():
    found = saturation(predictions({16_000: 0.5}), saturation_from=4_000)
    assert found["verdict"] == "open"
    assert found["missing"] == ["4k"]
    assert "relative_gain" not in found


@pytest.mark.parametrize(
    ("trained", "missing", "between"),
    [
        (CURVE, ["100k", "1M"], ("1k", "16k")),
        ({10_000: 0.3, 100_000: 0.5}, ["1M"], ("10k", "100k")),
        ({100_000: 0.5, 500_000: 0.501}, ["1M"], ("100k", "500k")),
        ({10_000: 0.3, 1_000_000: 0.5}, ["100k"], ("10k", "1M")),
    ],
)
def test_verdict_is_open_and_names_what_lacks_where_the_scales_of_the_test_are_not_trained(trained, missing, between):
    table = predictions(trained)
    found = scaling.saturation(table, members_of(table), PROTOCOL, Baselines(), BOOTSTRAP, SEED)
    assert (found["verdict"], found["missing"]) == ("open", missing)
    assert found["reason"] == f"not trained at {' and '.join(missing)}"
    assert (found["from"], found["to"]) == between, "the gain over the scales there are is still told"
    assert found["criterion"].endswith("5% from 100k to 1M")


def test_scales_beyond_those_of_the_test_do_not_move_it():
    table = predictions({1_000: 0.1, 4_000: 0.500, 8_000: 0.505, 16_000: 0.6})
    found = saturation(table, saturation_from=4_000, saturation_to=8_000)
    assert (found["from"], found["to"], found["verdict"], found["missing"]) == ("4k", "8k", "ceiling", [])


def test_scales_are_paired_by_spectrum_whatever_the_order_of_the_rows():
    table = predictions({4_000: 0.40, 16_000: 0.41})
    shuffled = table.sample(frac=1, random_state=1)
    assert saturation(table, saturation_from=4_000) == saturation(shuffled, saturation_from=4_000)


def test_a_power_law_is_recovered_from_its_own_points():
    n = np.array([800, 1_600, 3_200, 6_400, 12_800, 25_600])
    law = scaling._power_law([(int(k), 0.6 - 0.25 * (k / 800) ** -0.4) for k in n])
    assert law["fitted"] is True
    assert law["limit"]["value"] == pytest.approx(0.6, abs=1e-4)
    assert law["amplitude"] == pytest.approx(0.25, abs=1e-4)
    assert law["exponent"]["value"] == pytest.approx(0.4, abs=1e-3)
    assert law["limit"]["standard_error"] < 1e-3


def test_a_noisy_power_law_is_recovered_within_its_errors():
    rng = np.random.default_rng(2)
    n = np.geomspace(800, 800_000, 12)
    law = scaling._power_law([(round(k), 0.55 - 0.2 * (k / 800) ** -0.5 + rng.normal(0, 0.002)) for k in n])
    assert abs(law["limit"]["value"] - 0.55) < 4 * law["limit"]["standard_error"]
    assert abs(law["exponent"]["value"] - 0.5) < 4 * law["exponent"]["standard_error"]


def test_three_points_are_too_few_for_a_power_law():
    law = scaling._power_law([(800, 0.3), (1_600, 0.4), (3_200, 0.45)])
    assert law["fitted"] is False
    assert "at least four scales, got 3" in law["reason"]


@pytest.mark.parametrize(
    "r2", [(0.5, 0.49, 0.48, 0.47), (-3.0, -2.5, -2.0, -1.5), (0.4, 0.4, 0.4, 0.4), (0.1, 0.9, 0.2, 0.8)],
    ids=["falling", "below minus one", "flat", "erratic"],
)  # fmt: skip
def test_a_curve_that_is_no_power_law_does_not_stop_the_run(r2):
    law = scaling._power_law(list(zip((800, 1_600, 3_200, 6_400), r2)))
    assert set(law) >= {"fitted"}


@pytest.fixture(scope="module")
def whole() -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    table = pd.concat([predictions(CURVE), predictions({16_000: 0.6}, model="lightgbm")])
    members = members_of(table)
    asked = Baselines(saturation_from=1_000, saturation_to=16_000)
    return table, members, scaling.table(table, members, PROTOCOL, asked, BOOTSTRAP, SEED)


def test_the_table_holds_every_model_at_every_scale_with_its_r2_on_the_common_test(whole):
    _, _, found = whole
    assert list(found["models"]) == ["ridge_full", "lightgbm"]
    assert found["common_test"] == {"n": N_TEST, "scale": "16k"}
    for scale, r2 in zip(("1k", "2k", "4k", "8k", "16k"), CURVE.values()):
        measured = found["models"]["ridge_full"]["scales"][scale]["common_test"]
        assert measured["full"]["n"] == N_TEST
        assert measured["full"]["r2"]["value"] == pytest.approx(r2)
        assert measured["low_noise"]["n"] == N_TEST // 5
    assert list(found["models"]["lightgbm"]["scales"]) == ["16k"]


def test_the_own_test_of_a_scale_is_the_first_spectra_of_the_test_pool(whole):
    table, members, found = whole
    for scale, n_train, n_test in ((1_000, 800, 200), (4_000, 3_200, 800), (16_000, 12_800, 3_200)):
        entry = found["models"]["ridge_full"]["scales"][f"{scale // 1000}k"]
        first = members.index[members["rank"] < n_test]
        rows = table[(table["model"] == "ridge_full") & (table["scale"] == scale) & table["id"].isin(first)]
        assert entry["n_train"] == n_train
        assert entry["own_test"]["full"]["n"] == n_test == len(rows)
        assert entry["own_test"]["full"]["r2"]["value"] == pytest.approx(r2_score(rows["truth"], rows["predicted"]))


def test_the_outcome_sums_up_the_models(whole):
    found = whole[2]
    assert found["verdict"] == {
        "outcome": "still gaining",
        "leading": ["ridge_full", "lightgbm"],
        "by_model": {"ridge_full": "still gaining", "lightgbm": "open"},
        "missing": {"ridge_full": [], "lightgbm": ["1k"]},
    }
    flat = predictions({4_000: 0.500, 16_000: 0.501})
    both = scaling.table(
        flat, members_of(flat), PROTOCOL, Baselines(saturation_from=4_000, saturation_to=16_000), BOOTSTRAP, SEED
    )
    assert both["verdict"]["outcome"] == "ceiling"


def test_a_model_that_lags_behind_its_kind_does_not_decide():
    best = predictions({4_000: 0.500, 16_000: 0.501})
    poor = predictions({4_000: 0.002, 16_000: 0.004}, model="ridge_raw_pca_100")
    table = pd.concat([poor, best])
    found = scaling.table(
        table, members_of(table), PROTOCOL, Baselines(saturation_from=4_000, saturation_to=16_000), BOOTSTRAP, SEED
    )
    assert found["models"]["ridge_raw_pca_100"]["saturation"]["relative_gain"]["value"] > 0.5
    assert found["verdict"]["leading"] == ["ridge_full"]
    assert found["verdict"]["outcome"] == "ceiling"


def test_the_limit_of_a_curve_has_an_interval_from_the_same_resamples(whole):
    law = whole[2]["models"]["ridge_full"]["saturation"]["power_law"]
    low, high = law["limit"]["ci95"]
    assert low < law["limit"]["value"] < high
    assert law["n_refits"] > 150
    assert high - low < 0.3


def test_models_together_are_measured_as_each_alone(whole):
    table, members, found = whole
    rows = table[(table["model"] == "lightgbm") & (table["scale"] == 16_000)].sort_values("id")
    alone = metrics.evaluate(rows, members, BOOTSTRAP, SEED)
    together = found["models"]["lightgbm"]["scales"]["16k"]["common_test"]
    for subset in ("full", "low_noise"):
        for name in ("r2", "mae", "rmse", "median_bias", "nmad", "outlier_rate"):
            assert together[subset][name]["value"] == pytest.approx(alone[subset][name]["value"], rel=1e-12)
            assert together[subset][name]["ci95"] == pytest.approx(alone[subset][name]["ci95"], rel=1e-12)
    assert len(together["snr_bins"]) == len(alone["snr_bins"])


def test_a_model_that_stops_at_a_smaller_scale_says_so_and_lacks_no_other_number():
    table = pd.concat([predictions(CURVE), predictions({1_000: 0.3, 4_000: 0.5}, model="lightgbm")])
    report = {"setting": {"label": "roadmap"}, "best_iteration": 40, "best_iteration_is_last": True}
    ridge = {"scales": {"16k": {"n": 16_000, "chosen": {"ridge_full": {"alpha": 0.1, "alpha_at_edge_of_grid": True}}}}}
    facts = scaling.facts_of([ridge], {4_000: report}, {})
    found = scaling.table(table, members_of(table), PROTOCOL, Baselines(), BOOTSTRAP, SEED, facts)["models"]
    assert found["lightgbm"]["stops_at"] == "4k"
    assert list(found["lightgbm"]["scales"]) == ["1k", "4k"]
    assert found["lightgbm"]["scales"]["4k"]["fit"] == {
        "setting": "roadmap",
        "best_iteration": 40,
        "best_iteration_is_last": True,
    }
    assert found["ridge_full"]["scales"]["16k"]["fit"] == {"alpha": 0.1, "alpha_at_edge_of_grid": True}
    assert "stops_at" not in found["ridge_full"]


def test_models_tested_on_other_spectra_are_refused():
    table = pd.concat([predictions({1_000: 0.3}), predictions({1_000: 0.3}, model="other").assign(id=lambda t: t["id"] + 1)])  # fmt: skip
    with pytest.raises(InputError, match="at 1k other was tested on other spectra than ridge_full"):
        scaling.table(table, members_of(table), PROTOCOL, Baselines(), BOOTSTRAP, SEED)
