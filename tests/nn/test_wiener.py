"""Linear filters against the textbook formula, and what a fit from noisy spectra alone comes to."""

import numpy as np
import pytest
import torch

from logg1m.nn import wiener

PIXELS, RANK = 40, 3


@pytest.fixture(scope="module")
def toy():
    """Gaussian spectra of rank 3 with white noise of σ = 1: covariance, and a maker of (flux, noisy) pairs."""
    rng = np.random.default_rng(5)
    basis = np.linalg.qr(rng.standard_normal((PIXELS, RANK)))[0]
    variance = np.array([9.0, 4.0, 2.0])
    mean = rng.uniform(1, 2, PIXELS)

    def draw(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        flux = mean + (rng.standard_normal((n, RANK)) * variance**0.5) @ basis.T
        noisy = flux + rng.standard_normal(flux.shape)
        return torch.tensor(flux, dtype=torch.float32), torch.tensor(noisy, dtype=torch.float32)

    return mean, basis, variance, draw


def test_posterior_mean_is_the_dense_formula(toy):
    mean, basis, variance, draw = toy
    noisy = draw(4)[1].double()
    error = torch.rand(4, PIXELS, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    made = wiener.posterior_mean(noisy, error, *(torch.as_tensor(x) for x in (mean, basis, variance)))
    covariance = basis * variance @ basis.T
    for k in range(4):
        gain = covariance @ np.linalg.inv(covariance + np.diag(error[k].numpy() ** 2))
        np.testing.assert_allclose(made[k].numpy(), mean + gain @ (noisy[k].numpy() - mean), rtol=1e-9)


def test_filter_fitted_to_noisy_spectra_comes_close_to_the_exact_one(toy):
    mean, basis, variance, draw = toy
    held_out = ((noisy, torch.ones_like(noisy)) for noisy in (draw(2000)[1],))
    fitted = wiener.fit(draw(6000)[1], torch.ones(PIXELS), held_out, components=10, seed=1)
    flux, noisy = draw(3000)
    covariance = torch.as_tensor(basis * variance @ basis.T, dtype=torch.float32)
    centre = torch.as_tensor(mean, dtype=torch.float32)
    exact = centre + (noisy - centre) @ torch.linalg.inv(covariance + torch.eye(PIXELS)) @ covariance

    def loss(made: torch.Tensor) -> float:
        return float(((made - flux) ** 2).sum(dim=1).mean())

    best = loss(exact)
    assert best == pytest.approx((variance / (variance + 1)).sum(), rel=0.05)  # theory
    assert best < loss(fitted(noisy)) < 1.06 * best


def test_share_of_signal_is_that_of_each_component_and_zero_for_noise(toy):
    _, _, variance, draw = toy
    held_out = [(noisy, torch.ones_like(noisy)) for noisy in (draw(4000)[1],)]
    fitted = wiener.fit(draw(6000)[1], torch.ones(PIXELS), held_out, components=10, seed=1)
    np.testing.assert_allclose(fitted.kept[:RANK], variance / (variance + 1), atol=0.03)
    assert float(fitted.kept[RANK:].max()) < 0.08


def test_pure_noise_is_filtered_to_the_mean():
    generator = torch.Generator().manual_seed(2)
    noisy = torch.randn(3000, PIXELS, generator=generator) + 5
    held_out = [(torch.randn(3000, PIXELS, generator=generator) + 5, torch.ones(3000, PIXELS))]
    fitted = wiener.fit(noisy, torch.ones(PIXELS), held_out, components=10, seed=1)
    assert float((fitted(noisy) - 5).std()) < 0.05


def test_the_same_seed_gives_the_same_components(toy):
    noisy = toy[3](200)[1]
    first, second = (wiener.leading(noisy - noisy.mean(dim=0), 5, seed=3)[0] for _ in range(2))
    assert torch.equal(first, second)
