"""A perceptron on what a spectrum is in the subspace of the models, with everything that makes it learn labels."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from logg1m.config.experiments import Recipe
from logg1m.config.projection import Projection
from logg1m.nn import objectives
from logg1m.nn.features import Features
from logg1m.nn.task_weights import TaskWeights


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
