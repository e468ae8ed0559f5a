import pytest

from logg1m.figures import empty, error_cells


@pytest.mark.slow
def test_the_cells_are_those_of_the_artifact(draw, pictures, errors):
    values = draw("error_cells", errors=errors)
    assert len(values) == len(errors["low_noise"]["cells"])
    assert values["n_model"].sum() == 800
    panels = [axis for axis in pictures[0].axes if axis.get_xlabel() == "Teff, K"]
    assert len(panels) == (2 if "n_bayes" in values else 1)
    assert "Ridge, 800 stars" in panels[0].get_title(loc="left")
    poor = errors["low_noise"]["metal_poor"]["model"]["share_of_stars"]["value"]
    assert f"{100 * poor:.0f} % of stars" in panels[0].get_title(loc="left")


def test_without_low_noise_stars_the_figure_says_so():
    with pytest.raises(empty.Nothing, match="no low-noise spectrum"):
        error_cells.values({"model": "ridge_full", "full": {}})
