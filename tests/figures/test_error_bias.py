import pytest

from logg1m.figures import empty, error_bias


def test_every_label_has_a_panel_with_the_line_of_the_posterior_mean_where_there_is_one(draw, pictures, errors):
    values = draw("error_bias", errors=errors)
    assert set(values["label"]) == {"logg", "teff", "m_h", "mag"}
    assert set(values["estimator"]) == set(errors["low_noise"]["bias"])
    row = errors["low_noise"]["bias"]["model"]["logg"][0]
    assert values.iloc[0][["low", "high", "n", "mean"]].tolist() == pytest.approx(
        [row[k] for k in ("low", "high", "n", "mean")]
    )
    assert len(pictures[0].axes) == 4
    words = pictures[0].legends[0].get_texts()[0].get_text()
    assert "Ridge, 800 stars; slope on log g" in words


def test_without_low_noise_stars_the_figure_says_so():
    with pytest.raises(empty.Nothing, match="no low-noise spectrum"):
        error_bias.values({"model": "ridge_full", "full": {}})
