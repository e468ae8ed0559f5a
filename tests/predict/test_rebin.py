"""Rebinning against closed forms: pixel means of Gaussian lines, and noise counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from logg1m.observe import WAVE
from logg1m.predict.rebin import Rebinning, edges_of

LINES = np.linspace(7_120, 8_830, 140)


def pixel_means(wave: np.ndarray) -> np.ndarray:
    """Of a continuum of 1 with lines of depth 0.4 and the instrument's σ 0.55 Å, in closed form."""
    sigma, edges = 0.55, edges_of(wave)
    lines = 0.4 * sigma * np.sqrt(np.pi / 2) * erf((edges[:, None] - LINES) / (sigma * np.sqrt(2)))
    integral = edges - lines.sum(axis=1)
    return np.diff(integral) / np.diff(edges)


@pytest.mark.parametrize(
    ("wave", "tolerance"),
    [
        (7_080 + 0.45 * np.arange(3_960), 1e-3),
        (7_080 + 0.20 * np.arange(8_900), 1e-6),
        (np.concatenate([6_500 + 0.8 * np.arange(725), 7_080 + 0.45 * np.arange(3_960)]), 1e-3),
        (7_080 * np.exp(5e-5 * np.arange(4_600)), 1e-3),  # equal steps of velocity
    ],
)
def test_lines_keep_their_shape(wave, tolerance):
    out = Rebinning.between(wave, WAVE).flux(pixel_means(wave)[None])[0]
    assert np.abs(out - pixel_means(WAVE)).max() < tolerance


def test_it_blurs_far_less_than_the_mean_over_what_overlaps():
    wave = 7_080 + 0.45 * np.arange(3_960)
    binning, values = Rebinning.between(wave, WAVE), pixel_means(7_080 + 0.45 * np.arange(3_960))
    overlap = binning.share @ values
    off = [np.sqrt(np.mean((found - pixel_means(WAVE)) ** 2)) for found in (binning.flux(values[None])[0], overlap)]
    assert off[0] < off[1] / 5


def test_it_swings_neither_at_the_ends_nor_where_pixels_change_their_width():
    """Noise grows nowhere by much, though the polynomial is high: there it is a lower one."""
    narrow, wide = 7_101 + 0.45 * np.arange(1_900), 7_956 + 0.9 * np.arange(990)
    for scale in (7_101 + 0.45 * np.arange(3_880), np.concatenate([narrow, wide])):
        binning = Rebinning.between(scale, WAVE)
        assert binning.variance(np.ones((1, len(scale))))[0][binning.covered].max() < 2


def test_the_same_pixels_come_out_as_they_are():
    values = np.random.default_rng(0).normal(size=(2, len(WAVE)))
    binning = Rebinning.between(WAVE, WAVE)
    np.testing.assert_allclose(binning.flux(values), values, atol=1e-6)
    assert binning.covered.all()


@given(st.integers(0, 10_000), st.floats(0.1, 0.8))
def test_flux_is_conserved_over_any_stretch_between_common_edges(seed, step):
    rng = np.random.default_rng(seed)
    wave = 7_000 + step * np.arange(int(2_000 / step))
    values = 1 + rng.normal(size=(1, len(wave)))
    binning = Rebinning.between(wave, WAVE)
    got = binning.flux(values)[0].sum() * binning.step
    edges, target = edges_of(wave), edges_of(WAVE)
    cumulative = np.concatenate([[0], np.cumsum(values[0] * np.diff(edges))])
    whole = np.diff(np.interp(target[[0, -1]], edges, cumulative))[0]
    # at the two ends the integral is interpolated; inside everything cancels
    assert abs(got - whole) < 3 * step * np.abs(values).max()


def test_noise_goes_through_by_the_weights():
    rng = np.random.default_rng(1)
    wave = 7_080 + 0.45 * np.arange(3_960)
    binning = Rebinning.between(wave, WAVE)
    noise = binning.flux(rng.normal(size=(400, len(wave))))
    np.testing.assert_allclose(noise.var(axis=0).mean(), binning.variance(np.ones((1, len(wave))))[0].mean(), rtol=0.01)


def test_the_error_is_that_of_wide_features():
    """A sum over 100 pixels scatters as independent noise with the error that is stated."""
    rng = np.random.default_rng(2)
    wave = 7_080 + 0.45 * np.arange(3_960)
    binning = Rebinning.between(wave, WAVE)
    sums = binning.flux(rng.normal(size=(2_000, len(wave))))[:, 500:600].sum(axis=1)
    stated = np.sqrt((binning.error(np.ones((1, len(wave))))[0, 500:600] ** 2).sum())
    assert abs(sums.std() / stated - 1) < 0.06


def test_covariances_of_neighbours_count():
    """Noise that is smoothed over neighbours: what adds up is the same as before, and the covariance says so."""
    wave = 7_080 + 0.45 * np.arange(3_960)
    binning = Rebinning.between(wave, WAVE)
    white = binning.error(np.ones((1, len(wave))))
    smoothed = np.full((1, len(wave)), 0.25**2 * 2 + 0.5**2)  # (1, 2, 1)/4
    next_one, next_but_one = 2 * 0.25 * 0.5, 0.25**2
    covariance = np.stack([np.full(len(wave), next_one), np.full(len(wave), next_but_one)])[None]
    inner = slice(20, -20)
    np.testing.assert_allclose(binning.error(smoothed, covariance)[:, inner], white[:, inner], rtol=1e-6)


def test_a_masked_pixel_spoils_what_lies_in_it_and_nothing_else():
    wave = 7_080 + 0.45 * np.arange(3_960)
    mask = np.zeros((1, len(wave)), dtype=bool)
    mask[0, 1_000] = True
    bad = Rebinning.between(wave, WAVE).bad(mask)[0]
    assert set(np.flatnonzero(bad)) == set(np.flatnonzero(np.abs(WAVE - wave[1_000]) < (0.45 + 0.427) / 2 - 0.01))


def test_pixels_beyond_the_input_are_not_covered():
    binning = Rebinning.between(7_300 + 0.45 * np.arange(3_000), WAVE)
    np.testing.assert_array_equal(
        binning.covered, (WAVE - binning.step / 2 > 7_299.775) & (WAVE + binning.step / 2 < 8_649.775)
    )
