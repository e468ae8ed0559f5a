import numpy as np
import pandas as pd
import pytest


def test_scatter_and_bias_of_a_bin_are_those_of_its_spectra(draw, members, predictions):
    snr = members.reset_index()[["id", "snr"]].assign(snr_median=lambda t: 1.5 * t["snr"])
    values = draw("error_snr", tested=predictions, snr=snr, labels=pd.DataFrame(index=members.index))
    row = values[(values["model"] == "lightgbm") & (values["low"] == 4)].iloc[0]
    inside = members["snr"].between(4, 5, inclusive="left").to_numpy()
    residual = (predictions["lightgbm"]["predicted"] - predictions["lightgbm"]["truth"])[inside]
    assert row["n"] == inside.sum()
    assert row["bias"] == pytest.approx(residual.mean(), rel=1e-5)
    assert row["rmse"] == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-5)
    assert row["scatter"] == pytest.approx(0.6, rel=0.2), "errors are Gaussian with σ = 0.6"
    assert row["snr_pixel"] == pytest.approx(1.5 * row["middle"], rel=1e-5)
