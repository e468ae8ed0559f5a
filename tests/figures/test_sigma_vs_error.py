import numpy as np


def test_percentiles_of_bounds_and_of_scaled_errors(draw, stars, predictions):
    values = draw("sigma_vs_error", stars=stars, predictions=predictions)
    levels = values["percentile"]
    for name in ("exact", "local_linear", "knn"):
        expected = np.percentile(stars[f"{name}_sigma_5d"].dropna(), levels)
        np.testing.assert_allclose(values[f"sigma_5d_{name}"], expected, rtol=1e-6)
    for name, table in predictions.items():
        error = np.abs(table["predicted"] - table["truth"]) / 0.6745
        np.testing.assert_allclose(values[f"error_{name}"], np.percentile(error, levels), rtol=1e-6)


def test_models_are_called_by_their_names(draw, pictures, stars, predictions):
    draw("sigma_vs_error", stars=stars, predictions=predictions)
    said = [text.get_text() for text in pictures[0].axes[0].get_legend().texts]
    assert f"|error| / 0.6745, LightGBM (n = {len(predictions['lightgbm']):,})" in said
    assert not any("_" in words for words in said)
