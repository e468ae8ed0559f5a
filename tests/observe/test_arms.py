"""The arms as tables: published S/N, the formula in plain numpy, and several arms as one spectrum."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.interpolate import CubicSpline

from logg1m.bounds import fisher
from logg1m.config.data import Data, Observation
from logg1m.files import InputError
from logg1m.observe import WAVE, Conditions, Observer, StellarGrid
from logg1m.observe.arms import CONSTANTS, TABLE, Arm, Arms
from logg1m.observe.honest import HonestError
from logg1m.observe.pfs import PfsRedArm
from logg1m.sources.embedded import EmbeddedSource

ANYWHERE = (1000.0, 20000.0)
CPU = torch.device("cpu")


def conditions(seeing=0.8, zenith=22.5, field=0.325, mag=22.0):
    return Conditions(*(np.array([value]) for value in (mag, seeing, zenith, field, 0.0)))


def snr(name, at):
    """Of flat f_ν at 22 AB, 12 × 900 s, (4096,)."""
    arms = Arms((name,), ANYWHERE, CPU, torch.float64)
    electrons, sky = arms.response(at, 900.0)
    counts = electrons * 10 ** (-0.4 * (22.0 + 48.6))
    variance = (arms.background(sky, 12, 900.0) + counts) * arms.poisson
    return (counts * np.sqrt(12) / variance.sqrt())[0].numpy()


@pytest.mark.parametrize(
    ("name", "reference", "elsewhere"), [("b", 8.11, 3.84), ("r", 6.92, 3.42), ("n", 1.62, 0.80), ("m", 4.62, 2.23)]
)
def test_the_median_signal_to_noise_is_the_calculator_s(name, reference, elsewhere):
    assert np.median(snr(name, conditions())) == pytest.approx(reference, abs=0.005)
    assert np.median(snr(name, conditions(1.2, 40.0, 0.6))) == pytest.approx(elsewhere, abs=0.006)


@pytest.mark.parametrize("name", ["b", "r", "n"])
def test_the_noise_is_the_formula_pixel_by_pixel(name):
    table = pd.read_csv(TABLE)
    table = table[table["arm"] == name]
    conv, sky = table["electrons_per_fnu_cgs"].to_numpy(), table["sky_electrons"].to_numpy()
    a, q, dark = {"b": (0.752, 1.0, 2e-4), "r": (0.722, 1.0, 1e-4), "n": (2.694, 1.2, 1e-2)}[name]
    around = np.pad(sky, 1)
    brightest = np.max([around[:-2], around[1:-1], around[2:]], axis=0)
    noise = a * (q * sky + 1e-4 * 12 * brightest**2 + 0.02 * sky.mean() * 0.75 * q + 5 * (dark * 900 * q + 16))
    counts = conv * 10 ** (-0.4 * 70.6)
    np.testing.assert_allclose(snr(name, conditions()), counts * np.sqrt(12) / np.sqrt(q * counts + noise), rtol=1e-9)


def test_arm_m_among_the_arms_is_the_red_arm(grid):
    one, other = PfsRedArm(CPU, torch.float64), Arms(("m",), ANYWHERE, CPU, torch.float64)
    at = conditions(1.1, 40.0, 0.5)
    for ours, theirs in zip(other.response(at, 600.0), one.response(at, 600.0)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    sky = one.response(at, 600.0)[1]
    np.testing.assert_allclose(other.background(sky, 7, 600.0, 0.003), one.background(sky, 7, 600.0, 0.003), rtol=1e-9)


def test_tables_are_whole_and_their_constants_those_of_the_arm():
    for name, (low, high, pixel) in {
        "b": (3800, 6500, 0.65918),
        "r": (6300, 9700, 0.830078),
        "n": (9400, 12600, 0.78125),
    }.items():
        arm = Arm.read(name)
        assert arm.pixel == pytest.approx(pixel)
        np.testing.assert_allclose(arm.wave, low + (np.arange(4096) + 0.5) * (high - low) / 4096, atol=1e-4)
        assert (arm.electrons > 0).all()
        assert (arm.sky > 0).all()
    assert set(CONSTANTS) == {"b", "r", "m", "n"}
    with pytest.raises(InputError, match="no arm 'x'"):
        Arm.read("x")


@pytest.fixture(scope="module")
def wide():
    """A grid that reaches all arms: Gaussian lines whose depths depend on log g and [M/H], on a slope that depends on Teff."""
    wave = 3700 + 0.2 * np.arange(45501)
    nodes = {
        "teff": [4000.0, 5000.0, 6000.0],
        "logg": [1.0, 3.0, 5.0],
        "m_h": [-1.0, 0.0],
        "a_m": [0.0, 0.4],
        "c_m": [-0.5, 0.0],
    }
    lines = np.random.default_rng(4).uniform(3750, 12750, (3, 400))
    shapes = [np.exp(-0.5 * ((wave[:, None] - part) / 0.6) ** 2).sum(axis=1) for part in np.array_split(lines[0], 2)]
    components = np.stack([(wave - 8000) / 4000, -shapes[0], -shapes[1], np.cos(wave / 9), np.sin(wave / 7)]).astype(
        np.float32
    )
    axes = {name: np.array(values) for name, values in nodes.items()}
    mesh = np.stack(np.meshgrid(*axes.values(), indexing="ij"), axis=-1)
    coefficients = (mesh - [5000, 3, 0, 0, 0]) / [3000, 10, 3, 10, 10]
    return StellarGrid(axes, wave, np.zeros(len(wave), np.float32), components, coefficients.astype(np.float32))


LABELS = np.array([[5200.0, 2.5, -0.4, 0.1, -0.2], [4500.0, 4.0, -0.6, 0.3, -0.1]])


MADE = {}


def of(arms, grid):
    key = (*arms, len(grid.wave))
    if key not in MADE:
        MADE[key] = Observer(grid, Observation(arms=arms), dtype=torch.float64)
    return MADE[key]


def many(at, n):
    return at[np.zeros(n, dtype=int)]


def test_arms_side_by_side_are_one_spectrum_with_one_normalisation(wide):
    together, alone = of(("b", "m", "n"), wide), of(("m",), wide)
    at = many(conditions(1.0, 30.0, 0.2, 20.0), 2)
    seen = together.jacobian(LABELS, at)
    assert seen.flux.shape == (2, 3 * 4096)
    np.testing.assert_allclose(np.median(seen.flux, axis=1), 0.5)
    assert (np.diff(together.wave)[[4095, 8191]] > 0).all()
    red = alone.observe(LABELS, at)
    part = slice(4096, 8192)
    ratio = seen.flux[:, part] / red.flux
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-9)
    # signal-to-noise of a pixel knows nothing of the normalisation, nor of the other arms
    np.testing.assert_allclose(seen.flux[:, part] / seen.error[:, part], red.flux / red.error, rtol=1e-6)


def test_information_of_arms_adds_up(wide):
    """With one normalisation, of the arms together: sums over the pixels of each."""
    together = of(("b", "m", "n"), wide)
    at = many(conditions(mag=20.0), 2)
    seen = together.jacobian(LABELS, at)
    d, error = seen.d_flux.numpy(), seen.error.numpy()
    parts = [
        fisher.fisher_information(d[:, :, together.arm.owner == k], error[:, together.arm.owner == k]) for k in range(3)
    ]
    np.testing.assert_allclose(sum(parts), fisher.fisher_information(d, error), rtol=1e-9)


@pytest.mark.slow
def test_derivatives_of_all_arms_are_those_of_finite_differences(wide):
    together, at = of(("b", "r", "n"), wide), conditions(mag=19.0)
    exact = together.jacobian(LABELS[:1], at)
    for k, step in enumerate((1e-3, 1e-6, 1e-6)):
        up, down = LABELS[:1].copy(), LABELS[:1].copy()
        up[0, k] += step
        down[0, k] -= step
        high, low = (together.observe(labels, at) for labels in (up, down))
        slope = (high.flux - low.flux).numpy() / (2 * step)
        np.testing.assert_allclose(exact.d_flux[:, k], slope, atol=1e-5 * np.abs(slope).max())
        noise = np.log(high.error / low.error).numpy() / (2 * step)
        np.testing.assert_allclose(exact.d_ln_error[:, k], noise, atol=1e-5 * np.abs(noise).max())


def test_pixels_average_the_spectrum_over_the_line_spread_of_their_arm(wide):
    """Plain quadrature on a spline of the model, at pixels of arm r."""
    observer, arm = of(("r",), wide), Arm.read("r")
    coefficients = observer.interpolator.coefficients(torch.as_tensor(LABELS[:1])).numpy()[0]
    model = CubicSpline(wide.wave, np.exp(wide.mean + coefficients @ wide.components))
    flux = observer.flux(LABELS[:1], np.zeros(1)).numpy()[0]
    found, expected = [], []
    for pixel in (100, 1500, 2500, 4000):
        sigma = np.sqrt(arm.line_spread[pixel] ** 2 - 0.35**2)
        inside = arm.wave[pixel] + (np.arange(41) / 40 - 0.5) * arm.pixel
        away = np.linspace(-6, 6, 241) * sigma
        kernel = np.exp(-0.5 * (away / sigma) ** 2)
        values = (model(inside[:, None] + away) * kernel).sum(axis=1) / kernel.sum()
        expected.append(np.trapezoid(values, inside) / arm.pixel)
        found.append(flux[pixel])
    ratio = np.array(found) / expected
    np.testing.assert_allclose(ratio, ratio[0], rtol=2e-3)


def test_pixels_that_a_grid_does_not_reach_are_left_out(grid):
    red = of(("r",), grid)
    assert 7095 < red.wave[0] < 7110
    assert 8840 < red.wave[-1] < 8855
    assert len(red.wave) % 2 == 0
    seen = red.observe(LABELS, many(conditions(mag=20.5), 2))
    np.testing.assert_allclose(np.median(seen.flux, axis=1), 0.5)
    with pytest.raises(InputError, match="arm b covers 3800"):
        of(("b", "m"), grid)


def test_by_default_there_is_arm_m_alone_and_nothing_says_so(grid):
    assert "arms" not in Observation().described()
    assert Observation(arms=("r",)).described()["arms"] == ["r"]
    for arms in (("b",), ("r", "m"), ("m", "m"), ()):
        with pytest.raises(ValueError, match="arms"):
            Observation(arms=arms)
    source = EmbeddedSource(Data(n_spectra=10, observation=Observation(arms=("r",), bad_pixels=0.1)), 1, grid=grid)
    block = source.read(0, 4)
    assert block.arrays["flux"].shape == block.arrays["mask"].shape == (4, len(source.wave))
    assert (
        source.describe()["instrument_sha256"] != EmbeddedSource(Data(), 1, grid=grid).describe()["instrument_sha256"]
    )
    assert len(source.wave) != len(WAVE)
    with pytest.raises(InputError, match="arm m alone"):
        HonestError(Observation(arms=("r",)), CPU)
