import numpy as np
import pandas as pd


def test_fainter_stars_fall_into_later_bins(draw, members, predictions):
    snr = members.reset_index()[["id", "snr"]].assign(snr_median=1.0)
    labels = pd.DataFrame({"mag": np.linspace(20.5, 22.5, len(members))}, index=members.index)
    values = draw("error_mag", tested=predictions, snr=snr, labels=labels)
    first = values[values["model"] == "ridge_full"]
    assert first["n"].sum() == len(members) - (first["n"].sum() < len(members)), "but for the last star, on an edge"
    assert ((first["middle"] >= first["low"]) & (first["middle"] < first["high"])).all()
    assert first["middle"].is_monotonic_increasing


def test_spectra_without_a_magnitude_say_so(draw, members, predictions):
    snr = members.reset_index()[["id", "snr"]].assign(snr_median=1.0)
    values = draw("error_mag", tested=predictions, snr=snr, labels=pd.DataFrame(index=members.index))
    assert "without a magnitude" in values["reason"][0]
