"""A projection as one more kind of model: weights and basis from noise-free training spectra, then a perceptron."""

from collections.abc import Iterator

import numpy as np
import torch

from logg1m.experiments.models import raw_spectra, supervised
from logg1m.experiments.reading import Room
from logg1m.experiments.task import Fitted, Task
from logg1m.inputs.subspace import Subspace
from logg1m.nn.projection import Features, ProjectionLearner
from logg1m.spectra import passes

_STATISTICS_ROWS = 8_192  # training spectra behind the mean and scale of the features
_BATCH = 512
_LEAST_NOISE = 1e-3  # of the scatter of noise-free spectra: the weight of a channel without noise is finite


def fit(task: Task) -> Fitted:
    """Train, or resume; a training that has ended before is taken as it is."""
    device = task.prepare.device
    with Room(task.state) as room:
        spectra = supervised.read(task, room)
        with passes.all_threads(task.compute):
            learner = build(task, spectra.fit).to(device)
            settings = supervised.lengthened(task.setting.projection.training, task.recipe.supervised_epochs_factor)
            trained = supervised.train(task, learner, spectra, settings)
    learner.load_state_dict(trained.weights)
    learner.eval()
    return Fitted(
        supervised.predictor(learner, device),
        {name: value.cpu().numpy() for name, value in learner.state_dict().items()},
        supervised.history(trained),
        {"components": learner.features.basis.shape[1]} | supervised.chosen(learner, trained),
        lambda x: learner.predict(x)[:, 0],
        learner,
        timings=supervised.timings(trained, device),
        validation=supervised.by_group(task, trained),
    )


def build(task: Task, raw: raw_spectra.Raw) -> ProjectionLearner:
    """The learner with its initial weights, a function of seed and seed number."""
    recipe, own_seed = task.recipe, task.setting.seed + task.setting.seed_number
    features = Features(subspace(task, raw), recipe.residual_levels, task.prepare.neutral is not None)
    features.to(task.prepare.device)
    n = min(len(task.rows.fit), _STATISTICS_ROWS)
    seen = [
        features.raw(task.prepare.fresh(flux, error, ids, task.rows.draw))
        for flux, error, ids in _batches(task, raw, n)
    ]
    features.standardise_by(torch.cat(seen))
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(own_seed)
        return ProjectionLearner(recipe, task.setting.projection, features, labels)


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
    """1/rms of the noise of every pixel (D,) over training spectra, zero where nothing is seen.

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
    seen = (variance > 0) & ~prepare.hidden.repeat(len(recipe.channels))
    if recipe.pixel_weights == "none":
        variance = torch.full_like(variance, float(variance[seen].mean()))
    return torch.where(seen, variance.clamp_min(1e-300).rsqrt(), 0.0).float()


def _batches(task: Task, raw: raw_spectra.Raw, n: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
    """Noise-free flux and error on the device, and ids, of the first n training spectra."""
    for low in range(0, n, _BATCH):
        part = slice(low, min(low + _BATCH, n))
        flux, error = (torch.as_tensor(np.asarray(values[part])).to(task.prepare.device) for values in raw)
        yield flux, error, task.rows.fit[part]
