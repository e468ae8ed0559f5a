"""A perceptron on what a spectrum is in the subspace of the models, with everything that makes it learn labels."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from logg1m.config.experiments import Recipe
from logg1m.config.projection import Projection
from logg1m.inputs.subspace import Subspace, completed, groups
from logg1m.nn import objectives
from logg1m.nn.task_weights import TaskWeights

_TINY = 1e-12  # under the logarithm of a residual


class Features(nn.Module):
    """Prepared spectra (B, C, P) → standardised numbers (B, K + R): coefficients in the subspace, and how large the
    residual is in groups of pixels ordered by weight, the noise level as the spectrum itself shows it."""

    mean: torch.Tensor
    weights: torch.Tensor
    basis: torch.Tensor
    covariance: torch.Tensor
    groups: torch.Tensor
    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, subspace: Subspace, levels: int, masked: bool) -> None:
        """levels : R, the groups of residual pixels; masked : whether spectra may have masked pixels, NaN"""
        super().__init__()
        self.levels, self.masked = levels, masked
        for name in ("mean", "weights", "basis", "covariance"):
            self.register_buffer(name, getattr(subspace, name).contiguous())
        self.register_buffer("groups", groups(subspace.weights, levels) if levels else torch.zeros(0, 0))
        size = self.basis.shape[1] + levels
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def standardise_by(self, features: torch.Tensor) -> None:
        """Take centre and scale from the features of training spectra (N, K + R); NaN counts in neither."""
        known = ~features.isnan()
        count = known.sum(dim=0).clamp_min(1)
        centre = features.nansum(dim=0, dtype=torch.float64) / count
        spread = ((features - centre).nan_to_num() ** 2).sum(dim=0) / count
        self.centre.copy_(centre)
        self.scale.copy_(spread.sqrt().clamp_min(1e-6))

    def raw(self, x: torch.Tensor) -> torch.Tensor:
        """Before they are standardised; NaN for a group without any good pixel."""
        z = (x.flatten(1) - self.mean) * self.weights
        good = None
        if self.masked:
            good = ~z.isnan()
            z = torch.where(good, z, 0.0)
        c = z @ self.basis if good is None else completed(self.basis, self.covariance, z, good)
        if not self.levels:
            return c
        residual = torch.addmm(z, c, self.basis.T, alpha=-1)
        if good is None:
            count = self.groups.sum(dim=0)
        else:
            residual = torch.where(good, residual, 0.0)
            count = good.to(z.dtype) @ self.groups
        means = (residual * residual) @ self.groups / count
        return torch.cat([c, (means + _TINY).log()], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = (self.raw(x) - self.centre) / self.scale
        return features.nan_to_num(nan=0.0) if self.masked else features


class ProjectionLearner(nn.Module):
    """Prepared spectra (B, C, P) → labels; its parameters and buffers are the whole model.

    All of it in single precision on every device: coefficients are sums over all pixels, and there is little to gain.
    """

    def __init__(self, recipe: Recipe, shape: Projection, features: Features, labels: torch.Tensor) -> None:
        """labels : of the training spectra, (N, T) in dex and K, log g first"""
        super().__init__()
        self.features = features
        self.objective = objectives.build(recipe.objective, labels)
        widths = [len(features.centre)] + shape.depth * [shape.width]
        layers = [layer for k in range(shape.depth) for layer in (nn.Linear(widths[k], widths[k + 1]), nn.SiLU())]
        self.perceptron = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], self.objective.n_outputs)
        nn.init.zeros_(self.head.weight)  # the first prediction is the mean label
        nn.init.zeros_(self.head.bias)
        self.task_weights = TaskWeights(recipe.heads, labels.shape[1])

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Training loss of a batch; `share` of the training is behind."""
        return self._loss(self._encode, x, labels, share)

    def compiled_loss(self, compiler: Callable[[Any], Any]) -> Callable[..., torch.Tensor]:
        """The same function with its heavy part compiled; what follows changes in the course of a training."""
        return partial(self._loss, compiler(self._encode))

    def _loss(
        self, encode: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, labels: torch.Tensor, share: float
    ) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            encoded = encode(x)
            losses = self.objective.losses(self.head(encoded), labels, share).mean(dim=0)
            return torch.as_tensor(self.task_weights(losses, encoded))

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.perceptron(self.features(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of the head (B, O) for prepared spectra."""
        with torch.autocast(x.device.type, enabled=False):
            return torch.as_tensor(self.head(self._encode(x)))

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Labels (B, T) in dex and K."""
        return self.objective.predict(self(x))
