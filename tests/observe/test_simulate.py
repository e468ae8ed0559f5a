"""Observed spectra and derivatives against independent evaluations, finite differences and closed forms."""

import math
from dataclasses import replace

import independent
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from logg1m.config.data import Observation
from logg1m.files import InputError
from logg1m.observe import LABELS, WAVE, Conditions, Observer
from logg1m.observe.pfs import extinction_curve
from logg1m.observe.simulate import _median, _median_and_pixels

KM_S = 299792.458
STEPS = (1e-2, 1e-5, 1e-5, 1e-5, 1e-5)  # K and dex, of the central differences


def drawn(grid, n: int, seed: int, redshift: float = 0.0) -> tuple[np.ndarray, Conditions]:
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.uniform(nodes[0], nodes[-1], n) for nodes in grid.axes.values()], axis=1)
    mag, seeing = rng.uniform(20.5, 22.5, n), rng.uniform(0.5, 1.5, n)
    zenith, field = rng.uniform(0, 45, n), rng.uniform(0, 0.65, n)
    return labels, Conditions(mag, seeing, zenith, field, np.full(n, redshift))


def expected_f_lambda(grid, labels: np.ndarray, mag: float, redshift: float) -> np.ndarray:
    """Physical flux (erg/s/cm²/Å) by the independent path, scaled by a synthetic magnitude of its own."""
    model = independent.stellar_flux(grid.axes, grid.coefficients, grid.mean, grid.components, labels)
    shape = independent.line_spread(grid.wave, model, redshift)
    band = np.interp(WAVE, [7100, 8400, 8600], [1, 1, 0], right=0)
    mean_f_nu = np.sum(shape * WAVE * band) / (independent.LIGHT * np.sum(band / WAVE))
    return shape * 10 ** (-0.4 * (mag + 48.6)) / mean_f_nu


@pytest.mark.parametrize("redshift", [0.0, 420 / KM_S, -420 / KM_S])
def test_flux_error_and_scale_agree_with_an_independent_evaluation(grid, observer64, redshift):
    labels, conditions = drawn(grid, 4, seed=5, redshift=redshift)
    seen = observer64.observe(labels, conditions)
    for row in range(len(labels)):
        c = conditions[slice(row, row + 1)]
        physical = expected_f_lambda(grid, labels[row], c.mag[0], redshift)
        scale = np.median(physical) / 0.5
        # Redshift is applied by four-point interpolation on the 0.2 Å grid: up to 2e-4 in the cores of strong lines.
        difference = np.abs(seen.flux[row].numpy() * seen.flux_scale[row].item() / physical - 1)
        assert difference.max() < (1e-6 if redshift == 0 else 3e-4)
        assert np.median(difference) < (1e-7 if redshift == 0 else 2e-5)
        assert seen.flux_scale[row].item() == pytest.approx(scale, rel=1e-6 if redshift == 0 else 5e-5)
        f_nu = physical * WAVE**2 / independent.LIGHT
        sigma = independent.error_of_f_nu(f_nu, c.seeing[0], c.zenith_angle[0], c.field_angle[0], 12, 900.0)
        expected = sigma * independent.LIGHT / WAVE**2 / scale
        assert np.abs(seen.error[row].numpy() / expected - 1).max() < 2e-4


def test_float32_agrees_with_float64(grid, observer64):
    labels, conditions = drawn(grid, 50, seed=6)
    single, double = Observer(grid, Observation()).observe(labels, conditions), observer64.observe(labels, conditions)
    for name in ("flux", "error", "flux_scale"):
        a, b = getattr(single, name).double(), getattr(double, name)
        assert ((a / b - 1).abs().max()) < 3e-5


def test_the_median_of_the_normalised_flux_is_one_half(grid, observer64):
    seen = observer64.observe(*drawn(grid, 200, seed=7))
    np.testing.assert_allclose(np.median(seen.flux.numpy(), axis=1), 0.5, rtol=1e-12)


def test_the_synthetic_magnitude_comes_back(grid, observer64):
    labels, conditions = drawn(grid, 50, seed=8)
    seen = observer64.observe(labels, conditions)
    f_lambda = (seen.flux * seen.flux_scale[:, None]).numpy()
    band = np.interp(WAVE, [7100, 8400, 8600], [1, 1, 0], right=0)
    f_nu = (f_lambda * WAVE * band).sum(axis=1) / (independent.LIGHT * (band / WAVE).sum())
    np.testing.assert_allclose(-2.5 * np.log10(f_nu) - 48.6, conditions.mag, atol=1e-10)


