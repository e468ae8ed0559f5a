"""Levers: closed forms on linear toys, and the same bounds by other ways."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m.bounds import fisher
from logg1m.config.bounds import Bootstrap
from logg1m.config.conditions import Nuisances
from logg1m.config.data import Data, Observation
from logg1m.config.forecast import Forecast
from logg1m.forecast import stars
from logg1m.forecast.levers import FACTORS, Lever, Levers, gains, prior_information
from logg1m.forecast.line_spread import by_width, normalised
from logg1m.forecast.make import levers_part
from logg1m.forecast.scene import Scene, Setting, bounds, moved_to_blue
from logg1m.observe import LABELS, WAVE, Observer
from logg1m.observe.pfs import line_spread_operator
from logg1m.observe.survey import Columns

RANGES = fisher.prior_ranges(Data().priors.model_dump())
BOOTSTRAP = Bootstrap(resamples=200)
CONFIG = Forecast(lever_stars=6)
IDEAL = Nuisances()
CLUMP = stars.labels_of(stars.STARS[3:6])


def levers_of(observer, nuisances=IDEAL):
    scene = Scene.of(observer, CLUMP, Columns(nuisances, WAVE))
    conditions = Setting(21, 12).conditions()[np.zeros(len(CLUMP), dtype=int)]
    return Levers(scene, conditions, nuisances, 12, RANGES, 1e10)


@pytest.fixture(scope="module")
def levers(observer64):
    return levers_of(observer64)


def test_a_prior_on_a_label_is_the_closed_form_of_a_linear_toy():
    """Two labels, F = [[a, c], [c, b]]: 1/σ² = a − c²/(b + 1/s²)."""
    a, b, c, s = 30.0, 2e-4, 0.06, 50.0
    toy = np.zeros((1, 5, 5))
    g, t = LABELS.index("logg"), LABELS.index("teff")
    toy[0, g, g], toy[0, t, t], toy[0, g, t], toy[0, t, g] = a, b, c, c
    ranges = dict.fromkeys(LABELS, 0.0) | {"logg": 4.0, "teff": 2250.0}
    for known, added in (({}, 0.0), ({"teff": s}, 1 / s**2)):
        table = bounds(toy + prior_information(known), ranges, 1e8)
        assert table["bound"][0] ** -2 == pytest.approx(a - c**2 / (b + added), rel=1e-9)
        with_prior = (a + 12 / 16) - c**2 / (b + 12 / 2250**2 + added)
        assert table["posterior"][0] ** -2 == pytest.approx(with_prior, rel=1e-9)


def test_a_gain_is_said_as_the_exposure_time_that_brings_it():
    """σ² = floor + own/f of every star: a lever that leaves floor + own/4 is worth four times the exposure."""
    own, floor = np.array([0.3, 0.5, 0.1, 0.9]), 0.01
    curve = floor + own[:, None] / np.array(FACTORS)
    base = pd.DataFrame({"bound": np.sqrt(floor + own), "posterior": np.sqrt(floor + own)})
    for factor, tolerance in ((4.0, 1e-9), (3.0, 0.02), (0.5, 1e-9)):
        sigma = np.sqrt(floor + own / factor)
        lever = Lever("x", "toy", "a toy", pd.DataFrame({"bound": sigma, "posterior": sigma}))
        found = gains(lever, base, curve, 4.0, BOOTSTRAP, 1)
        assert found["exposure"]["value"] == pytest.approx(factor, rel=tolerance)
        change = (own / factor - own).mean()
        assert found["mse"]["value"] == pytest.approx(change, rel=1e-6)
        assert found["r2"]["value"] == pytest.approx(-change / 4, rel=1e-6)
        low, high = found["r2"]["ci95"]
        assert low < found["r2"]["value"] < high
        assert not found["beyond"]
    sigma = np.full(4, np.sqrt(floor / 2))
    lever = Lever("x", "toy", "a toy", pd.DataFrame({"bound": sigma, "posterior": sigma}))
    assert gains(lever, base, curve, 4.0, BOOTSTRAP, 1)["beyond"]


def test_bounds_that_failed_are_left_out_of_the_change_of_the_median():
    base = pd.DataFrame({"bound": [0.5, np.nan, 0.3], "posterior": [0.4, 1.0, 0.3]})
    lever = Lever("x", "toy", "a toy", base / 2)
    curve = np.square(base["posterior"].to_numpy())[:, None] / np.array((*FACTORS[:-1], 1e9))
    assert gains(lever, base, curve, 1.0, BOOTSTRAP, 1)["sigma"]["value"] == pytest.approx(-0.15)
    nothing = Lever("x", "toy", "a toy", base.assign(bound=np.nan))
    assert np.isnan(gains(nothing, base, curve, 1.0, BOOTSTRAP, 1)["sigma"]["value"])


def test_a_window_that_is_left_out_is_a_window_that_is_masked(levers):
    found = {lever.key: lever.sigma for lever in levers.windows(100.0)}
    assert len(found) == 2 * 18
    for key, inside in (
        ("without_8500", lambda w: (w < 8500) | (w >= 8600)),
        ("only_8500", lambda w: (w >= 8500) & (w < 8600)),
    ):
        masked = replace(levers.scene, mask=np.tile(~inside(WAVE), (len(CLUMP), 1)))
        expected = bounds(masked.information(levers.parts, 12), RANGES, 1e10)
        np.testing.assert_allclose(found[key]["posterior"], expected["posterior"], rtol=1e-6)


def test_flux_calibration_as_a_lever_is_the_bound_of_a_run_that_has_it(observer64, levers):
    unknown = Nuisances(amplitude="free", calibration=(0.03,) * 3)
    surveyed = levers_of(observer64, unknown)
    ours = {lever.key: lever.sigma for lever in levers.calibration(CONFIG)}
    theirs = {lever.key: lever.sigma for lever in surveyed.calibration(CONFIG)}
    np.testing.assert_allclose(ours["calibration_0.03"], surveyed.base, rtol=1e-9)
    assert "calibration_0.03" not in theirs
    assert "calibration_0" not in ours
    assert (theirs["calibration_0.01"]["bound"] < surveyed.base["bound"]).all()
    # the amplitude stays unknown
    assert (theirs["calibration_0"]["bound"] >= levers.base["bound"]).all()


def test_knowing_more_never_costs_and_knowing_less_never_gains(levers):
    for lever in levers.all(CONFIG):
        change = lever.sigma["posterior"] - levers.base["posterior"]
        if lever.group in ("exposure", "prior", "sky"):
            assert (change <= 1e-12).all(), lever.key
        elif lever.group != "caveat":
            assert (change >= -1e-12).all(), lever.key


def test_the_curve_of_exposure_falls_and_begins_where_the_star_stands(levers):
    curve = levers.curve()
    assert (np.diff(curve, axis=1) < 0).all()
    np.testing.assert_allclose(curve[:, FACTORS.index(1.0)], levers.base["posterior"] ** 2)


def test_a_wider_line_spread_diffuses_the_spectrum(observer64):
    """∂F/∂ln σ = σ² ∂²F/∂λ² of a Gaussian line spread (heat equation), by second differences of shifted spectra."""
    labels, step, wave = CLUMP[1:2], 0.02, observer64.grid.wave
    coefficients = observer64.interpolator.coefficients(torch.as_tensor(labels)).numpy()
    spectrum = np.exp(observer64.grid.mean + coefficients[0] @ observer64.grid.components)

    def seen(shift):
        rows, columns, weights = line_spread_operator(wave + shift)
        return np.bincount(rows, weights * spectrum[columns], minlength=len(WAVE))[None]

    second = (seen(step) + seen(-step) - 2 * seen(0.0)) / step**2
    expected = normalised(seen(0.0), 0.55**2 * second)
    found = by_width(observer64, labels)
    assert np.corrcoef(found[0], expected[0])[0, 1] > 0.999
    assert np.std(found) == pytest.approx(np.std(expected), rel=0.02)


def test_the_derivative_of_normalised_flux_keeps_the_median():
    rng = np.random.default_rng(1)
    flux, slope = rng.uniform(1, 3, (4, 50)), rng.normal(size=(4, 50))
    step = 1e-6
    up, down = (f * 0.5 / np.median(f, axis=1, keepdims=True) for f in (flux + step * slope, flux - step * slope))
    np.testing.assert_allclose(normalised(flux, slope), (up - down) / (2 * step), atol=1e-6)


def test_the_sky_is_moved_to_the_blue_by_half_a_pixel(levers):
    def sky(x):
        return 50 + 3000 * np.exp(-(((x % 40 - 20.3) / 1.4) ** 2) / 2)

    at = np.arange(4096.0)
    np.testing.assert_allclose(moved_to_blue(sky(at)[None], 0.5)[0][5:-5], sky(at + 0.5)[5:-5], rtol=0.03)
    plain, moved = (levers.scene.parts(Setting(21, 1).conditions(), moved=by).base for by in (0.0, 0.5))
    assert moved.mean() == pytest.approx(plain.mean(), rel=0.01)
    assert np.abs(moved / plain - 1).max() > 0.3


@pytest.mark.slow
def test_the_part_of_the_artifact_has_every_lever_on_the_stars_of_the_run(small_source):
    config = CONFIG.model_copy(update={"at_hours": 3.0})
    found = levers_part(
        small_source, {"low_noise": np.arange(4), "full": np.array([], dtype=int)}, config, BOOTSTRAP, 1.0, 1e8
    )
    assert [*found["subsets"]] == ["low_noise"]
    part = found["subsets"]["low_noise"]
    groups = {row["group"] for row in part["rows"]}
    assert groups >= {"exposure", "prior", "sky", "calibration", "line_spread", "window", "caveat", "resolution"}
    assert all(row["n"] == 4 for row in part["rows"])
    variance = RANGES["logg"] ** 2 / 12
    assert part["base"]["r2"]["value"] == pytest.approx(1 - part["base"]["mse"]["value"] / variance)
    exact = small_source.derivatives(np.arange(4))
    information = fisher.fisher_information(exact.d_flux.numpy(), exact.error.numpy())
    expected = np.square(fisher.bounds(information, RANGES, 1e8)["sigma_prior"]).mean()
    assert part["base"]["mse"]["value"] == pytest.approx(expected, rel=1e-3)
    assert {row["star"] for row in found["stars"]} == {star.name for star in stars.STARS}
    (low,) = (row for row in part["rows"] if row["lever"] == "low_resolution")
    assert "a lower bound for low resolution" in low["words"]
    red = Observer(small_source.grid, Observation(arms=("r",)), dtype=torch.float64)
    exact = red.jacobian(*small_source.draw(np.arange(4)))
    information = fisher.fisher_information(exact.d_flux.numpy(), exact.error.numpy())
    theirs = np.square(fisher.bounds(information, RANGES, 1e8)["sigma_prior"]).mean()
    assert low["mse"]["value"] == pytest.approx(theirs - expected, rel=1e-2)


@pytest.mark.slow
def test_a_survey_s_own_masks_and_nuisances_count(grid):
    from logg1m.sources.embedded import EmbeddedSource

    plain, surveyed = (
        EmbeddedSource(Data(n_spectra=10, observation=Observation.model_validate(observation)), 3, grid=grid)
        for observation in ({}, {"bad_pixels": 0.3, "sky_level": [1.0, 1.0]})
    )
    mse = [
        levers_part(s, {"full": np.arange(3)}, CONFIG, BOOTSTRAP, 1.0, 1e8)["subsets"]["full"]["base"]["mse"]["value"]
        for s in (plain, surveyed)
    ]
    assert mse[1] > 1.02 * mse[0]


def test_double_precision_is_what_the_levers_are_made_in(small_source):
    observer = Observer(small_source.grid, small_source.data.observation, dtype=torch.float64)
    assert Scene.of(observer, CLUMP, Columns(Nuisances(), WAVE)).jacobian.dtype == np.float64
