"""The instrument: published numbers, the reference table, and a second implementation with plain loops."""

import math

import independent
import numpy as np
import pytest
import torch

from logg1m.files import InputError
from logg1m.observe import WAVE, Conditions, snr_per_pixel
from logg1m.observe.pfs import (
    PIXEL_SIZE,
    PfsRedArm,
    encircled_energy,
    extinction_curve,
    hsc_i_band,
    line_spread_operator,
)

RNG = np.random.default_rng(20251222)
RANDOM_CONDITIONS = [
    (*RNG.uniform((15, 0.5, 0, 0), (24, 1.5, 45, 0.65)).round(4).tolist(), int(RNG.integers(1, 40)), 300.0 * (1 + k))
    for k in range(12)
]


def test_encircled_energy_is_the_one_of_the_specification():
    value = encircled_energy(np.array([0.8]), np.array([0.325]), np.array([800.0]))
    assert value.shape == (1, 1)
    assert value[0, 0] == pytest.approx(0.571, abs=5e-4)


def test_encircled_energy_agrees_with_the_loop_at_every_wavelength():
    for seeing, field in ((0.5, 0.0), (0.8, 0.325), (1.0, 0.2), (1.5, 0.65)):
        found = encircled_energy(np.array([seeing]), np.array([field]), WAVE / 10)[0]
        np.testing.assert_allclose(found, independent.encircled_energy(seeing, field, WAVE / 10), rtol=1e-5)


def test_pixels_are_those_of_the_reference_table():
    np.testing.assert_allclose(WAVE, independent.reference_table()[:, 0], atol=1e-5)


def test_electrons_and_sky_at_the_reference_conditions_equal_the_table():
    arm = PfsRedArm(torch.device("cpu"), torch.float64)
    row = Conditions(*(np.array([value]) for value in (20.0, 0.8, 22.5, 0.325, 0.0)))
    electrons, sky = arm.response(row, 900.0)
    table = independent.reference_table()
    np.testing.assert_allclose(electrons[0].numpy(), table[:, 1], rtol=1e-12)
    np.testing.assert_allclose(sky[0].numpy(), table[:, 2], rtol=1e-12)


@pytest.mark.parametrize("condition", RANDOM_CONDITIONS, ids=str)
def test_snr_agrees_with_plain_loops_that_interpolate_nothing(condition):
    mag, seeing, zenith, field, exposures, seconds = condition
    f_nu = np.full(4096, 10 ** (-0.4 * (mag + 48.6)))
    expected = f_nu / independent.error_of_f_nu(f_nu, seeing, zenith, field, exposures, seconds)
    found = snr_per_pixel(mag, seeing, zenith, field, exposures, seconds)
    assert np.abs(found / expected - 1).max() < 2e-5


def test_snr_of_a_bright_star_grows_with_the_root_of_the_total_exposure():
    def snr(n: int, seconds: float) -> np.ndarray:
        return snr_per_pixel(2.0, 0.8, 30.0, 0.3, n, seconds)

    np.testing.assert_allclose(snr(8, 900) / snr(2, 900), 2, rtol=2e-4)
    np.testing.assert_allclose(snr(3, 2700) / snr(3, 300), 3, rtol=2e-4)
    np.testing.assert_allclose(snr(1, 900) / snr_per_pixel(4.5, 0.8, 30.0, 0.3, 1, 900), 10**0.5, rtol=2e-3)


def test_snr_of_a_faint_star_is_proportional_to_its_flux():
    ratio = snr_per_pixel(28.0, 0.8, 30.0, 0.3) / snr_per_pixel(30.5, 0.8, 30.0, 0.3)
    np.testing.assert_allclose(ratio, 10, rtol=2e-3)


def test_snr_of_many_exposures_is_limited_by_the_sky_subtraction_residual():
    f_nu = 10 ** (-0.4 * (21.0 + 48.6))
    conv, sky = independent.response(0.8, 22.5, 0.325, 900.0)
    brightest = np.array([max(sky[max(i - 1, 0) : i + 2]) for i in range(4096)])
    limit = f_nu * conv / (0.01 * brightest * math.sqrt(1.015))
    np.testing.assert_allclose(snr_per_pixel(21.0, 0.8, 22.5, 0.325, 10**9, 900.0), limit, rtol=1e-4)


def test_snr_falls_with_seeing_zenith_angle_field_angle_and_magnitude():
    base = (21.0, 0.8, 20.0, 0.2)
    reference = np.median(snr_per_pixel(*base))
    for column, value in enumerate((21.5, 1.2, 45.0, 0.6)):
        worse = (*base[:column], value, *base[column + 1 :])
        assert np.median(snr_per_pixel(*worse)) < 0.98 * reference


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((21, 0.8, 22.5, 0.66), "field_angle = 0.66 .* expected 0 … 0.65"),
        ((21, 0.8, 80.0, 0.3), "zenith_angle = 80"),
        ((21, 0.0, 22.5, 0.3), "seeing = 0"),
        ((math.nan, 0.8, 22.5, 0.3), "mag = nan"),
        ((21, 0.8, 22.5, 0.3, 0), "at least one exposure"),
        ((21, 0.8, 22.5, 0.3, 12, -1.0), "positive time"),
    ],
)
def test_conditions_that_the_model_does_not_cover_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        snr_per_pixel(*arguments)


def dense_line_spread(grid_wave: np.ndarray, **options: float) -> np.ndarray:
    rows, columns, weights = line_spread_operator(grid_wave, **options)
    dense = np.zeros((4096, len(grid_wave)))
    np.add.at(dense, (rows, columns), weights)
    return dense


@pytest.fixture(scope="module")
def operator(grid) -> np.ndarray:
    return dense_line_spread(grid.wave)


def test_line_spread_keeps_a_constant_and_conserves_the_flux_of_a_line(grid, operator):
    np.testing.assert_allclose(operator.sum(axis=1), 1, atol=1e-12)
    step = grid.wave[1] - grid.wave[0]
    inside = (grid.wave > 7110) & (grid.wave < 8840)
    np.testing.assert_allclose(operator.sum(axis=0)[inside] * PIXEL_SIZE, step, rtol=1e-4)


def test_a_delta_line_ends_with_a_width_of_0_55_angstrom(grid, operator):
    for centre in (7300.0, 8000.13, 8700.07):
        line = np.exp(-0.5 * ((grid.wave - centre) / 0.35) ** 2)  # the grid's own smoothing of a delta line
        pixels = operator @ line
        mean = np.sum(pixels * WAVE) / pixels.sum()
        variance = np.sum(pixels * (WAVE - mean) ** 2) / pixels.sum()
        assert mean == pytest.approx(centre, abs=1e-3)
        assert math.sqrt(variance - PIXEL_SIZE**2 / 12) == pytest.approx(0.55, abs=5e-4)
        assert pixels.sum() * PIXEL_SIZE == pytest.approx(0.35 * math.sqrt(2 * math.pi), rel=1e-4)


def test_extinction_has_the_published_values_and_falls_with_wavelength():
    # Cardelli, Clayton & Mathis (1989), Table 3: A(0.70 µm)/A(V) = 0.751, A(0.90 µm)/A(V) = 0.479
    np.testing.assert_allclose(extinction_curve(np.array([7000.0, 9000.0])), [0.751, 0.479], atol=2e-3)
    assert (np.diff(extinction_curve(WAVE)) < 0).all()


def test_the_band_is_one_falls_linearly_and_ends_inside_the_arm():
    np.testing.assert_allclose(hsc_i_band(np.array([7100.0, 8400.0, 8500.0, 8600.0, 8850.0])), [1, 1, 0.5, 0, 0])
