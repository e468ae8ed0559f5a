"""A fitted model from what a model folder holds of it: no run, no store, no training labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.config.projection import Projection
from logg1m.files import InputError
from logg1m.inputs.channels import needs_error
from logg1m.nn.features import Features
from logg1m.nn.learner import Learner, Material
from logg1m.nn.projection import ProjectionLearner

Tensors = Mapping[str, np.ndarray]
# Prepared spectra (B, C, P), NaN at masked pixels where a projection is told of them, and whether there are none → labels (B, T), and sigma of
# the first (B,) or None.
Answer = Callable[[torch.Tensor, bool], tuple[torch.Tensor, torch.Tensor | None]]


def refusal(recipe: Recipe) -> str | None:
    """Why a model of a recipe cannot be applied to other spectra than those of its run; None where it can."""
    if recipe.denoiser != "none":
        return f"its spectra are filtered by a denoiser ({recipe.denoiser}), which is not part of the model"
    if needs_error(recipe.channels):
        return f"it sees an error that is estimated as for simulated spectra (channels {', '.join(recipe.channels)})"
    return None


@dataclass(frozen=True)
class Shape:
    """What a model is built from before its weights are loaded.

    architecture : of a network or a projection, plain values; empty for others
    ranges : of the training labels, (T, 2), log g first
    wave : vacuum Å, (P,)
    guided : pixels (P,) that guidance points at, where the recipe has guidance
    """

    recipe: Recipe
    architecture: Mapping[str, Any]
    ranges: np.ndarray
    wave: np.ndarray
    guided: np.ndarray | None = None

    @property
    def labels(self) -> torch.Tensor:
        """Both ends of every range, (2, T): what an objective needs to know before its own numbers are loaded."""
        return torch.as_tensor(self.ranges.T.copy(), dtype=torch.float32)


def restore(shape: Shape, tensors: Tensors, device: torch.device) -> Answer:
    """The fitted model as a function.

    Raises
    ------
    InputError
        If the tensors are not those of a model of this shape.
    """
    try:
        return _BY_KIND[shape.recipe.model](shape, tensors, device)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"the weights are none of a model of this recipe ({shape.recipe.model}): {error}") from error


def _ridge(shape: Shape, tensors: Tensors, device: torch.device) -> Answer:
    weights, intercept, mean, scale = (tensors[name] for name in ("weights", "intercept", "mean", "scale"))

    def answer(x: torch.Tensor, whole: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        standardised = (x.flatten(1).cpu().numpy() - mean) / scale
        return torch.as_tensor(standardised @ weights + intercept), None

    return answer


def _lightgbm(shape: Shape, tensors: Tensors, device: torch.device) -> Answer:
    from logg1m.baselines import boosting  # needs LightGBM, which no other model does

    booster, best = boosting.from_bytes(tensors["booster"]), int(tensors["best_iteration"][0])

    def answer(x: torch.Tensor, whole: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        found = booster.predict(x.flatten(1).cpu().numpy(), num_iteration=best)
        return torch.as_tensor(np.asarray(found))[:, None], None

    return answer


def _network(shape: Shape, tensors: Tensors, device: torch.device) -> Answer:
    size, wave = (len(shape.recipe.channels), len(shape.wave)), torch.as_tensor(shape.wave)
    features = _features(shape, tensors) if shape.recipe.projection_token else None
    material = Material(torch.zeros(size), torch.ones(size), shape.labels, wave, shape.guided, features)
    with torch.random.fork_rng(devices=[]):
        learner = Learner(shape.recipe, Architecture(**shape.architecture), material)
    _fill(learner, tensors, device)

    def answer(x: torch.Tensor, whole: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        projected = None if learner.features is None else _projected(learner.features, x, whole)
        outputs = learner.on_grid(learner.standardise(x), projected=projected)
        sigma = learner.objective.sigma(outputs)
        return learner.objective.predict(outputs), None if sigma is None else sigma[:, 0]

    return answer


def _projection(shape: Shape, tensors: Tensors, device: torch.device) -> Answer:
    features = _features(shape, tensors)
    with torch.random.fork_rng(devices=[]):
        learner = ProjectionLearner(shape.recipe, Projection.model_validate(shape.architecture), features, shape.labels)
    _fill(learner, tensors, device)

    def answer(x: torch.Tensor, whole: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        outputs = learner.head(learner.perceptron(_projected(learner.features, x, whole)))
        sigma = learner.objective.sigma(outputs)
        return learner.objective.predict(outputs), None if sigma is None else sigma[:, 0]

    return answer


def _features(shape: Shape, tensors: Tensors) -> Features:
    fitted = {name: torch.as_tensor(value) for name, value in tensors.items()}
    return Features.saved(fitted, shape.recipe.residual_levels, masked=True)


def _projected(features: Features, x: torch.Tensor, whole: bool) -> torch.Tensor:
    """Features (B, K + R). Spectra with masked pixels go by themselves: only they pay for the weighted least squares."""
    unmasked = features.taking(masked=False)
    if whole:
        return torch.as_tensor(unmasked(x))
    bad = (x.flatten(1).isnan() & (features.weights > 0)).any(dim=1)
    found = torch.empty(len(x), len(features.centre), device=x.device)
    if not bad.all():
        found[~bad] = unmasked(x[~bad].nan_to_num(nan=0.0))
    if bad.any():
        found[bad] = features(x[bad])
    return found


def _fill(learner: nn.Module, tensors: Tensors, device: torch.device) -> None:
    learner.load_state_dict({name: torch.as_tensor(np.array(value)) for name, value in tensors.items()})
    learner.to(device).eval()


_BY_KIND: dict[str, Callable[[Shape, Tensors, torch.device], Answer]] = {
    "ridge": _ridge,
    "lightgbm": _lightgbm,
    "projection": _projection,
    "vit": _network,
}
