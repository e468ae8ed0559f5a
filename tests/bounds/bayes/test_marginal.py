"""The marginal likelihood against the dense covariance it stands for, and posteriors against ones that sample nuisances."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from bounds.bayes.test_bayes import CONFIG, ONE, GaussianPrior, Toy

from logg1m.bounds.bayes import marginal, posterior
from logg1m.bounds.bayes.model import Library
from logg1m.config.conditions import Nuisances
from logg1m.observe.survey import Columns

PIXELS = 96
WAVE = np.linspace(7100, 8850, PIXELS)
UNKNOWN = Nuisances(amplitude="free", calibration=(0.1, 0.05), ebv=0.1, velocity_km_s=20)
COLUMNS = Columns(UNKNOWN, WAVE)
_WIDE = 30.0  # σ of an amplitude that stands for a flat prior; a wider one costs the dense inverse its digits


def spectra(n: int, seed: int) -> np.ndarray:
    """Spectra (n, P) with lines, about 0.5."""
    rng = np.random.default_rng(seed)
    centres, depth = rng.uniform(0, PIXELS, 12), rng.uniform(0.05, 0.3, (n, 12))
    lines = np.exp(-0.5 * ((np.arange(PIXELS) - centres[:, None]) / 2) ** 2)
    return 0.5 - 0.5 * depth @ lines


def dense(flux: np.ndarray, model: np.ndarray, error: np.ndarray, columns: Columns) -> np.ndarray:
    """ln N(y; F, diag σ² + X Λ⁻¹ Xᵀ) for models (n, P), an amplitude with a wide prior; without masked pixels."""
    seen = np.isfinite(error)
    with np.errstate(divide="ignore"):
        variance = np.minimum(1 / columns.precision, _WIDE**2)
    out = []
    for one, x in zip(model, columns(model)):
        covariance = np.diag(error[seen] ** 2) + (x[:, seen].T * variance) @ x[:, seen]
        residual = (flux - one)[seen]
        _, determinant = np.linalg.slogdet(covariance)
        out.append(-0.5 * residual @ np.linalg.solve(covariance, residual) - 0.5 * determinant)
    return np.array(out)


@pytest.fixture
def star() -> tuple[np.ndarray, np.ndarray]:
    """Noisy flux and error (P,) with some masked pixels."""
    rng = np.random.default_rng(4)
    error = rng.uniform(0.005, 0.03, PIXELS)
    flux = spectra(1, 8)[0] * (1 + 0.08 * np.linspace(-1, 1, PIXELS)) * 1.03 + error * rng.standard_normal(PIXELS)
    error[10:14] = np.inf
    return np.where(np.isinf(error), 0.0, flux), error


@pytest.mark.parametrize(
    "unknown",
    [
        UNKNOWN,
        Nuisances(amplitude="free"),
        Nuisances(velocity_km_s=20),
        Nuisances(amplitude="free", calibration=(0, 0.02), ebv=0.02),
    ],
    ids=["all", "amplitude", "velocity", "some"],
)
def test_the_marginal_likelihood_is_that_of_the_dense_covariance(star, unknown):
    columns, models = Columns(unknown, WAVE), spectra(30, 7)
    found = marginal.log_likelihood(torch.as_tensor(models), *star, columns)
    expected = dense(star[0], models, star[1], columns)
    np.testing.assert_allclose(found - found[0], expected - expected[0], rtol=1e-6, atol=2e-3)


@pytest.mark.parametrize("unknown", [UNKNOWN, Nuisances(velocity_km_s=20), Nuisances(amplitude="free", ebv=0.1)])
def test_products_over_a_library_agree_with_one_star_at_a_time(star, unknown):
    columns, models = Columns(unknown, WAVE), spectra(50, 7)
    products = marginal.Products(columns, models.mean(axis=0))
    flux, error = np.stack([star[0]] * 3), np.stack([star[1]] * 3)
    flux[1] *= 1.01
    found = products.log_likelihood(*products.weights(flux, error), products.chunk(models)).numpy()
    for row in range(3):
        expected = marginal.log_likelihood(torch.as_tensor(models), flux[row], error[row], columns)
        np.testing.assert_allclose(found[row], expected, atol=0.02)


@dataclass(frozen=True)
class Disturbed:
    """A toy whose nuisances are further labels under their own Gaussian prior, exactly as they multiply the flux."""

    inner: Toy
    columns: Columns

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.inner.names, *self.columns.names)

    @property
    def prior(self) -> GaussianPrior:
        assert isinstance(self.inner.prior, GaussianPrior)
        some = np.minimum(
            1 / np.sqrt(np.maximum(self.columns.precision, 1e-12)), 0.5
        )  # of the amplitude: as good as flat
        zero = np.zeros(len(some))
        return GaussianPrior(
            np.concatenate([self.inner.prior.mean, zero]), np.concatenate([self.inner.prior.scale, some])
        )

    def flux(self, labels: np.ndarray) -> torch.Tensor:
        split = len(self.inner.names)
        flux = self.inner.function(labels[:, :split])
        return torch.as_tensor(flux + np.einsum("nj,njp->np", labels[:, split:], self.columns(flux)))


def curved() -> Toy:
    """Flux of three labels, positive and not linear."""
    rng = np.random.default_rng(3)
    design = 0.05 * rng.standard_normal((3, PIXELS)) + 0.04 * rng.standard_normal(PIXELS)
    prior = GaussianPrior(np.array([0.0, 3.0, 0.0]), np.array([1.0, 1.2, 0.8]))
    return Toy(("teff", "logg", "m_h"), prior, lambda labels: 0.5 * np.exp((labels - [0, 3, 0]) @ design))


@pytest.mark.slow
def test_posteriors_agree_with_a_sampler_that_samples_the_nuisances():
    toy, columns = curved(), Columns(Nuisances(amplitude="free", calibration=(0.05, 0.03), ebv=0.05), WAVE)
    rng = np.random.default_rng(5)
    labels = toy.prior.labels(rng.standard_normal((60, 3)))
    disturbed = Disturbed(toy, columns)
    coefficients = rng.standard_normal((60, len(columns))) * np.append(0.0, 1 / np.sqrt(columns.precision[1:]))
    flux = disturbed.flux(np.concatenate([labels, coefficients], axis=1)).numpy()
    error = np.exp(rng.normal(np.log(0.04), 0.3, flux.shape))
    stars = posterior.Stars.observed(np.arange(60), labels[:, 1], flux, error, 1.0, 1)
    config = CONFIG.model_copy(update={"target_ess": 2_000.0, "max_iterations": 60, "samples_per_iteration": 512})
    ours = posterior.posterior(stars, toy, Library.simulated(toy, 4096, 1), config, 1, ONE, columns)
    peer = posterior.posterior(stars, disturbed, Library.simulated(disturbed, 4096, 2), config, 2, ONE)
    ignorant = posterior.posterior(stars, toy, Library.simulated(toy, 4096, 1), config, 1, ONE)
    for table in (ours, peer):
        assert table["converged"].all()
    deviation = (ours["mean"] - peer["mean"]) ** 2 / (ours["var"] / ours["ess"] + peer["var"] / peer["ess"])
    assert deviation.mean() < 2
    assert (ours["var"] / peer["var"]).mean() == pytest.approx(1, abs=0.05)
    scaled = (ours["mean"] - ours["truth"]) ** 2 / ours["var"]
    assert scaled.mean() < 2
    assert ((ignorant["mean"] - ignorant["truth"]) ** 2 / ignorant["var"]).mean() > 4  # what the test can see


def test_a_star_that_is_rescaled_by_its_median_has_its_error_rescaled_too():
    flux, error = spectra(4, 1), np.full((4, PIXELS), 0.01)
    error[:, 5] = np.inf
    plain = posterior.Stars.observed(np.arange(4), np.zeros(4), flux, error, 1.0, 3)
    free = posterior.Stars.observed(np.arange(4), np.zeros(4), flux, error, 1.0, 3, free=True)
    good = np.isfinite(error[0])
    np.testing.assert_allclose(np.median(free.flux[:, good], axis=1), 0.5, atol=2e-3)
    np.testing.assert_allclose((free.flux / free.error)[:, good], (plain.flux / plain.error)[:, good], rtol=1e-5)
    assert np.isinf(free.error[:, 5]).all()
