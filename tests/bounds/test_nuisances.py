"""Bounds with nuisances that are no labels: against the inverse of the whole matrix, fits of a linear toy, published ratios."""

import numpy as np
import pandas as pd
import pytest
from bounds.test_fisher import LOGG, RANGES, linear_gaussian

from logg1m.bounds import fisher
from logg1m.config.conditions import Nuisances
from logg1m.config.data import Data, Observation
from logg1m.observe import LABELS, WAVE
from logg1m.observe.survey import Columns
from logg1m.protocol.pools import scalar_snr
from logg1m.sources.embedded import EmbeddedSource


def with_columns(n: int = 5, pixels: int = 200) -> tuple[np.ndarray, np.ndarray, Columns, np.ndarray]:
    """Derivatives, errors, columns and flux (n, P) of a linear toy."""
    d_flux, error = linear_gaussian(n, pixels)
    unknown = Nuisances(amplitude="free", calibration=(0.03, 0.1), ebv=0.05, velocity_km_s=4)
    flux = 0.5 + 0.1 * np.random.default_rng(8).standard_normal((n, pixels))
    return d_flux, error, Columns(unknown, np.linspace(7100, 8850, pixels)), flux


def test_marginalised_nuisances_leave_the_closed_form_of_the_whole_matrix():
    d_flux, error, columns, flux = with_columns()
    whole = fisher.fisher_information(fisher.with_nuisances(d_flux, flux, columns), error)
    left = fisher.marginalised(whole, columns)
    everything = whole + np.diag(np.concatenate([np.zeros(5), columns.precision]))
    np.testing.assert_allclose(np.linalg.inv(left), np.linalg.inv(everything)[:, :5, :5], rtol=1e-8)
    np.testing.assert_allclose(
        fisher.bounds(left, RANGES, 1e8)["sigma_5d"], np.sqrt(np.linalg.inv(everything)[:, LOGG, LOGG]), rtol=1e-8
    )
    plain = fisher.fisher_information(d_flux, error)
    assert (fisher.bounds(left, RANGES, 1e8)["sigma_5d"] > fisher.bounds(plain, RANGES, 1e8)["sigma_5d"]).all()
    assert fisher.marginalised(plain, None) is plain


def test_a_penalised_fit_of_a_linear_model_scatters_as_the_marginalised_bound_says():
    d_flux, error, columns, flux = with_columns(n=1)
    x = fisher.with_nuisances(d_flux, flux, columns)[0]
    prior = np.diag(np.concatenate([np.zeros(5), columns.precision]))
    weighted = x / error[0] ** 2
    solve = np.linalg.solve(weighted @ x.T + prior, weighted)
    rng = np.random.default_rng(2)
    n = 4_000
    with np.errstate(divide="ignore"):
        width = np.where(columns.precision > 0, 1 / np.sqrt(columns.precision), 1.0)
    nuisances = rng.standard_normal((n, len(columns))) * width
    data = nuisances @ x[5:] + error[0] * rng.standard_normal((n, x.shape[1]))  # labels at zero
    found = (data @ solve.T)[:, LOGG].std()
    information = fisher.fisher_information(x[None], error)
    expected = fisher.bounds(fisher.marginalised(information, columns), RANGES, 1e8)["sigma_5d"][0]
    assert found == pytest.approx(expected, rel=4 / np.sqrt(2 * n))


def test_a_nuisance_that_is_known_well_costs_nothing_and_one_that_is_free_costs_most():
    d_flux, error, _, flux = with_columns()
    wave = np.linspace(7100, 8850, flux.shape[1])
    sigmas = []
    for width in (1e-9, 0.03, 0.2):
        columns = Columns(Nuisances(amplitude="free", calibration=(width,)), wave)
        whole = fisher.fisher_information(fisher.with_nuisances(d_flux, flux, columns), error)
        sigmas.append(fisher.bounds(fisher.marginalised(whole, columns), RANGES, 1e8)["sigma_5d"].to_numpy())
    amplitude = Columns(Nuisances(amplitude="free"), wave)
    whole = fisher.fisher_information(fisher.with_nuisances(d_flux, flux, amplitude), error)
    alone = fisher.bounds(fisher.marginalised(whole, amplitude), RANGES, 1e8)["sigma_5d"]
    np.testing.assert_allclose(sigmas[0], alone, rtol=1e-9)
    assert (sigmas[0] < sigmas[1]).all()
    assert (sigmas[1] < sigmas[2]).all()


