"""Ridge with the noise marginalised: the closed form, the limit of many explicit draws, and scales and validation as usual."""

import numpy as np
import pytest
from made_ridges import Fitted
from sklearn.linear_model import Ridge
from toys import ONE, TWO, linear_source, noisy, store_of

from logg1m.baselines import marginalised, ridge
from logg1m.config.baselines import RidgeConfig
from logg1m.config.protocol import Protocol
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

SEED, N = 13, 1_500
SETTINGS = Protocol(scales=(300, N))
CONFIG = RidgeConfig(alphas=(0.1, 10.0, 1e3, 1e5), pca=())
DRAWS = 400


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> Fitted:
    store = store_of(linear_source(N, seed=3, sigma=0.5), tmp_path_factory.mktemp("marginalised"))
    _, pixels = protocol.survey(store, SEED, SETTINGS, ONE)
    pools, truth = Pools.draw(SEED, N, SETTINGS), store.labels()["logg"].to_numpy()
    frame = ridge.Frame.of(pixels, SETTINGS.noise_level)
    moments = marginalised.accumulate(store, pools, truth, frame, ONE)
    fits = marginalised.named(ridge.fit_all(moments, pools, frame, CONFIG, ONE))
    return Fitted(store, pools, truth, frame, moments, fits)


def arrays(store: Store, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free flux and error of spectra, float64."""
    chunks = range(store.n_chunks)
    flux, error = (np.concatenate([store.read(c, name) for c in chunks])[ids] for name in ("flux", "error"))
    return flux.astype(np.float64), error.astype(np.float64)


@pytest.mark.parametrize("size", SETTINGS.scales)
def test_weights_are_those_of_the_closed_form(fitted, size):
    """(Cᵀ C + Σσ²/s² + α)⁻¹ Cᵀ (y − ȳ) with pixels divided by their scatter s, the noise's included."""
    split = fitted.pools.split(size)
    flux, error = arrays(fitted.store, split.fit)
    y = fitted.truth[split.fit]
    centred = flux - flux.mean(axis=0)
    noise = (error**2).sum(axis=0)
    scatter = np.sqrt(((centred**2).sum(axis=0) + noise) / len(y))
    gram = centred.T @ centred / np.outer(scatter, scatter) + np.diag(noise / scatter**2)
    (model,) = fitted.fits[size].models
    weights = np.linalg.solve(gram + model.alpha * np.eye(len(gram)), centred.T @ (y - y.mean()) / scatter) / scatter
    np.testing.assert_allclose(model.weights / fitted.frame.scale, weights, rtol=1e-4, atol=1e-6 * abs(weights).max())
    assert model.name == "ridge_marginalised"


def test_it_is_the_limit_of_many_explicit_draws(fitted):
    """D draws of every spectrum, each weighing 1/D: the difference falls as 1/√D, and one draw is far from it."""
    split = fitted.pools.split(300)
    flux, error = arrays(fitted.store, split.fit)
    rng = np.random.default_rng(1)
    (model,) = fitted.fits[300].models
    held = noisy(fitted.store, fitted.pools.common_test, SEED).astype(np.float64)
    expected = model.intercept + (held - fitted.frame.shift) / fitted.frame.scale @ model.weights
    distance = {}
    for draws in (1, DRAWS // 16, DRAWS):
        x = np.concatenate([flux + error * rng.standard_normal(flux.shape) for _ in range(draws)])
        mean, scatter = x.mean(axis=0), x.std(axis=0)
        explicit = Ridge(alpha=draws * model.alpha, solver="cholesky")
        explicit.fit((x - mean) / scatter, np.tile(fitted.truth[split.fit], draws))
        distance[draws] = np.sqrt(np.mean((explicit.predict((held - mean) / scatter) - expected) ** 2))
    spread = expected.std()
    assert distance[DRAWS] < 0.02 * spread
    assert distance[DRAWS] < 0.5 * distance[DRAWS // 16] < 0.5 * distance[1]
    assert distance[1] > 5 * distance[DRAWS]


def test_validation_r2_is_expected_over_the_noise_of_the_validation_spectra(fitted):
    split = fitted.pools.split(N)
    flux, error = arrays(fitted.store, split.validation)
    (model,) = fitted.fits[N].models
    w = model.weights / fitted.frame.scale
    y = fitted.truth[split.validation]
    predicted = model.intercept + (flux - fitted.frame.shift) @ w
    squared = np.sum((predicted - y) ** 2) + np.sum(error**2 @ w**2)
    assert model.validation_r2 == pytest.approx(1 - squared / np.sum((y - y.mean()) ** 2), abs=1e-5)
    assert model.validation_r2 == max(row["validation_r2"] for row in fitted.fits[N].curve)


def test_noise_lies_on_the_diagonal_alone_and_scales_with_its_level(fitted):
    quiet = Pools.draw(SEED, N, SETTINGS.model_copy(update={"noise_level": 0.5}))
    half = marginalised.accumulate(fitted.store, quiet, fitted.truth, fitted.frame, ONE)
    for full, less in zip(fitted.moments, half):
        difference = full.matrix - less.matrix
        diagonal = difference.diagonal()[:-2]
        assert (diagonal > 0).all()
        np.testing.assert_array_equal(difference - np.diag(difference.diagonal()), 0)
    ids = fitted.pools.split(300).fit
    noise = (arrays(fitted.store, ids)[1] ** 2).sum(axis=0) / fitted.frame.scale**2
    np.testing.assert_allclose((fitted.moments[0].matrix - half[0].matrix).diagonal()[:-2], 0.75 * noise, rtol=1e-5)


def test_workers_change_nothing(fitted):
    again = marginalised.accumulate(fitted.store, fitted.pools, fitted.truth, fitted.frame, TWO)
    for one, two in zip(fitted.moments, again):
        np.testing.assert_array_equal(one.matrix, two.matrix)


def test_the_noise_is_penalty_enough_so_that_the_smallest_one_is_no_edge(fitted):
    flags = [
        ridge.report(
            fitted.fits, RidgeConfig(alphas=(fitted.fits[N].models[0].alpha, 1e9), pca=()), noise_is_penalty=own
        )
        for own in (True, False)
    ]
    at_edge = [flag["scales"]["1500"]["chosen"]["ridge_marginalised"]["alpha_at_edge_of_grid"] for flag in flags]
    assert at_edge == [False, True]
