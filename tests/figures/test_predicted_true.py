import numpy as np
import pytest


def test_stars_and_the_residuals_of_every_bin(draw, members, predictions):
    values = draw("predicted_true", tested=predictions, members=members)
    for name, table in predictions.items():
        low = table[members.loc[table["id"], "low_noise"].to_numpy()]
        stars = values[(values["model"] == name) & (values["part"] == "star")]
        assert len(stars) == len(low)
        np.testing.assert_allclose(stars["predicted"], low["predicted"], rtol=1e-6)
        row = values[(values["model"] == name) & (values["part"] == "bin")].iloc[3]
        here = low[(low["truth"] >= row["truth"] - 0.125) & (low["truth"] < row["truth"] + 0.125)]
        assert row["n"] == len(here)
        assert row["residual"] == pytest.approx((here["predicted"] - here["truth"]).median(), rel=1e-5)
        assert row["low"] < row["residual"] < row["high"]


def test_without_low_noise_stars_it_says_so(draw, members, predictions):
    values = draw("predicted_true", tested=predictions, members=members.assign(low_noise=False))
    assert "low-noise" in values["reason"][0]
