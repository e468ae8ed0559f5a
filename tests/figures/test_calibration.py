import numpy as np


def test_shares_inside_intervals_are_those_of_a_calibrated_sigma(draw, verdict, made):
    values = draw("calibration", verdict=verdict, evidence=made)
    full = values[(values["subset"] == "full test") & (values["series"] == "coverage")]
    np.testing.assert_allclose(full["y"], full["x"], atol=0.1)
    pit = values[(values["subset"] == "full test") & (values["series"] == "pit")]
    np.testing.assert_allclose(pit["y"].mean(), 1.0, rtol=1e-6)


def test_models_without_sigma_are_said_to_have_none(draw, verdict, poor):
    assert "predicts σ" in draw("calibration", verdict=verdict, evidence=poor)["reason"][0]
