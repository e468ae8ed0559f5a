"""A world with a closed form, end to end: what bounds, ridge and metrics say must be what the algebra says.

Labels are drawn from a known prior, flux = offset + labels @ design, each pixel has a known Gaussian σ. Then the
Fisher bound, the posterior mean and its mean squared error (MSE) are matrices of 5 × 5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from toys import ONE, ToySource, linear_source, noisy, paired_difference, store_of

from logg1m import metrics
from logg1m.baselines import ridge
from logg1m.bounds.compute import collect, compute_bounds
from logg1m.bounds.fisher import SETS
from logg1m.config.baselines import RidgeConfig
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.protocol import Protocol
from logg1m.observe import LABELS
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

SEED, N = 2, 20_480
LOGG = LABELS.index("logg")
SIGMA = 4.0
BOOTSTRAP = Bootstrap(resamples=400)
ALPHAS = (0.1, 10.0, 100.0, 1e3, 3e3, 1e4, 3e4, 1e5)


def gaussian(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal((n, 5))


def wide_box(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(-40, 40, (n, 5))


@dataclass
class World:
    source: ToySource
    store: Store
    labels: np.ndarray
    information: np.ndarray  # (5, 5)

    @property
    def truth(self) -> np.ndarray:
        return self.labels[:, LOGG]

    def posterior(self, ids: np.ndarray, noisy_flux: np.ndarray, prior_precision: float) -> tuple[np.ndarray, float]:
        """Posterior mean of log g of each spectrum and its variance, under labels ~ N(0, 1/prior_precision)."""
        weights = self.source.design.astype(np.float64) / self.source.error[0].astype(np.float64) ** 2
        offset = self.source.flux[ids] - self.labels[ids] @ self.source.design.astype(np.float64)
        covariance = np.linalg.inv(self.information + prior_precision * np.eye(5))
        return (noisy_flux - offset) @ weights.T @ covariance[:, LOGG], float(covariance[LOGG, LOGG])


def world(labels: Callable[[np.random.Generator, int], np.ndarray], folder) -> World:
    source = linear_source(N, seed=9, sigma=SIGMA, labels=labels)
    store = store_of(source, folder)
    weighted = source.design.astype(np.float64) / source.error[0]
    return World(source, store, source.values, weighted @ weighted.T)


@pytest.fixture(scope="module")
def gauss(tmp_path_factory) -> World:
    return world(gaussian, tmp_path_factory.mktemp("gauss"))


@pytest.fixture(scope="module")
def box(tmp_path_factory) -> World:
    return world(wide_box, tmp_path_factory.mktemp("box"))


def test_the_fisher_bound_is_the_inverse_of_the_known_matrix(gauss):
    library = collect(gauss.store, np.arange(0, N, 80), ONE)
    ranges = dict.fromkeys(LABELS, 1.0)
    stars = compute_bounds(library, gauss.source, ranges, Bounds(), ONE).stars
    for name, labels in SETS.items():
        index = [LABELS.index(label) for label in labels]
        sigma = np.sqrt(np.linalg.inv(gauss.information[np.ix_(index, index)])[0, 0])
        np.testing.assert_allclose(stars[f"exact_sigma_{name}"], sigma, rtol=1e-5)
        np.testing.assert_allclose(stars[f"local_linear_sigma_{name}"], sigma, rtol=1e-3)


def test_least_squares_under_a_wide_prior_reaches_the_fisher_bound(box):
    """Labels spread far beyond what noise hides: no prior helps, and the ratio of error and bound is 1."""
    ids = np.arange(2_000)
    estimate, _ = box.posterior(ids, noisy(box.store, ids, SEED), prior_precision=0.0)
    sigma = np.sqrt(np.linalg.inv(box.information)[LOGG, LOGG])
    ratio = (estimate - box.truth[ids]) / sigma
    low, high = metrics.with_interval(metrics.rms(ratio), len(ids), BOOTSTRAP, SEED)["ci95"]
    assert low < 1 < high


@dataclass
class Table:
    """Ridge as the pipeline fits it, on noisy training rows; predictions on the common test."""

    ids: np.ndarray
    noisy: np.ndarray
    by_alpha: dict[float, np.ndarray]
    least_squares: np.ndarray


def trained(w: World) -> Table:
    settings = Protocol(scales=(N,))
    pools = Pools.draw(SEED, N, settings)
    _, pixels = protocol.survey(w.store, SEED, settings, ONE)
    frame = ridge.Frame.of(pixels, 1.0)
    moments = ridge.accumulate(w.store, pools, w.truth, frame, SEED, ONE)
    ids, models = pools.common_test, []
    for alpha in ALPHAS:
        models += ridge.fit_all(moments, pools, frame, RidgeConfig(alphas=(alpha,), pca=()), ONE)[N].models
    predicted = ridge.predict(w.store, ids, models, frame, SEED, 1.0, ONE)
    fit = pools.split(N).fit
    plain = LinearRegression().fit(noisy(w.store, fit, SEED).astype(np.float64), w.truth[fit])
    rows = noisy(w.store, ids, SEED)
    return Table(ids, rows, dict(zip(ALPHAS, predicted.T)), plain.predict(rows))


@pytest.fixture(scope="module")
def table(gauss) -> Table:
    return trained(gauss)


def test_the_posterior_mean_has_the_mse_that_the_algebra_gives(gauss, table):
    mean, variance = gauss.posterior(table.ids, table.noisy, prior_precision=1.0)
    error = mean - gauss.truth[table.ids]
    low, high = metrics.with_interval(metrics.mean(error**2), len(error), BOOTSTRAP, SEED)["ci95"]
    assert low < variance < high
    bound = np.linalg.inv(gauss.information)[LOGG, LOGG]
    assert variance < 0.6 * bound  # the prior matters here: the unbiased bound is no ceiling


def test_ridge_with_the_right_penalty_is_the_posterior_mean(tmp_path):
    """Trained on noise-free rows whose labels have exactly the prior's moments, with α = n σ² on raw features."""
    rng = np.random.default_rng(4)
    sigma, n, size = 3.0, 4_096, 4_000
    settings = Protocol(scales=(size,), noise_level=0.0)
    pools = Pools.draw(SEED, n, settings)
    fit = pools.split(size).fit
    labels = rng.standard_normal((n, 5))
    labels -= labels[fit].mean(axis=0)
    labels = labels @ np.linalg.inv(np.linalg.cholesky(labels[fit].T @ labels[fit] / len(fit))).T
    source = linear_source(n, seed=9, labels=lambda *_: labels)
    source.error = np.full_like(source.error, sigma)
    weighted = source.design.astype(np.float64) / sigma
    w = World(source, store_of(source, tmp_path), labels, weighted @ weighted.T)

    _, pixels = protocol.survey(w.store, SEED, settings, ONE)
    frame = ridge.Frame.of(pixels, 0.0)
    moments = ridge.accumulate(w.store, pools, w.truth, frame, SEED, ONE)
    config = RidgeConfig(alphas=(len(fit) * sigma**2,), pca=(), raw=True)
    (raw,) = [m for m in ridge.fit_all(moments, pools, frame, config, ONE)[size].models if m.name == "ridge_raw_full"]
    ids = pools.common_test
    predicted = ridge.predict(w.store, ids, [raw], frame, SEED, 1.0, ONE)[:, 0]  # on noisy rows
    expected, _ = w.posterior(ids, noisy(w.store, ids, SEED), prior_precision=1.0)
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=2e-4)
    assert expected.std() > 0.3


