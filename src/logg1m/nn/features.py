"""What a spectrum is in the subspace of the models, in numbers: what a projection learns from, and a network's one more token."""

from collections.abc import Mapping
from copy import copy

import torch
from torch import nn

from logg1m.inputs.subspace import Subspace, completed, groups

_TINY = 1e-12  # under the logarithm of a residual
_SUBSPACE = ("mean", "weights", "basis", "covariance")


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
        for name in _SUBSPACE:
            self.register_buffer(name, getattr(subspace, name).contiguous())
        self.register_buffer("groups", groups(subspace.weights, levels) if levels else torch.zeros(0, 0))
        size = self.basis.shape[1] + levels
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    @classmethod
    def saved(cls, tensors: Mapping[str, torch.Tensor], levels: int, masked: bool) -> "Features":
        """In the shape of those among the tensors of a fitted model, which are still to be loaded."""
        return cls(Subspace(*(tensors[f"features.{name}"] for name in _SUBSPACE)), levels, masked)

    def taking(self, masked: bool) -> "Features":
        """The same numbers, of spectra that may have masked pixels or that have none."""
        other = copy(self)
        other.masked = masked
        return other

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
        z = (x.flatten(1) - self.mean).mul_(self.weights)
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
