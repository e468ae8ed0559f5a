"""A network with everything that makes it learn log g: standardised inputs, encoder, head, objective, weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.nn import objectives
from logg1m.nn.encoder import Encoder, initialise
from logg1m.nn.features import Features
from logg1m.nn.guidance import Guidance
from logg1m.nn.task_weights import TaskWeights


class Standardise(nn.Module):
    """(x − mean)/scale per channel and pixel with training statistics, or the sky lines would dominate."""

    mean: torch.Tensor
    inverse: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, masked: bool = False) -> None:
        """mean, scale : (C, P); a pixel that never varies, such as a hidden one, comes out as zero
        masked : whether spectra may have masked pixels, NaN, which come out as zero too"""
        super().__init__()
        self.masked = masked
        self.register_buffer("mean", mean)
        self.register_buffer("inverse", torch.where(scale > 1e-6, 1 / scale, torch.zeros_like(scale)))

    def filled(self, x: torch.Tensor) -> torch.Tensor:
        """Spectra (B, C, P) with the mean in place of masked pixels."""
        return torch.where(x.isnan(), self.mean, x) if self.masked else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.filled(x) - self.mean) * self.inverse


@dataclass(frozen=True)
class Material:
    """What a learner is made for.

    mean, scale : of the inputs on the training spectra, (C, P)
    labels : of the training spectra, (N, T) in dex and K, log g first
    wave : vacuum Å, (P,)
    windows : the pixels that guidance points at, (P,), where the recipe has guidance
    features : of the projection, where the recipe has it as a token
    """

    mean: torch.Tensor
    scale: torch.Tensor
    labels: torch.Tensor
    wave: torch.Tensor
    windows: np.ndarray | None = None
    features: Features | None = None


class Learner(nn.Module):
    """Prepared spectra (B, C, P) → labels; its parameters and buffers are the whole model.

    With the projection as a token masked pixels are NaN: that leaves them out, the patches have the mean there.
    """

    def __init__(self, recipe: Recipe, architecture: Architecture, material: Material) -> None:
        super().__init__()
        n_channels, n_targets = len(material.mean), material.labels.shape[1]
        features = material.features
        self.standardise = Standardise(material.mean, material.scale, features is not None and features.masked)
        self.encoder = Encoder(architecture, n_channels, material.wave, recipe.tokeniser, recipe.position)
        self.objective = objectives.build(recipe.objective, material.labels)
        n_features = self.encoder.n_features + (0 if features is None else architecture.width)
        self.head = nn.Linear(n_features, self.objective.n_outputs)
        nn.init.zeros_(self.head.weight)  # the first prediction is the mean label
        nn.init.zeros_(self.head.bias)
        self.task_weights = TaskWeights(recipe.heads, n_targets)
        self.guidance: Guidance | None = None
        if recipe.attention_bias != "none":
            assert material.windows is not None
            windows = torch.as_tensor(material.windows)
            self.guidance = Guidance(recipe.attention_bias, self.encoder, windows, n_targets)
        self.features = features
        if features is not None:
            self.embed = nn.Linear(len(features.centre), architecture.width)
            initialise(self.embed)

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Training loss of a batch; `share` of the training is behind."""
        return self._loss(self._encode, x, labels, share)

    def compiled_loss(self, compiler: Callable[[Any], Any]) -> Callable[..., torch.Tensor]:
        """The same function with the transformer compiled: all the work, and no step differs from another.

        What follows it is a few numbers per spectrum: it changes in the course of a training (objectives by levels),
        and balanced task weights differentiate in the middle of it.
        """
        return partial(self._loss, compiler(self._encode))

    def _loss(
        self,
        encode: Callable[..., tuple[torch.Tensor, torch.Tensor | None]],
        x: torch.Tensor,
        labels: torch.Tensor,
        share: float,
    ) -> torch.Tensor:
        encoded, auxiliary = encode(x, self.objective.targets(labels), self.projected(x))
        with torch.autocast(x.device.type, enabled=False):  # a label has more digits than bfloat16
            encoded = encoded.float()
            losses = self.objective.losses(self.head(encoded), labels, share).mean(dim=0)
            total = self.task_weights(losses, encoded)
            return torch.as_tensor(total if auxiliary is None else total + auxiliary.float())

    def _encode(
        self, x: torch.Tensor, targets: torch.Tensor, projected: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Prepared spectra (B, C, P) → (B, F), and the auxiliary loss where there is guidance; targets (B, T)."""
        tokens, beside = self.encoder.tokeniser(self.standardise(x)), self.token(projected)
        encoded = self.encoder.summarised(tokens, None, beside)
        return encoded, None if self.guidance is None else self.guidance(self.encoder, tokens, targets, beside)

    def projected(self, x: torch.Tensor) -> torch.Tensor | None:
        """What the projection sees of prepared spectra (B, C, P), (B, K + R), where it is a token; in single precision,
        and in no compiled part: how much there is to do depends on the masks."""
        if self.features is None:
            return None
        with torch.autocast(x.device.type, enabled=False):
            return torch.as_tensor(self.features(x))

    def token(self, projected: torch.Tensor | None) -> torch.Tensor | None:
        """The same as a token beside the patches, (B, 1, D)."""
        return None if projected is None else torch.as_tensor(self.embed(projected)[:, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of the head (B, O) for prepared spectra."""
        return self.on_grid(self.standardise(x), projected=self.projected(x))

    def on_grid(
        self, standardised: torch.Tensor, wave: torch.Tensor | None = None, projected: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The same for spectra that are standardised already, on any grid `wave` (P,) in Å, and what the projection sees of
        them, where it is a token."""
        encoded = self.encoder(standardised, wave, self.token(projected))
        with torch.autocast(encoded.device.type, enabled=False):
            return torch.as_tensor(self.head(encoded.float()))

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Labels (B, T) in dex and K."""
        return self.objective.predict(self(x))
