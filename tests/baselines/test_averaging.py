"""What of the scaling is averaging over noise: paired gains over one draw, and the share by which curves differ."""

import numpy as np
import pandas as pd
import pytest
from made_scaling import BOOTSTRAP, PROTOCOL, SEED, members_of, predictions

from logg1m.baselines import scaling
from logg1m.baselines.averaging import averaging
from logg1m.config.baselines import Baselines

ONE = {1_000: 0.30, 4_000: 0.40, 16_000: 0.50}
MUCH = {1_000: 0.45, 4_000: 0.48, 16_000: 0.50}


def both(averaged=MUCH, one_draw=ONE) -> pd.DataFrame:
    return pd.concat([predictions(one_draw), predictions(averaged, model="ridge_marginalised")])


def test_the_share_is_what_the_averaged_curve_gains_less():
    table = both()
    found = averaging(table, members_of(table), 4, BOOTSTRAP, SEED)
    assert list(found) == ["ridge_marginalised"]
    entry = found["ridge_marginalised"]
    assert (entry["beside"], entry["noise"], entry["from"], entry["to"]) == ("ridge_full", "marginalised", "1k", "16k")
    gains = [row["full"]["value"] for row in entry["scales"].values()]
    assert gains == pytest.approx([0.15, 0.08, 0.0], abs=1e-9)
    assert entry["share"]["full"]["value"] == pytest.approx(1 - 0.05 / 0.20)
    low, high = entry["share"]["full"]["ci95"]
    assert low < 0.75 < high
    low, high = entry["scales"]["1k"]["full"]["ci95"]
    assert 0.1 < low < 0.15 < high < 0.2


@pytest.mark.parametrize("one_draw", [{16_000: 0.5}, {1_000: 0.5, 16_000: 0.5}], ids=["one scale", "no gain"])
def test_there_is_no_share_of_a_gain_that_there_is_not(one_draw):
    table = both(one_draw=one_draw)
    entry = averaging(table, members_of(table), 4, BOOTSTRAP, SEED)["ridge_marginalised"]
    assert entry["share"] == {"full": None, "low_noise": None}
    assert np.isfinite(entry["scales"]["16k"]["full"]["value"])


def test_scales_that_only_one_of_them_has_are_left_out():
    table = both(averaged={4_000: 0.48, 16_000: 0.50})
    entry = averaging(table, members_of(table), 4, BOOTSTRAP, SEED)["ridge_marginalised"]
    assert list(entry["scales"]) == ["4k", "16k"]
    assert entry["share"]["full"]["value"] == pytest.approx(1 - 0.02 / 0.10)


def test_models_that_saw_more_noise_stand_in_the_table_and_do_not_decide():
    flat = both(averaged={4_000: 0.55, 16_000: 0.80}, one_draw={4_000: 0.500, 16_000: 0.501})
    draws = predictions({4_000: 0.45, 16_000: 0.60}, model="lightgbm_draws")
    table = pd.concat([flat, draws, predictions({4_000: 0.500, 16_000: 0.501}, model="lightgbm")])
    asked = Baselines(saturation_from=4_000, saturation_to=16_000, lightgbm_draws=6)
    found = scaling.table(table, members_of(table), PROTOCOL, asked, BOOTSTRAP, SEED)
    assert found["verdict"]["outcome"] == "ceiling"
    assert found["verdict"]["leading"] == ["ridge_full", "lightgbm"]
    assert {name: entry["noise"] for name, entry in found["models"].items()} == {
        "ridge_full": "one draw", "ridge_marginalised": "marginalised", "lightgbm_draws": "6 draws", "lightgbm": "one draw",
    }  # fmt: skip
    assert found["averaging"]["lightgbm_draws"]["beside"] == "lightgbm"


def test_a_projection_sees_fresh_noise_and_has_no_vote_on_classical_models():
    table = pd.concat([predictions({4_000: 0.45, 16_000: 0.60}, model=name) for name in ("ridge_full", "projection")])
    asked = Baselines(saturation_from=4_000, saturation_to=16_000)
    report = {"chosen": {"components": 64, "epoch": 3, "epochs_run": 24, "steps": 1_000}}
    facts = scaling.facts_of([], {}, {}, {4_000: report, 16_000: report})
    found = scaling.table(table, members_of(table), PROTOCOL, asked, BOOTSTRAP, SEED, facts)
    assert found["verdict"]["leading"] == ["ridge_full"]
    assert found["models"]["projection"]["noise"] == "fresh noise in every epoch"
    assert found["models"]["projection"]["scales"]["16k"]["fit"] == {"components": 64, "epoch": 3, "epochs_run": 24}
