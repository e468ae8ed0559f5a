"""The features of a projection from training spectra: weights and basis from noise-free ones, their scale from noisy ones."""

from collections.abc import Iterator

import numpy as np
import torch

from logg1m.experiments.models import raw_spectra
from logg1m.experiments.task import Task
from logg1m.inputs.channels import MASKED_SHARE
from logg1m.inputs.subspace import Subspace
from logg1m.nn.features import Features

_STATISTICS_ROWS = 8_192  # training spectra behind the mean and scale of the features
_BATCH = 512
_LEAST_NOISE = 1e-3  # of the scatter of noise-free spectra: the weight of a channel without noise is finite


def of(task: Task, raw: raw_spectra.Raw) -> Features:
    """Of the training spectra of a task, noise-free flux and error, standardised by them; on the device."""
    found = Features(subspace(task, raw), task.recipe.residual_levels, task.prepare.neutral is not None)
    found.to(task.prepare.device)
    n = min(len(task.rows.fit), _STATISTICS_ROWS)
    seen = [
        found.raw(task.prepare.fresh(flux, error, ids, task.rows.draw)) for flux, error, ids in _batches(task, raw, n)
    ]
    found.standardise_by(torch.cat(seen))
    return found


def subspace(task: Task, raw: raw_spectra.Raw) -> Subspace:
    """Weights and basis of (at most `projection.basis_rows` of) the training spectra, as the recipe sees them."""
    n = min(len(task.rows.fit), task.setting.projection.basis_rows)
    size = len(task.recipe.channels) * task.store.n_pixels
    noise_free, done = torch.empty(n, size, device=task.prepare.device), 0
    for flux, error, ids in _batches(task, raw, n):
        noise_free[done : done + len(ids)] = task.prepare.seen(flux, error, ids).flatten(1)
        done += len(ids)
    weights = _weights(task, raw, noise_free)
    return Subspace.of(noise_free, weights, task.recipe.components, task.setting.seed, task.recipe.basis == "random")


def _weights(task: Task, raw: raw_spectra.Raw, noise_free: torch.Tensor) -> torch.Tensor:
    """1/rms of the noise of every pixel (D,) over training spectra, zero where nothing is seen, and of the masked share,
    which is no measurement.

    Of the flux as stored that is the rms of the errors; of anything else, of what the noise makes of it.
    """
    recipe, prepare = task.recipe, task.prepare
    as_stored = recipe.channels == ("flux",) and recipe.normalisation == "stored" and recipe.denoiser == "none"
    total, of_noise, of_flux, good, known = torch.zeros(
        5, noise_free.shape[1], dtype=torch.float64, device=prepare.device
    )
    done = 0
    for flux, error, ids in _batches(task, raw, len(noise_free)):
        clean = noise_free[done : done + len(ids)].double()
        if as_stored:
            noise = (error * prepare.view.noise_level).masked_fill(error.isinf(), torch.nan)
        else:
            noise = prepare.fresh(flux, error, ids, task.rows.draw).flatten(1) - clean
        known, of_noise = known + (~noise.isnan()).sum(0), of_noise + noise.nan_to_num().double().square().sum(0)
        good, total, of_flux = (
            good + (~clean.isnan()).sum(0),
            total + clean.nansum(0),
            of_flux + clean.square().nansum(0),
        )
        done += len(ids)
    good, known = good.clamp_min(1), known.clamp_min(1)
    scatter = (of_flux / good - (total / good) ** 2).clamp_min(0)
    variance = of_noise / known + _LEAST_NOISE**2 * scatter
    measured = [name != MASKED_SHARE for name in recipe.channels]
    shown = torch.cat([~prepare.hidden & told for told in measured])
    seen = (variance > 0) & shown
    if recipe.pixel_weights == "none":
        variance = torch.full_like(variance, float(variance[seen].mean()))
    return torch.where(seen, variance.clamp_min(1e-300).rsqrt(), 0.0).float()


def _batches(task: Task, raw: raw_spectra.Raw, n: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
    """Noise-free flux and error on the device, and ids, of the first n training spectra."""
    for low in range(0, n, _BATCH):
        part = slice(low, min(low + _BATCH, n))
        flux, error = (torch.as_tensor(np.asarray(values[part])).to(task.prepare.device) for values in raw)
        yield flux, error, task.rows.fit[part]
