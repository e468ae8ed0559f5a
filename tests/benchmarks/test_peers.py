"""The peers of the benchmark: template grid against χ² written out, the Payne's way where its emulator is exact."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

PATH = Path(__file__).parents[2] / "benchmarks/peers.py"


@pytest.fixture(scope="module")
def peers():
    spec = importlib.util.spec_from_file_location("peers", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stars(peers, n, seed):
    """Spectra that are linear in five labels, each within (−1, 1), with noise."""
    generator = np.random.default_rng(seed)
    labels = generator.uniform(-1, 1, (n, 5))
    slopes = np.random.default_rng(0).normal(size=(5, 64))
    flux = (0.5 + labels @ slopes).astype(np.float32)
    error = np.full_like(flux, 0.3)
    noisy = flux + error * generator.normal(size=flux.shape).astype(np.float32)
    return peers.Stars(np.arange(n), flux, error, noisy, labels)


def test_templates_are_weighted_by_their_chi_square(peers):
    train, test = stars(peers, 300, 1), stars(peers, 20, 2)
    nearest, weighted = peers.templates(train, test)
    chi2 = (((test.noisy[:, None] - train.flux[None]) / test.error[:, None]) ** 2).sum(axis=2)
    log_g = train.labels[:, peers.LOGG]
    np.testing.assert_array_equal(nearest.log_g, log_g[chi2.argmin(axis=1)])
    weight = np.exp(-0.5 * (chi2 - chi2.min(axis=1, keepdims=True)))
    np.testing.assert_allclose(weighted.log_g, (weight * log_g).sum(axis=1) / weight.sum(axis=1), atol=1e-3)


@pytest.mark.slow
def test_chi_square_by_an_emulator_is_least_squares_where_spectra_are_linear(peers):
    train, test = stars(peers, 2_000, 1), stars(peers, 20, 2)
    torch.set_num_threads(1)
    found = peers.payne(train, train, test, seconds=5)
    slopes = np.linalg.lstsq(train.labels, train.flux - 0.5, rcond=None)[0]
    exact = np.linalg.lstsq(slopes.T, (test.noisy - 0.5).T, rcond=None)[0][peers.LOGG]
    assert np.sqrt(np.mean((found.log_g - np.clip(exact, -1, 1)) ** 2)) < 0.3 * np.std(
        exact - test.labels[:, peers.LOGG]
    )
