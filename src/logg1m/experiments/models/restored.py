"""Fitted models from their files: what `fit` of the other modules here saved, asked for predictions once more."""

from collections.abc import Callable

import numpy as np
import torch

from logg1m.experiments.models import network, supervised
from logg1m.experiments.task import Fitted, Task
from logg1m.files import InputError
from logg1m.inputs.windows import windows
from logg1m.nn.features import Features
from logg1m.nn.learner import Learner, Material
from logg1m.nn.projection import ProjectionLearner

Tensors = dict[str, np.ndarray]


def restore(task: Task, tensors: Tensors) -> Fitted:
    """A model as it was fitted to a task, without its history.

    Raises
    ------
    InputError
        If the tensors are not those of a model of this task's recipe.
    """
    kind = task.recipe.model
    try:
        return _BY_KIND[kind](task, tensors)
    except (KeyError, RuntimeError) as error:
        raise InputError(f"{task.title}: the saved model is none of this recipe ({kind}): {error}") from error


def _ridge(task: Task, tensors: Tensors) -> Fitted:
    weights, intercept, mean, scale = (tensors[name] for name in ("weights", "intercept", "mean", "scale"))

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        standardised = spectra.reshape(len(spectra), -1) - mean
        standardised /= scale
        return standardised @ weights + intercept, {}

    return Fitted(predict, tensors, [], {})


def _lightgbm(task: Task, tensors: Tensors) -> Fitted:
    from logg1m.baselines import boosting  # needs LightGBM, which no other model does

    booster, best = boosting.from_bytes(tensors["booster"]), int(tensors["best_iteration"][0])

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return np.asarray(booster.predict(spectra.reshape(len(spectra), -1), num_iteration=best))[:, None], {}

    return Fitted(predict, tensors, [], {})


def _network(task: Task, tensors: Tensors) -> Fitted:
    """The learner in the shape of its recipe; statistics and labels of the training are among what is loaded."""
    wave, device = torch.as_tensor(task.store.wave), task.prepare.device
    shape = len(task.recipe.channels), len(wave)
    guided = None
    if task.recipe.attention_bias != "none":
        guided = windows(network.GUIDING_WINDOWS, task.store.wave, task.sensitivity)[0]
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    fitted = {name: torch.as_tensor(value) for name, value in tensors.items()}
    features = _features(task, fitted) if task.recipe.projection_token else None
    material = Material(torch.zeros(shape), torch.ones(shape), labels, wave, guided, features)
    with torch.random.fork_rng(devices=[]):
        learner = Learner(task.recipe, task.setting.network.chosen, material).to(device)
    learner.load_state_dict(fitted)
    learner.eval()
    return Fitted(supervised.predictor(learner, device), tensors, [], {}, module=learner)


def _projection(task: Task, tensors: Tensors) -> Fitted:
    """The learner in the shape of its recipe; subspace, statistics and labels of the training are among what is loaded."""
    device = task.prepare.device
    fitted = {name: torch.as_tensor(value) for name, value in tensors.items()}
    features = _features(task, fitted)
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    learner = ProjectionLearner(task.recipe, task.setting.projection, features, labels).to(device)
    learner.load_state_dict(fitted)
    learner.eval()
    return Fitted(supervised.predictor(learner, device), tensors, [], {}, module=learner)


def _features(task: Task, fitted: dict[str, torch.Tensor]) -> Features:
    return Features.saved(fitted, task.recipe.residual_levels, task.prepare.neutral is not None)


_BY_KIND: dict[str, Callable[[Task, Tensors], Fitted]] = {
    "ridge": _ridge,
    "lightgbm": _lightgbm,
    "projection": _projection,
    "vit": _network,
}
