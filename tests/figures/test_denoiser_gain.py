from types import SimpleNamespace

import numpy as np


def test_gains_per_region_and_along_wavelength(draw, verdict_denoised, denoised):
    values = draw("denoiser_gain", verdict=verdict_denoised, evidence=denoised)
    bars = values[values["what"].str.startswith("snr gain") & (values["denoiser"] == "pca")]
    np.testing.assert_allclose(bars["value"], 2.0)
    assert values[values["what"] == "gain along wavelength"]["value"].between(1.8, 2.2).all()


def test_nothing_to_show_is_said(draw, verdict_denoised):
    nothing = SimpleNamespace(denoisers={})
    assert "no variant" in draw("denoiser_gain", verdict=verdict_denoised, evidence=nothing)["reason"][0]
