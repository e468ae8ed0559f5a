import numpy as np
import pytest


def test_cells_hold_every_spectrum_once_with_their_error(draw, stars, predictions):
    values = draw("kiel", tested=predictions, labels=stars.set_index("id")[["teff", "logg"]])
    assert values["n"].sum() == len(stars)
    assert set(values["model"]) == {"ridge_full"}, "the first, the best one"
    row = values.loc[values["n"].idxmax()]
    inside = stars["teff"].between(row["teff_low"], row["teff_high"], inclusive="left")
    inside &= stars["logg"].between(row["logg_low"], row["logg_high"], inclusive="left")
    residual = (predictions["ridge_full"]["predicted"] - predictions["ridge_full"]["truth"])[inside]
    assert row["rmse"] == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-5)
    assert row["bias"] == pytest.approx(residual.mean(), rel=1e-4)
