"""Bootstrap over spectra of means over seeds, against numbers that are known."""

import numpy as np
import pytest

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.judging import resampling

BOOTSTRAP = Bootstrap(resamples=2_000)
N = 400


def means(rows: np.ndarray) -> list[resampling.Statistic]:
    return [metrics.mean(row) for row in rows]


def test_each_seed_on_all_spectra():
    values = np.random.default_rng(0).normal(size=(3, N))
    np.testing.assert_allclose(resampling.per_seed(means(values), N), values.mean(axis=1), atol=1e-6)


def test_one_seed_scatters_as_the_mean_of_its_spectra():
    values = np.random.default_rng(0).normal(size=(1, N))
    found = resampling.replicates([means(values)], N, BOOTSTRAP, 7)
    assert found.shape == (1, 2_000)
    assert found.std() == pytest.approx(values.std() / N**0.5, rel=0.06)


def test_seeds_are_averaged_and_not_resampled():
    offsets = np.array([-1.0, 0.0, 1.0])
    values = np.random.default_rng(0).normal(0, 0.01, size=(3, N)) + offsets[:, None]
    found = resampling.replicates([means(values)], N, BOOTSTRAP, 7)
    assert found.std() == pytest.approx(values.mean(axis=0).std() / N**0.5, rel=0.06)


def test_models_share_the_spectra_that_are_drawn():
    values = np.random.default_rng(0).normal(size=(1, N))
    one, other = resampling.replicates([means(values), means(values + 2)], N, BOOTSTRAP, 7)
    np.testing.assert_allclose(other - one, 2, atol=1e-6)