def test_the_best_ridge_comes_within_its_interval_of_the_bayes_mse(gauss, table):
    _, variance = gauss.posterior(table.ids, table.noisy, prior_precision=1.0)
    truth = gauss.truth[table.ids]
    best = min(table.by_alpha.values(), key=lambda p: np.mean((p - truth) ** 2))
    found = metrics.with_interval(metrics.mean((best - truth) ** 2), len(truth), BOOTSTRAP, SEED)
    assert found["ci95"][0] < variance < found["ci95"][1]
    assert found["value"] < 1.05 * variance


@pytest.mark.parametrize("prior", ["gauss", "box"])
def test_nothing_beats_the_posterior_mean_beyond_its_interval(prior, gauss, box, table):
    w = gauss if prior == "gauss" else box
    models = table if prior == "gauss" else trained(w)
    truth = w.truth[models.ids]
    precision = 1.0 if prior == "gauss" else 1 / np.var(w.truth)
    bayes, variance = w.posterior(models.ids, models.noisy, precision)
    others = {f"ridge, α = {alpha:g}": values for alpha, values in models.by_alpha.items()}
    others["least squares"] = models.least_squares
    for name, predicted in others.items():
        difference = paired_difference(metrics.rms, predicted - truth, bayes - truth, BOOTSTRAP, SEED)
        assert difference["ci95"][1] > 0, name
    worst = max(np.mean((values - truth) ** 2) for values in others.values())
    assert worst > 1.2 * variance  # a penalty far off is seen to be worse


def test_r2_of_the_posterior_mean_is_one_minus_its_variance_over_the_priors(gauss, table):
    mean, variance = gauss.posterior(table.ids, table.noisy, prior_precision=1.0)
    found = metrics.summary(gauss.truth[table.ids], mean, BOOTSTRAP, SEED)
    low, high = found["r2"]["ci95"]
    assert low < 1 - variance < high
