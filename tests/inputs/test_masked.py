"""What stands for masked pixels before a normalisation, and that it counts for nothing in it."""

import numpy as np
import pytest
import torch

from logg1m.inputs.masked import fill
from logg1m.inputs.normalise import normalise
from logg1m.spectra.masks import interpolated


def test_fill_is_linear_between_good_pixels() -> None:
    values = torch.tensor([[9.0, 1.0, 9.0, 9.0, 4.0, 9.0], [9.0] * 6])
    good = torch.tensor([[False, True, False, False, True, False], [False] * 6])
    expected = torch.tensor([[1.0, 1.0, 2.0, 3.0, 4.0, 4.0], [0.0] * 6])
    torch.testing.assert_close(fill(values, good), expected)
    np.testing.assert_allclose(interpolated(np.where(good, values, np.nan)), expected)


@pytest.mark.parametrize(
    "name", ["stored", "median", "zscore_64", "continuum_poly5", "continuum_spline", "continuum_running_median"]
)
def test_normalisations_count_good_pixels_alone(name: str) -> None:
    rng = np.random.default_rng(8)
    flux = torch.from_numpy(rng.uniform(0.3, 0.7, (4, 1024)).astype(np.float32))
    good = torch.from_numpy(rng.random((4, 1024)) > 0.1)
    good[2, 300:800] = False
    some = normalise(name, fill(flux, good), good)
    other = normalise(name, torch.where(good, fill(flux, good), 0.1), good)
    np.testing.assert_array_equal(some[good], other[good])
    every = torch.ones_like(good)
    torch.testing.assert_close(normalise(name, flux, every), normalise(name, flux), rtol=1e-4, atol=1e-5)
