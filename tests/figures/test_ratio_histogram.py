import numpy as np


def test_density_of_errors_over_bounds(draw, fisher, stars, predictions):
    values = draw("ratio_histogram", fisher=fisher, stars=stars, predictions=predictions)
    ratio = np.abs(predictions["lightgbm"]["predicted"] - stars["logg"]) / stars["exact_sigma_5d"]
    step = values["ratio"].diff().iloc[1]
    edges = np.append(values["ratio"] - step / 2, values["ratio"].iloc[-1] + step / 2)
    density, _ = np.histogram(ratio.dropna(), bins=edges, density=True)
    np.testing.assert_allclose(values["density"], density, rtol=0.02, atol=0.002)  # edges of the CSV are rounded
    half_normal = np.sqrt(2 / np.pi) * np.exp(-(values["ratio"] ** 2) / 2)
    np.testing.assert_allclose(values["half_normal"], half_normal, rtol=1e-6, atol=1e-9)


def test_stars_without_any_bound_are_no_error(draw, fisher, stars, predictions):
    none = stars.copy()
    none[[column for column in none if column.endswith("sigma_5d")]] = np.nan
    given = {"fisher": fisher, "stars": none, "predictions": predictions}
    assert (draw("ratio_histogram", **given)["density"] == 0).all()
    assert draw("sigma_map", fisher=fisher, stars=none)["sigma"].isna().all()
    columns = set(draw("sigma_vs_error", stars=none, predictions=predictions))
    assert columns == {"percentile"} | {f"error_{name}" for name in predictions if name in ("ridge_full", "lightgbm")}
