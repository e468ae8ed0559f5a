"""The posterior started at the network's estimate is that of the library alone, in half of the iterations."""

import numpy as np
import pytest
from scipy.special import logsumexp

from logg1m.config.data import Data
from logg1m.ids import CONFIRMATION, first
from logg1m.observe import LABELS, WAVE
from logg1m.predict import stars
from logg1m.predict.posterior import Sampler


@pytest.fixture(scope="module")
def sampler(predictor) -> Sampler:
    return Sampler.of(predictor)


@pytest.fixture(scope="module")
def observed(small_source, predictor):
    """Noisy stars, and estimates of their labels."""
    ids = first(128, CONFIRMATION)
    (block,) = stars.simulated(small_source, WAVE, ids, 7, 1.0)
    labels = predictor.bound.labels(predictor.domain, block.ready)
    labels[:, LABELS.index("logg")] = predictor.model.infer(block.ready.flux)[0][:, 0]
    return block, labels


def test_a_faint_star_agrees_with_draws_from_the_prior(sampler, observed):
    """Plain importance sampling from the prior, enough where there is little to see."""
    block, labels = observed
    star = int(np.argmin(block.ready.snr))
    rows = slice(star, star + 1)
    (found,) = sampler.of_spectra(block.ready.flux[rows], block.ready.error[rows], labels[rows], np.array([star]))
    rng = np.random.default_rng(0)
    draws = sampler.fixed[sampler.free] + rng.random((3_000, len(sampler.free))) * sampler.widths
    y, weight = block.ready.flux[star].astype(np.float64), 1 / block.ready.error[star].astype(np.float64) ** 2
    parts = [sampler.log_likelihood(sampler.model.flux(draws[k : k + 500]), y, weight) for k in range(0, 3_000, 500)]
    ln = np.concatenate(parts)
    w = np.exp(ln - logsumexp(ln))
    ess = 1 / np.square(w).sum()
    assert ess > 100
    logg = draws[:, sampler.target]
    mean = w @ logg
    sigma = np.sqrt(w @ (logg - mean) ** 2)
    assert abs(found.mean - mean) < 4 * sigma * np.sqrt(1 / ess + 1 / found.ess)
    assert found.sigma == pytest.approx(sigma, rel=0.25)


@pytest.mark.slow
def test_it_needs_half_the_iterations_for_low_noise_stars(sampler, observed):
    block, labels = observed
    top = np.argsort(-block.ready.snr)[:16]
    flux, error = block.ready.flux[top], block.ready.error[top]
    started = sampler.of_spectra(flux, error, labels[top], top)
    alone = sampler.of_spectra(flux, error, None, top)
    for a, b in zip(started, alone):
        assert min(a.ess, b.ess) > 100
        assert abs(a.mean - b.mean) < 4 * a.sigma * np.sqrt(1 / a.ess + 1 / b.ess) + 0.02
        assert 0.9 < a.chi2 < 1.15
    assert 2 * sum(a.iterations for a in started) <= sum(b.iterations for b in alone)
    truth = block.labels["logg"][top]
    inside = [a.quantiles["p2_5"] <= t <= a.quantiles["p97_5"] for a, t in zip(started, truth)]
    assert sum(inside) >= 13  # 95 % of 16; fewer than 13 in one case of a thousand


def test_masked_pixels_have_no_weight(sampler, observed):
    block, labels = observed
    rows = slice(0, 1)
    flux, error = block.ready.flux[rows].copy(), block.ready.error[rows].copy()
    flux[:, 500:700], error[:, 500:700] = np.nan, np.inf
    (left_out,) = sampler.of_spectra(flux, error, labels[rows], np.array([0]))
    flux[:, 500:700], error[:, 500:700] = 1e6, 1e12
    (weightless,) = sampler.of_spectra(flux, error, labels[rows], np.array([0]))
    assert left_out.mean == pytest.approx(weightless.mean, abs=1e-6)


@pytest.mark.slow
def test_nuisances_of_the_training_are_marginalised(sampler, observed):
    """A tilt of the flux calibration that the conditions allow: known conditions are led astray, survey conditions are not."""
    block, labels = observed
    nuisances = {"amplitude": "free", "calibration": [0.05], "velocity_km_s": 2.0}
    data = Data.model_validate({"n_spectra": 100, "observation": {"nuisances": nuisances}})
    surveyed = Sampler(data, 5, sampler.domain, sampler.bound)
    assert surveyed.columns.names == ("amplitude", "calibration_1", "velocity_km_s")
    top = np.argsort(-block.ready.snr)[:3]
    tilt = 1 + 0.05 * np.linspace(-1, 1, len(WAVE), dtype=np.float32)
    given = [block.ready.flux[top], block.ready.error[top], labels[top], top]
    straight, wide = sampler.of_spectra(*given), surveyed.of_spectra(*given)
    given[0], given[1] = given[0] * tilt, given[1] * tilt
    tilted = surveyed.of_spectra(*given)
    for plain, free, moved in zip(straight, wide, tilted):
        assert 0.9 < moved.chi2 < 1.15
        assert free.sigma > 0.85 * plain.sigma  # less the error of a few hundred samples
        assert abs(moved.mean - free.mean) < 0.6 * free.sigma
    led_astray = sampler.of_spectra(*given)
    assert sum(f.chi2 for f in led_astray) > sum(f.chi2 for f in tilted)


@pytest.mark.slow
def test_both_estimators_stand_side_by_side(predictor, sampler, observed):
    block, _ = observed
    part = type(block.ready)(**{k: v if k == "steps" else v[:3] for k, v in vars(block.ready).items()})
    rows = predictor.rows(part, stars.identity_of("x", np.arange(3)))
    both = sampler.beside(rows, part, replaces=False)
    assert np.isfinite(both[["log_g_posterior", "log_g_posteriorErr", "ess", "chi2"]]).all(axis=None)
    alone = sampler.beside(rows, part, replaces=True)
    np.testing.assert_allclose(alone["log_g"], both["log_g_posterior"])
    assert (alone["log_g_p16"] < alone["log_g_p84"]).all()
