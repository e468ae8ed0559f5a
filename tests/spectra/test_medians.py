"""Medians of rows against numpy's, to the last bit."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from logg1m.spectra.amplitude import rescaling
from logg1m.spectra.medians import row_medians


def expected(values: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = [row[~np.isnan(row)].astype(np.float64) for row in values]
        return np.array([np.median(row) if len(row) else np.nan for row in found])


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90), elements=st.floats(width=32)))
def test_any_numbers_have_the_medians_of_numpy(values):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(row_medians(values), expected(values))


@pytest.mark.parametrize("n", [1, 2, 48, 49, 1_000, 4_095, 4_096])
@pytest.mark.parametrize("kind", ["normal", "ties", "outliers", "halves", "masked"])
def test_rows_of_spectra(n, kind):
    rng = np.random.default_rng(n)
    values = (0.5 + 0.1 * rng.standard_normal((20, n))).astype(np.float32)
    if kind == "ties":
        values = np.round(values, 1)
    elif kind == "outliers":
        values[:, rng.integers(n, size=n // 5)] *= np.float32(1e20)
    elif kind == "halves":
        values[:, : n // 2] -= 1e6
    elif kind == "masked":
        values[rng.random(values.shape) < 0.3] = np.nan
    np.testing.assert_array_equal(row_medians(values), expected(values))
    lower = torch.as_tensor(values).nanmedian(dim=1).values
    np.testing.assert_array_equal(row_medians(values, lower=True), lower)


def test_there_may_be_nothing():
    assert row_medians(np.empty((0, 5), np.float32)).shape == (0,)
    assert np.isnan(row_medians(np.empty((2, 0), np.float32))).all()
    assert np.isnan(row_medians(np.full((2, 3), np.nan, np.float32))).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_spectrum_is_divided_by_the_same_median_with_a_gradient_and_without(dtype):
    noisy = 0.5 + 0.1 * torch.randn(6, 100, dtype=dtype, generator=torch.Generator().manual_seed(0))
    noisy[noisy > 0.6] = torch.nan
    assert torch.equal(rescaling(noisy), rescaling(noisy.clone().requires_grad_()).detach())