def one_star(redshift: float = 0.0, **changes: float) -> tuple[np.ndarray, Conditions]:
    labels = dict(zip(LABELS, (4600.0, 2.6, -0.8, 0.15, -0.1)))
    row = {"mag": 21.0, "seeing": 0.8, "zenith_angle": 22.5, "field_angle": 0.325, "redshift": redshift}
    for name, value in changes.items():
        (labels if name in labels else row)[name] = value
    return np.array([list(labels.values())]), Conditions(**{k: np.array([float(v)]) for k, v in row.items()})


@pytest.mark.parametrize("km_s", [550.0, 200.0, -550.0])
def test_redshift_moves_lines_by_z_times_their_wavelength(observer64, km_s):
    rest = observer64.observe(*one_star()).flux[0].numpy()
    moved = observer64.observe(*one_star(redshift=km_s / KM_S)).flux[0].numpy()
    for line in (8544.4, 8664.5):  # Ca II, vacuum
        at, region = [], (line, line * (1 + km_s / KM_S))
        for flux, centre in zip((rest, moved), region):
            near = np.abs(WAVE - centre) < 6
            depth = flux[near].max() - flux[near]
            at.append(np.sum(depth**4 * WAVE[near]) / np.sum(depth**4))
        assert at[1] - at[0] == pytest.approx(line * km_s / KM_S, abs=0.06)


def test_a_redshift_beyond_the_margin_of_the_grid_is_refused(observer64):
    for km_s in (600.0, -600.0):
        with pytest.raises(InputError, match="leaves the wavelength margin of the grid"):
            observer64.observe(*one_star(redshift=km_s / KM_S))


def test_extinction_reddens_by_the_extinction_curve(grid, observer64):
    a_v = 1.5
    reddened = Observer(grid, Observation(extinction_av=a_v), dtype=torch.float64).observe(*one_star()).flux[0]
    ratio = (reddened / observer64.observe(*one_star()).flux[0]).numpy()
    assert (np.diff(ratio[::64]) > 0).all()
    expected = 10 ** (-0.4 * a_v * extinction_curve(WAVE))
    np.testing.assert_allclose(ratio / ratio[2048], expected / expected[2048], rtol=3e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teff": 3749.9}, "label teff = 3749.9 K of spectrum 0 is outside the grid: expected 3750 … 6000"),
        ({"c_m": 0.01}, "label c_m"),
        ({"logg": math.nan}, "label logg = nan"),
        ({"redshift": math.nan}, "redshift = nan"),
        ({"mag": math.nan}, "mag = nan"),
        ({"seeing": -0.8}, "seeing = -0.8"),
        ({"field_angle": 0.7}, "field_angle = 0.7"),
    ],
)
def test_what_cannot_be_observed_is_refused(observer64, changes, message):
    for method in (observer64.observe, observer64.jacobian):
        with pytest.raises(InputError, match=message):
            method(*one_star(**changes))


def test_zero_rows_and_wrong_shapes_are_refused(observer64):
    labels, conditions = one_star()
    nobody = np.array([], dtype=int)
    with pytest.raises(InputError, match="no spectra asked for"):
        observer64.observe(labels[:0], conditions[nobody])
    for bad in (labels[:, :4], labels[0], np.repeat(labels, 2, axis=0)):
        with pytest.raises(InputError, match=r"labels must be \(1, 5\)"):
            observer64.observe(bad, conditions)


def stars_on_and_off_the_knots(grid) -> tuple[np.ndarray, Conditions]:
    labels, conditions = drawn(grid, 8, seed=9, redshift=150 / KM_S)
    for row, (name, index) in enumerate((("teff", 5), ("logg", 4), ("m_h", 3), ("a_m", 1), ("c_m", 1))):
        labels[row, row] = grid.axes[name][index]  # on a knot, where the splines' third derivative jumps
    return labels, conditions


