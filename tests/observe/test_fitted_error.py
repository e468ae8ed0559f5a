"""The honest error of a source without photometric scale: fitted on training spectra."""

import numpy as np
import pytest
import torch

from logg1m.files import InputError
from logg1m.observe.honest import FittedError, boxcar
from logg1m.protocol.pools import noisy_rows


def test_boxcar_is_the_plain_mean_with_short_edges():
    values = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    smooth = boxcar(torch.from_numpy(values), 7).numpy()
    for k in (0, 2, 20, 39):
        assert np.allclose(smooth[:, k], values[:, max(0, k - 3) : k + 4].mean(axis=1), atol=1e-6)


def test_fit_recovers_the_errors_that_its_own_model_made():
    rng = np.random.default_rng(1)
    scale, flux = rng.uniform(0.5, 4, 300), rng.uniform(0.2, 1, (300, 400))
    sky = np.exp(rng.normal(size=400) * 2)
    sky[:30] = 1e4  # sky lines in which no star is seen
    variance = scale[:, None] * sky + np.sqrt(scale)[:, None] * 0.5 * flux
    model = FittedError(flux.astype(np.float32), np.sqrt(variance).astype(np.float32))
    assert model.residual < 1e-3


def test_fitted_error_follows_the_true_one_on_other_spectra(small_store):
    flux, error = small_store.read(0, "flux"), small_store.read(0, "error")
    model = FittedError(flux[:600], error[:600])
    ids = np.arange(600, 900)
    noisy = torch.from_numpy(noisy_rows(flux[600:900], error[600:900], ids, 1, 1.0, draw=0))
    ratio = model(noisy, torch.from_numpy(error[600:900])).numpy() / error[600:900]
    assert abs(np.median(ratio) - 1) < 0.03
    assert 0.8 < np.percentile(ratio, 10) < np.percentile(ratio, 90) < 1.2


def test_fitted_error_knows_nothing_of_the_stars_own_pixels(small_store):
    flux, error = small_store.read(0, "flux"), small_store.read(0, "error")
    model = FittedError(flux[:300], error[:300])
    noisy = torch.from_numpy(flux[300:310].copy())
    changed = error[300:310].copy()
    changed[:, ~model.sky_pixels] *= 1.5  # what the noise-free spectrum would leave in the error
    assert torch.equal(model(noisy, torch.from_numpy(error[300:310])), model(noisy, torch.from_numpy(changed)))


def test_too_few_training_spectra_are_refused():
    with pytest.raises(InputError, match="at least 3 training spectra"):
        FittedError(np.ones((2, 8), np.float32), np.ones((2, 8), np.float32))
