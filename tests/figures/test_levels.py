from dataclasses import replace

import pytest


def test_errors_in_every_level_that_has_three_spectra(draw, verdict, made):
    values = draw("levels", verdict=verdict, evidence=made)
    assert values["n"].min() >= 3
    table = made.predictions["plain"][0]
    low = table[made.members.loc[table["id"], "low_noise"].to_numpy()]
    row = values[values["variant"] == "plain"].iloc[3]
    inside = low[low["truth"].between(row["logg"] - 0.125, row["logg"] + 0.125)]
    assert row["mean"] == pytest.approx((inside["predicted"] - inside["truth"]).mean())


def test_too_few_spectra_are_said_to_be(draw, verdict, made):
    few = replace(made, predictions={"plain": [made.predictions["plain"][0].head(2)]})
    assert "no level" in draw("levels", verdict=verdict, evidence=few)["reason"][0]
