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
