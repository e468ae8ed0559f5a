import numpy as np


def test_mean_gradients_of_every_variant_stand_beside_the_pixels_that_are_shaded(draw, verdict, made):
    values = draw("gradient_vs_error", verdict=verdict, evidence=made)
    assert list(values.columns[:3]) == ["wave", "error_mean", "sky_line_pixels"]
    for name, seeds in made.gradients.items():
        np.testing.assert_allclose(values[name], seeds[0]["gradient"], rtol=1e-7)
    assert 0 < values["sky_line_pixels"].sum() < len(values)


def test_models_without_derivatives_are_said_to_have_none(draw, verdict, poor):
    assert "no derivatives" in draw("gradient_vs_error", verdict=verdict, evidence=poor)["reason"][0]
