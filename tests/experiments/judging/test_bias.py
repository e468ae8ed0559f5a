"""Bias against other labels: bins, the scatter of their means, and the table."""

import numpy as np
import pytest

from logg1m.experiments.judging.bias import bias_scatter, bias_table, bins

WIDTH = 500.0


@pytest.fixture
def teff() -> np.ndarray:
    return np.random.default_rng(1).uniform(3750, 6000, 3_000)


def ones(n: int) -> np.ndarray:
    return np.ones((1, n), dtype=np.float32)


def test_bins_are_multiples_of_the_width_and_hold_every_value(teff):
    index, edges = bins(teff, WIDTH)
    assert edges.tolist() == [3500, 4000, 4500, 5000, 5500, 6000]
    assert ((teff >= edges[index]) & (teff < edges[index + 1])).all()


def test_value_on_the_last_edge_is_in_the_last_bin():
    assert bins(np.array([3500.0, 4000.0]), WIDTH)[0].tolist() == [0, 0]
    assert bins(np.full(5, 4000.0), WIDTH)[0].tolist() == [0] * 5


def test_no_bias_scatters_only_by_noise_and_a_slope_scatters_by_its_size(teff):
    noise = np.random.default_rng(2).normal(0, 0.1, len(teff))
    assert bias_scatter(noise, teff, WIDTH)(ones(len(teff)))[0] < 0.02
    index, edges = bins(teff, WIDTH)
    means = edges[:-1] / 1000
    slope = means[index]
    assert bias_scatter(slope, teff, WIDTH)(ones(len(teff)))[0] == pytest.approx(means.std(), rel=1e-5)


def test_constant_offset_is_no_scatter(teff):
    assert bias_scatter(np.full(len(teff), 0.7), teff, WIDTH)(ones(len(teff)))[0] == pytest.approx(0, abs=1e-6)


def test_scatter_is_that_of_the_resampled_spectra(teff):
    rng = np.random.default_rng(3)
    error = rng.normal(0, 0.3, len(teff)) + teff / 4000
    drawn = rng.integers(0, len(teff), len(teff))
    counts = np.bincount(drawn, minlength=len(teff))[None].astype(np.float32)
    index, _ = bins(teff, WIDTH)
    means = [error[drawn][index[drawn] == k].mean() for k in range(5)]
    assert bias_scatter(error, teff, WIDTH)(counts)[0] == pytest.approx(np.std(means), rel=1e-4)


def test_too_few_spectra_for_any_bin_give_an_undefined_scatter_without_a_warning():
    statistic = bias_scatter(np.zeros(9), np.linspace(3750, 6000, 9), WIDTH)
    assert np.isnan(statistic(np.ones((3, 9), dtype=np.float32))).all()


def test_table_holds_mean_and_standard_error_of_full_bins(teff):
    error = np.where(teff < 4000, 1.0, 0.0)
    rows = bias_table(error, teff, WIDTH)
    assert [(row["low"], row["mean"]) for row in rows] == [(3500, 1), (4000, 0), (4500, 0), (5000, 0), (5500, 0)]
    assert sum(row["n"] for row in rows) == len(teff)
    noisy = bias_table(np.random.default_rng(4).normal(0, 1, len(teff)), teff, WIDTH)
    assert noisy[1]["standard_error"] == pytest.approx(1 / np.sqrt(noisy[1]["n"]), rel=0.1)
    assert bias_table(error[:9], teff[:9], WIDTH) == []
