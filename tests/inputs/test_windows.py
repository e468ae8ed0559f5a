"""Windows on lines and on peaks of the sensitivity, and masks of pixels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logg1m.files import InputError
from logg1m.inputs.windows import line_windows, peak_windows, pixel_mask, width_angstrom, windows
from logg1m.observe.pfs import PIXEL_SIZE

WAVE = 7100.0 + PIXEL_SIZE * np.arange(4096)
CA_II = 8544.44  # vacuum Å of the strongest line of the triplet


def peaks(*positions: tuple[float, float]) -> np.ndarray:
    """A sensitivity curve with a Gaussian peak of each (wavelength, height)."""
    return sum(height * np.exp(-0.5 * ((WAVE - at) / 2) ** 2) for at, height in positions)


def test_line_windows_cover_the_listed_features_in_vacuum():
    inside, rows = line_windows(WAVE)
    triplet = [row for row in rows if row["name"].startswith("Ca II")]
    assert len(triplet) == 3
    for row in triplet:
        assert row["vacuum"] > row["air"] + 2
        near = np.abs(WAVE - row["vacuum"]) <= row["half_width"]
        assert inside[near].all()
    assert inside[np.argmin(np.abs(WAVE - CA_II))]
    covered = np.zeros(len(WAVE), dtype=bool)
    for row in rows:
        if row["status"] == "used":
            covered |= np.abs(WAVE - row["vacuum"]) <= row["half_width"] + 0.01
    assert not (inside & ~covered).any()


def test_feature_outside_the_arm_is_reported_and_opens_no_pixel():
    _, rows = line_windows(WAVE)
    h_alpha = [row for row in rows if not 7100 < row["vacuum"] < 8850]
    assert [row["air"] for row in h_alpha] == [pytest.approx(6563, abs=1)]
    assert h_alpha[0]["status"].startswith("out of range (7100–")


def test_peak_windows_open_around_the_highest_peaks_in_their_order():
    curve = peaks((7300, 1.0), (CA_II, 3.0), (8000, 2.0))
    inside, rows = peak_windows(WAVE, curve, 2)
    assert [row["vacuum"] for row in rows] == pytest.approx([CA_II, 8000], abs=0.5)
    assert rows[0]["name"].startswith("Ca II")
    assert rows[1]["name"] == "8000 Å" or "TiO" in rows[1]["name"]
    assert inside[np.abs(WAVE - 8000) < 14].all()
    assert not inside[np.abs(WAVE - 7300) < 14].any()


@given(st.integers(1, 20), st.integers(0, 1000))
def test_peaks_are_apart_and_more_of_them_see_more(count, seed):
    curve = np.random.default_rng(seed).random(len(WAVE))
    inside, rows = peak_windows(WAVE, curve, count)
    at = np.sort([row["vacuum"] for row in rows])
    assert len(rows) == count
    assert (np.diff(at) > 14.9).all()
    more, _ = peak_windows(WAVE, curve, count + 1)
    assert (more | ~inside).all()
    assert more.sum() > inside.sum()
    assert width_angstrom(inside) <= count * 31


def test_settings_choose_among_full_lines_and_peaks():
    curve = pd.DataFrame({"exact_marginalised": peaks((8000, 1.0)), "local_linear_marginalised": peaks((7500, 1.0))})
    assert windows("full", WAVE, None)[0].all()
    np.testing.assert_array_equal(windows("lines", WAVE, None)[0], line_windows(WAVE)[0])
    assert windows("top_5", WAVE, curve)[1][0]["vacuum"] == pytest.approx(8000, abs=0.5)
    fallback = windows("top_5", WAVE, curve[["local_linear_marginalised"]])
    assert fallback[1][0]["vacuum"] == pytest.approx(7500, abs=0.5)
    with pytest.raises(InputError, match="windows = 'top_5' needs the sensitivity curve"):
        windows("top_5", WAVE, None)


@pytest.mark.parametrize("percent", [1, 5, 10])
def test_error_mask_hides_the_noisiest_pixels_and_the_random_one_as_many(percent):
    error = np.random.default_rng(1).random(4096)
    noisiest, random = pixel_mask(f"error_{percent}", error, 3), pixel_mask(f"random_{percent}", error, 3)
    assert noisiest.sum() == random.sum() == round(40.96 * percent)
    assert error[noisiest].min() > error[~noisiest].max()
    assert abs(error[random].mean() - 0.5) < 0.15
    np.testing.assert_array_equal(random, pixel_mask(f"random_{percent}", error[::-1], 3))
    assert not np.array_equal(random, pixel_mask(f"random_{percent}", error, 4))


def test_no_mask_hides_nothing():
    assert not pixel_mask("none", np.ones(4096), 3).any()


def test_width_counts_the_visible_pixels_in_angstrom():
    assert width_angstrom(np.arange(4096) < 100) == pytest.approx(100 * PIXEL_SIZE)