def test_common_weights_of_a_stars_own_error_give_its_bound_with_nuisances_too():
    d_flux, error, columns, flux = with_columns(n=1)
    x = fisher.with_nuisances(d_flux, flux, columns)
    precision = np.concatenate([np.zeros(5), columns.precision])
    weights = (np.median(error[0]) / error[0]) ** 2
    found = fisher.sigma_with_weights(x, error, weights, list(range(x.shape[1])), precision)
    bound = fisher.bounds(fisher.marginalised(fisher.fisher_information(x, error), columns), RANGES, 1e8)["sigma_5d"]
    np.testing.assert_allclose(found, bound, rtol=1e-6)
    other = fisher.sigma_with_weights(x, error, np.ones(len(weights)), list(range(x.shape[1])), precision)
    assert other[0] > found[0]


# --- the embedded source

SLOPE = Nuisances(amplitude="free", calibration=(0.02,))
# Median over low-noise stars of the factor on σ(log g), and the factor on the prior-aware MSE: nuisances added to five labels.
FACTORS = {
    "velocity": (Nuisances(velocity_km_s=30), 1.00, 1.0),
    "amplitude": (Nuisances(amplitude="free"), 1.01, 1.05),
    "slope of 2 %": (SLOPE, 1.27, 1.44),
    "E(B-V) of 0.05": (Nuisances(amplitude="free", ebv=0.05), 1.26, 1.41),
    "five orders of 3 %": (Nuisances(amplitude="free", calibration=(0.03,) * 5), 1.37, 1.65),
}


@pytest.fixture(scope="module")
def low_noise(grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact derivatives, errors and flux of the low-noise stars among 1,280."""
    source = EmbeddedSource(Data(n_spectra=1_280, observation=Observation(mag=(20.5, 21.2))), 20251222, grid=grid)
    labels, conditions = source.draw(np.arange(1_280))
    seen = source.observer.observe(labels, conditions)
    # The published threshold is ‖flux‖/‖error‖ of the brightest fifth between 20.5 and 22.5: 4.98.
    low = scalar_snr(seen.flux.numpy(), seen.error.numpy()) > 4.98
    jacobian = source.observer.jacobian(labels[low], conditions[low])
    return jacobian.d_flux.numpy(), jacobian.error.numpy(), jacobian.flux.numpy()


def sigmas(low_noise: tuple[np.ndarray, np.ndarray, np.ndarray], unknown: Nuisances) -> pd.DataFrame:
    d_flux, error, flux = low_noise
    columns = Columns(unknown, WAVE)
    information = fisher.fisher_information(fisher.with_nuisances(d_flux, flux, columns), error)
    return fisher.bounds(fisher.marginalised(information, columns), RANGES, 1e8)


@pytest.mark.parametrize("name", FACTORS)
def test_bounds_grow_as_an_independent_computation_found(low_noise, name):
    unknown, factor, of_mse = FACTORS[name]
    ideal, found = sigmas(low_noise, Nuisances()), sigmas(low_noise, unknown)
    assert ideal["sigma_5d"].median() == pytest.approx(0.224, rel=0.07)
    assert (found["sigma_5d"] / ideal["sigma_5d"]).median() == pytest.approx(factor, rel=0.02)
    prior_aware = (found["sigma_prior"] ** 2).mean() / (ideal["sigma_prior"] ** 2).mean()
    assert prior_aware == pytest.approx(of_mse, rel=0.05)


def test_a_wrong_slope_that_nobody_models_moves_log_g_as_an_independent_computation_found(low_noise):
    d_flux, error, flux = low_noise
    information = fisher.fisher_information(d_flux, error)
    slope = 0.01 * flux * np.linspace(-1, 1, flux.shape[1])
    right = np.einsum("nlp,np->nl", d_flux / np.square(error)[:, None], slope)
    scale = np.array([RANGES[name] for name in LABELS])
    scaled = np.linalg.solve(information * scale[:, None] * scale, (right * scale)[:, :, None])[:, :, 0]
    assert np.median(np.abs(scaled[:, LOGG] * scale[LOGG])) == pytest.approx(0.20, abs=0.02)
