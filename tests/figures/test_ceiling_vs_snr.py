import pytest

from logg1m import metrics


def test_bounds_bayes_and_models_by_bin(draw, fisher, members, predictions):
    fisher["ceilings"]["snr_bins"].append({"snr_median": 6.0, "crlb_median_r2": 0.9, "crlb_mean_r2": 0.8, "n": 60})
    fisher["ceilings"]["bayes_bins"] = [{"snr_median": 6.1, "r2": {"value": 0.93, "ci95": [0.9, 0.95]}, "n": 30}]
    values = draw("ceiling_vs_snr", fisher=fisher, members=members, predictions=predictions).set_index("series")
    assert values.loc["crlb_median_r2", "r2"].tolist() == [0.2, 0.9]
    assert values.loc["crlb_mean_r2", "r2"].tolist() == [0.3, 0.8]
    assert values.loc["bayes_optimal", ["snr", "r2", "n"]].tolist() == [6.1, 0.93, 30]
    table = predictions["lightgbm"].set_index("id")
    rows = values.loc["lightgbm"]
    assert len(rows) == 8
    for (_, row), low, high in zip(rows.iterrows(), metrics.SNR_EDGES[:-1], metrics.SNR_EDGES[1:]):
        inside = members.index[(members["snr"] >= low) & (members["snr"] < high)]
        part = table.loc[inside]
        residual = ((part["predicted"] - part["truth"]) ** 2).sum()
        assert row["n"] == len(part)
        assert row["r2"] == pytest.approx(1 - residual / ((part["truth"] - part["truth"].mean()) ** 2).sum())


def test_a_model_that_stops_below_the_largest_scale_says_so_in_the_legend(draw, pictures, fisher, members, predictions):
    fisher["models"] = {"lightgbm": {"scale": "100k", "below_largest_scale": "trained at 100k, not at 1M"}}
    draw("ceiling_vs_snr", fisher=fisher, members=members, predictions=predictions)
    labels = [text.get_text() for text in pictures[0].axes[0].get_legend().texts]
    n = len(predictions["lightgbm"])
    assert f"LightGBM trained at 100k, {n:,} test spectra" in labels
    assert sum(" trained at " in label for label in labels) == 1


def test_ceilings_are_drawn_although_a_model_has_too_few_spectra_for_any_bin(draw, fisher, members, predictions):
    few = {"lightgbm": predictions["lightgbm"].head(12)}
    values = draw("ceiling_vs_snr", fisher=fisher, members=members, predictions=few)
    assert set(values["series"]) == {"crlb_median_r2", "crlb_mean_r2"}