@pytest.mark.parametrize("label", range(5), ids=LABELS)
@pytest.mark.parametrize("extinction_av", [0.0, 0.7])
def test_derivatives_agree_with_central_finite_differences(grid, label, extinction_av):
    observer = Observer(grid, Observation(extinction_av=extinction_av), dtype=torch.float64)
    labels, conditions = stars_on_and_off_the_knots(grid)
    jacobian = observer.jacobian(labels, conditions)
    step = np.zeros(5)
    step[label] = STEPS[label]
    up, down = observer.observe(labels + step, conditions), observer.observe(labels - step, conditions)
    d_flux = (up.flux - down.flux) / (2 * STEPS[label])
    d_ln_error = (up.error.log() - down.error.log()) / (2 * STEPS[label])
    for found, expected in ((jacobian.d_flux, d_flux), (jacobian.d_ln_error, d_ln_error)):
        largest = expected.abs().amax(dim=1, keepdim=True)
        assert largest.min() > 0
        assert ((found[:, label] - expected).abs() / largest).max() < 2e-6


def test_flux_and_jacobian_carry_the_same_spectra_as_observe(grid, observer64):
    labels, conditions = drawn(grid, 5, seed=10, redshift=1e-4)
    seen, jacobian = observer64.observe(labels, conditions), observer64.jacobian(labels, conditions)
    assert torch.equal(seen.flux, jacobian.flux)
    assert torch.equal(seen.error, jacobian.error)
    assert torch.equal(seen.flux, observer64.flux(labels, conditions.redshift))


@given(seed=st.integers(0, 10**6), ties=st.booleans())
def test_the_median_and_its_pixels_are_those_of_numpy(seed, ties):
    values = np.random.default_rng(seed).normal(size=(20, 12))
    if ties:
        values = values.round(0)
    median, pixels = _median_and_pixels(torch.tensor(values))
    np.testing.assert_array_equal(median.numpy(), np.median(values, axis=1))
    assert torch.equal(_median(torch.tensor(values)), median)
    middle = np.take_along_axis(values, pixels.numpy(), axis=1)
    np.testing.assert_array_equal(np.sort(middle, axis=1), np.sort(values, axis=1)[:, 5:7])


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 300), pick=st.lists(st.integers(0, 299), min_size=1, max_size=20))
def test_a_spectrum_does_not_depend_on_its_batch_and_is_positive_and_finite(grid, seed, n, pick):
    observer = Observer(grid, Observation())
    labels, conditions = drawn(grid, n, seed, redshift=(seed % 3 - 1) * 1e-3)
    whole = observer.observe(labels, conditions)
    rows = np.array(pick) % n
    some = observer.observe(labels[rows], conditions[rows])
    for name in ("flux", "error", "flux_scale"):
        assert torch.equal(getattr(some, name), getattr(whole, name)[rows])
        assert torch.isfinite(getattr(whole, name)).all()
        assert (getattr(whole, name) > 0).all()


@settings(max_examples=20)
@given(corner=st.tuples(*[st.booleans()] * 5), mag=st.floats(5, 30), field=st.sampled_from([0.0, 0.65]))
def test_the_corners_of_the_grid_give_positive_finite_spectra(grid, observer64, corner, mag, field):
    labels = np.array([[nodes[-1 if high else 0] for nodes, high in zip(grid.axes.values(), corner)]])
    seen = observer64.observe(labels, replace(one_star(field_angle=field)[1], mag=np.array([mag])))
    for values in (seen.flux, seen.error, seen.flux_scale):
        assert torch.isfinite(values).all()
        assert (values > 0).all()


def test_the_population_has_the_signal_to_noise_of_the_published_data_set(small_store):
    flux = np.concatenate([small_store.read(chunk, "flux") for chunk in range(small_store.n_chunks)])[:2000]
    error = np.concatenate([small_store.read(chunk, "error") for chunk in range(small_store.n_chunks)])[:2000]
    bright_pixels = np.percentile(flux / error, 95, axis=1)
    np.testing.assert_allclose(np.percentile(bright_pixels, [5, 50, 95]), [3.7, 8.2, 17.2], rtol=0.08)
    snr = np.linalg.norm(flux, axis=1) / np.linalg.norm(error, axis=1)
    assert 2.7 < np.median(snr) < 3.0
    assert snr.min() > 0.8
    assert snr.max() < 9.5
