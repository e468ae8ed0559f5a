"""Exposure time: closed forms of the noise, the goal and its floor, and the sweep that exists."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from toys import ONE

from logg1m.bounds import fisher
from logg1m.bounds.sweep import sweep
from logg1m.config.bounds import Bounds
from logg1m.config.data import Data, Observation
from logg1m.config.forecast import Forecast
from logg1m.files import InputError
from logg1m.forecast import limits, stars
from logg1m.forecast.exposure import Exposures, condition_rows, grid_rows, needed_rows
from logg1m.forecast.make import exposure_part
from logg1m.forecast.scene import Parts, Scene, Setting, sky_continuum
from logg1m.observe import WAVE
from logg1m.observe.pfs import REFERENCE_TABLE
from logg1m.observe.survey import Columns

PRIORS = Data().priors.model_dump()
RANGES = fisher.prior_ranges(PRIORS)
CONFIG = Forecast(stars=20, magnitudes=(20.0, 22.0), hours=(0.5, 3.0, 24.0))
NONE = Columns(Observation().nuisances, WAVE)


@pytest.fixture(scope="module")
def named(observer64):
    return Scene.of(observer64, stars.labels_of(stars.STARS), NONE)


@pytest.fixture(scope="module")
def population(observer64):
    return Scene.of(observer64, stars.population(PRIORS, 1, CONFIG.stars), NONE)


def test_errors_are_those_of_the_instrument(observer64, named):
    conditions = Setting(21.3, 12, 1.1, 40.0, 0.5).conditions()
    rows = conditions[np.zeros(len(named), dtype=int)]
    seen = observer64.observe(named.labels, rows)
    np.testing.assert_allclose(named.error(named.parts(conditions), 12), seen.error.numpy(), rtol=1e-9)
    np.testing.assert_allclose(named.error(named.parts(rows), 12), seen.error.numpy(), rtol=1e-9)


def test_the_forecast_agrees_with_the_magnitude_sweep_at_its_points(observer64, population):
    config = Bounds(sweep_magnitudes=CONFIG.magnitudes, sweep_stars=CONFIG.stars)
    swept = {row["mag"]: row for row in sweep(observer64, PRIORS, config, 1, ONE) if row["set"] == "5d"}
    exposures = Exposures(population, RANGES, config.max_condition)
    rows = list(grid_rows(exposures.grid(CONFIG.magnitudes, CONFIG.hours), CONFIG, exposures))
    for mag, row in swept.items():
        found = next(r for r in rows if (r["mag"], r["hours"]) == (mag, 3.0))
        assert found["exposures"] == 12
        for name in ("median", "p10", "p90"):
            assert found["bound"][name] == pytest.approx(row[f"sigma_{name}"], rel=1e-6)


def test_twice_the_exposures_give_sigma_over_root_two_without_a_sky_residual(named):
    exposures = Exposures(named, RANGES, 1e8)
    parts = named.parts(Setting(22, 1).conditions(), residual=0.0)
    one, two = (exposures.sigma(parts, n)["bound"].to_numpy() for n in (24.0, 48.0))
    np.testing.assert_allclose(one / two, np.sqrt(2), rtol=0.02)
    with_residual = named.parts(Setting(22, 1).conditions())
    one, two = (exposures.sigma(with_residual, n)["bound"].to_numpy() for n in (24.0, 48.0))
    assert (one / two < 0.98 * np.sqrt(2)).all()


def test_what_sky_subtraction_leaves_does_not_average_down(named):
    """Closed form, from the reference table: N = 1.015 [S + 1e-4 n max₃(S)² + 0.015 mean(S) + 5 (0.09 + 16)]."""
    sky = pd.read_csv(REFERENCE_TABLE, comment="#")["sky_electrons"].to_numpy()
    around = np.pad(sky, 1)
    brightest = np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])
    parts = named.parts(Setting(22, 1).conditions())
    np.testing.assert_allclose(parts.coherent[0], 1.015e-4 * brightest**2, rtol=1e-6)
    np.testing.assert_allclose(parts.base[0], 1.015 * (sky + 0.015 * sky.mean() + 5 * (0.09 + 16)), rtol=1e-6)

    def background(n):  # of the mean over n exposures, where the sky is the median one
        typical = np.argsort(sky)[len(sky) // 2 - 50 : len(sky) // 2 + 50]
        return np.median(np.sqrt(parts.base / n + parts.coherent)[0, typical])

    assert background(12) / background(24) == pytest.approx(1.36, abs=0.01)
    assert background(48) / background(96) == pytest.approx(1.27, abs=0.01)
    limit = named.error(parts, np.inf)
    np.testing.assert_allclose(limit, np.sqrt(parts.coherent) / parts.electrons, rtol=1e-12)
    np.testing.assert_allclose(named.error(parts, 1e9), limit, rtol=1e-3)


def test_a_goal_needs_the_time_at_which_sigma_is_the_goal(named):
    exposures = Exposures(named, RANGES, 1e8)
    for kind in ("bound", "posterior"):
        hours, floor = exposures.needed(Setting(21.0, 1), 0.2, kind)
        parts = named.parts(Setting(21.0, 1).conditions())
        reached = np.isfinite(hours)
        assert reached.any()
        counts = np.where(reached, hours * 4, 1.0)
        sigma = exposures.sigma(parts, counts)[kind].to_numpy()
        at_once = counts <= 1
        np.testing.assert_allclose(sigma[reached & ~at_once], 0.2, rtol=1e-6)
        assert (sigma[reached & at_once] <= 0.2).all()
        assert (floor[~reached] >= 0.2).all()
        assert (floor[reached] < 0.2).all()


def test_a_goal_below_the_floor_is_not_reachable_by_exposure(named, population):
    of_stars, everyone = (Exposures(scene, RANGES, 1e8) for scene in (named, population))
    config = CONFIG.model_copy(update={"goal": 0.01, "magnitudes": (23.0,)})
    rows = list(needed_rows(of_stars, stars.STARS, everyone.grid(config.magnitudes, config.hours), everyone, config))
    assert [row["star"] for row in rows] == [*(star.name for star in stars.STARS), "population"]
    for row in rows:
        for kind in ("bound", "posterior"):
            assert (row[kind]["reachable"], row[kind]["hours"]) == (False, None)
            assert row[kind]["floor"] > 0.01


def test_without_a_sky_residual_any_goal_is_reached_after_the_closed_form(named):
    """Everything averages down: σ² = σ₁²/n."""
    exposures, at = Exposures(named, RANGES, 1e8), Setting(22.0, 1, residual=0.0)
    one = exposures.sigma(exposures.parts(at), 1.0)["bound"].to_numpy()
    hours, floor = exposures.needed(at, 1e-3, "bound")
    np.testing.assert_allclose(hours * 4, (one / 1e-3) ** 2, rtol=1e-6)
    assert (floor == 0).all()
    median = exposures.median_needed(at, 1e-3, "bound")
    assert median * 4 == pytest.approx((np.median(one) / 1e-3) ** 2, rel=1e-4)


def test_a_goal_just_above_the_floor_is_reached_however_long_it_takes(named):
    exposures, at = Exposures(named, RANGES, 1e8), Setting(22.0, 1)
    floor = exposures.sigma(exposures.parts(at), np.inf)["bound"].to_numpy()
    for k in (0, 4):
        hours, found = exposures.needed(at, floor[k] * (1 + 1e-9), "bound")
        assert np.isfinite(hours[k])
        assert hours[k] * 4 > 1e7  # beyond any number of exposures that anyone would look at
        assert found[k] == pytest.approx(floor[k])
        assert np.isinf(exposures.needed(at, floor[k], "bound")[0][k])


def test_the_median_of_the_population_reaches_the_goal_after_the_time_that_is_said(population):
    everyone = Exposures(population, RANGES, 1e8)
    config = CONFIG.model_copy(update={"hours": tuple(np.geomspace(0.25, 24, 30)), "magnitudes": (20.5,)})
    grid = everyone.grid(config.magnitudes, config.hours)
    row = next(r for r in needed_rows(everyone, (), grid, everyone, config) if r["star"] == "population")
    parts = population.parts(Setting(20.5, 1).conditions())
    for kind in ("bound", "posterior"):
        sigma = everyone.sigma(parts, everyone.exposures(row[kind]["hours"]))[kind]
        assert sigma.median() == pytest.approx(0.2, rel=0.002)
        exact = everyone.median_needed(Setting(20.5, 1), 0.2, kind)
        assert exact == pytest.approx(row[kind]["hours"], rel=0.005)


def test_worse_conditions_cost_and_a_bright_sky_is_an_assumption_about_its_continuum(named, population):
    of_stars, everyone = (Exposures(scene, RANGES, 1e8) for scene in (named, population))
    rows = list(condition_rows(of_stars, stars.STARS[:1], everyone, CONFIG))
    for name in ("seeing", "zenith_angle", "sky_continuum"):
        found = [row["bound"] for row in rows if row["varied"] == name and row["star"] == "population"]
        assert found == sorted(found)
        assert found[-1] > 1.1 * found[0]
    alike = {row["value"]: row["bound"] for row in rows if row["varied"] == "seeing" and row["star"] == "tip-2.0"}
    dark = [row["bound"] for row in rows if row["varied"] == "sky_continuum" and row["star"] == "tip-2.0"]
    assert alike[0.8] == pytest.approx(dark[0], rel=1e-12)


def test_the_sky_between_its_lines_hardly_sees_them():
    wave = np.arange(4096.0)
    smooth, lines = 50 + 0.01 * wave, 5000 * (np.arange(4096) % 40 < 3)
    found = sky_continuum((smooth + lines)[None])[0]
    np.testing.assert_allclose(found[200:-200], smooth[200:-200], rtol=0.05)


def test_noise_and_nuisances_make_bounds_larger(observer64, named):
    at = Setting(21.5, 12)
    plain = Exposures(named, RANGES, 1e8).sigma(named.parts(at.conditions()), 12)
    louder = replace(named, noise_level=2.0)
    twice = Exposures(louder, RANGES, 1e8).sigma(louder.parts(at.conditions()), 12)
    np.testing.assert_allclose(twice["bound"], 2 * plain["bound"], rtol=1e-9)
    nuisances = Data.model_validate(
        {"observation": {"nuisances": {"amplitude": "free", "calibration": [0.03, 0.03]}}}
    ).observation.nuisances
    unknown = named.with_columns(Columns(nuisances, WAVE))
    worse = Exposures(unknown, RANGES, 1e8).sigma(unknown.parts(at.conditions()), 12)
    assert (worse["bound"] > plain["bound"]).all()
    assert unknown.jacobian.shape[1] == 8


def test_masked_pixels_weigh_nothing(named):
    parts = named.parts(Setting(22, 1).conditions())
    half = replace(named, mask=np.tile(WAVE < 8000, (len(named), 1)))
    cut = replace(named, flux=named.flux[:, WAVE >= 8000], jacobian=named.jacobian[:, :, WAVE >= 8000])
    short = Parts(*(getattr(parts, name)[:, WAVE >= 8000] for name in ("base", "coherent", "electrons")))
    np.testing.assert_allclose(half.information(parts, 12), cut.information(short, 12), rtol=1e-9)


def test_stars_are_found_by_kind_and_refused_by_name(grid):
    assert stars.named("clump", grid).name == "clump-1.0"
    assert stars.named("dwarf+0.0", grid).labels[0] == 4700
    with pytest.raises(InputError, match="no star 'quasar'"):
        stars.named("quasar", grid)
    smaller = replace(grid, axes=grid.axes | {"teff": np.array([5000.0, 6000.0])})
    with pytest.raises(InputError, match="outside the grid"):
        stars.named("tip", smaller)
    assert {star.kind for star in stars.inside(smaller)} == {"clump", "turnoff", "dwarf"}


def test_only_stars_within_the_priors_are_forecast(observer64):
    data = Data.model_validate({"priors": {"m_h": [-0.5, 0.5]}})
    found = exposure_part(observer64, data, CONFIG, 1.0, 1e8, 1)
    assert {star["name"] for star in found["stars"]} == {f"{kind}+0.0" for kind in ("tip", "clump", "turnoff", "dwarf")}
    none = Data.model_validate({"priors": {"teff": [5000, 5100], "a_m": [0.1, 0.2]}})
    found = exposure_part(observer64, none, CONFIG, 1.0, 1e8, 1)
    assert found["stars"] == []
    assert {row["star"] for row in found["needed"] + found["conditions"]} == {"population"}
    for key, at in (("magnitudes", {"magnitudes": (20.0, 27.0)}), ("at_magnitude", {"at_magnitude": 3.0})):
        with pytest.raises(InputError, match=rf"forecast\.{key}: i = .* cannot be forecast"):
            exposure_part(observer64, data, CONFIG.model_copy(update=at), 1.0, 1e8, 1)


def test_the_magnitudes_that_can_be_asked_are_those_of_the_closed_forms():
    table = pd.read_csv(REFERENCE_TABLE, comment="#")
    bright, faint = limits.magnitudes(900.0)
    electrons, sky = table["electrons_per_fnu_cgs"], table["sky_electrons"]
    assert (electrons * 10 ** (-0.4 * (bright + 48.6))).max() == pytest.approx(limits.FULL, rel=0.1)
    assert (electrons * 10 ** (-0.4 * (faint + 48.6)) / sky).median() == pytest.approx(0.01, rel=0.1)
    assert limits.magnitudes(9000.0) == (pytest.approx(bright + 2.5, abs=0.1), faint)


def test_noise_free_spectra_have_no_bound(observer64):
    with pytest.raises(InputError, match="noise_level = 0"):
        Scene.of(observer64, stars.labels_of(stars.STARS[:1]), NONE, 0.0)


def test_a_scene_does_not_depend_on_the_precision_of_the_simulation(grid, named):
    from logg1m.observe import Observer

    single = Scene.of(Observer(grid, Observation(), dtype=torch.float32), named.labels, NONE)
    parts = (scene.parts(Setting(21, 1).conditions()) for scene in (single, named))
    sigma = [Exposures(s, RANGES, 1e8).sigma(p, 12)["bound"] for s, p in zip((single, named), parts)]
    np.testing.assert_allclose(*sigma, rtol=0.01)
