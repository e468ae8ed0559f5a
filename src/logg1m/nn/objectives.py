"""What a network is trained for: outputs → loss, prediction and uncertainty, in units of the labels.

Labels are standardised with training statistics inside; the caller sees dex and K only.
"""

import math

import torch
from torch import nn
from torch.nn import functional

_BIN_WIDTH = 0.25  # dex, of the ordinal levels
_ORDINAL_SHARE = 0.6  # of the steps are trained on levels, the rest on the regression head
_SOFTNESS = 0.25  # dex, standard deviation of soft labels
_LARGEST_LOG_SIGMA = 7.0  # e-folds either way; keeps the exponential finite before training has begun


class SquaredError(nn.Module):
    """One output per target, squared error."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """mean, scale : (T,) of the training labels"""
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("scale", scale.float())

    @property
    def n_outputs(self) -> int:
        return len(self.mean)

    def losses(self, outputs: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Loss of every spectrum and target, (B, T); `share` of the training is behind."""
        return (self.standard(outputs) - self.targets(labels)) ** 2

    def targets(self, labels: torch.Tensor) -> torch.Tensor:
        """Standardised labels (B, T)."""
        return (labels - self.mean) / self.scale

    def standard(self, outputs: torch.Tensor) -> torch.Tensor:
        """The outputs that predict the standardised labels, (B, T)."""
        return outputs

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """Predictions in label units, (B, T)."""
        return torch.as_tensor(self.standard(outputs) * self.scale + self.mean)

    def sigma(self, outputs: torch.Tensor) -> torch.Tensor | None:
        """Predicted standard deviation in label units, (B, T), where the objective has one."""
        return None

    def columns(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """What else is known of the first target, name → (B,), for the table of predictions."""
        return {}


class GaussianLikelihood(SquaredError):
    """Mean and log σ per target: log σ + (y − μ)²/2σ² (Nix & Weigend 1994)."""

    @property
    def n_outputs(self) -> int:
        return 2 * len(self.mean)

    def standard(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, : len(self.mean)]

    def losses(self, outputs: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        log_sigma = self._log_sigma(outputs)
        pull = (self.standard(outputs) - self.targets(labels)) * (-log_sigma).exp()
        return log_sigma + pull**2 / 2

    def sigma(self, outputs: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self._log_sigma(outputs).exp() * self.scale)

    def columns(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sigma": self.sigma(outputs)[:, 0]}

    def _log_sigma(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, len(self.mean) :].clamp(-_LARGEST_LOG_SIGMA, _LARGEST_LOG_SIGMA)


class Ordinal(SquaredError):
    """Levels of 0.25 dex of the first target with cross-entropy, then its regression output with squared error.

    The regression outputs come first, the levels behind them. Soft labels are Gaussian with σ = 0.25 dex over the
    levels (Díaz & Marathe 2019). Further targets have a squared error from the start.
    """

    centres: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, low: float, high: float, soft: bool) -> None:
        """low, high : range of the first training label, dex"""
        super().__init__(mean, scale)
        self.soft = soft
        first = math.floor(low / _BIN_WIDTH) * _BIN_WIDTH
        count = max(math.ceil((high - first) / _BIN_WIDTH), 2)
        self.register_buffer("centres", first + _BIN_WIDTH * (torch.arange(count) + 0.5))

    @property
    def n_outputs(self) -> int:
        return len(self.mean) + len(self.centres)

    def standard(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, : len(self.mean)]

    def losses(self, outputs: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        squared = super().losses(outputs, labels, share)
        if share >= _ORDINAL_SHARE:
            return squared
        distance = (labels[:, :1] - self.centres) / _SOFTNESS
        wanted = (-(distance**2) / 2).softmax(dim=1)
        if not self.soft:
            wanted = functional.one_hot(wanted.argmax(dim=1), len(self.centres)).to(outputs.dtype)
        entropy = functional.cross_entropy(outputs[:, len(self.mean) :], wanted, reduction="none")
        # The regression output follows along at a small weight, so that its training does not start from nothing.
        return torch.cat([(entropy + 0.1 * squared[:, 0])[:, None], squared[:, 1:]], dim=1)

    def columns(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Centre of the most probable level, dex, its probability, and the expectation over all levels, dex.

        The levels were last trained before the end.
        """
        every = outputs[:, len(self.mean) :].softmax(dim=1)
        probability, level = every.max(dim=1)
        return {
            "level": self.centres[level],
            "level_probability": probability,
            "level_expected": every @ self.centres.to(every.dtype),
        }


def build(objective: str, labels: torch.Tensor) -> SquaredError:
    """The objective of a recipe; labels (N, T) of the training spectra set means, scales and levels."""
    mean, scale = labels.mean(dim=0), labels.std(dim=0).clamp_min(1e-6)
    if objective == "gaussian_nll":
        return GaussianLikelihood(mean, scale)
    if objective in ("ordinal", "ordinal_soft"):
        low, high = float(labels[:, 0].min()), float(labels[:, 0].max())
        return Ordinal(mean, scale, low, high, soft=objective == "ordinal_soft")
    return SquaredError(mean, scale)
