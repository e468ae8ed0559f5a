"""Masked spectrum modelling: hide and reconstruct parts of spectra, without labels (He et al. 2022, Xie et al. 2022).

Hidden pixels are set to the mean of their pixel, and every token is told what share of its pixels is hidden; for a
token that is hidden as a whole this is the usual mask token. It works for any tokeniser, mask and position code alike,
and the encoder always sees all its tokens, as it does in the supervised training. But the projection of a spectrum is left
out, where the recipe has it as a token: its coefficients know the pixels that are hidden.

What a network sees may carry hidden pixels across: a normalisation is taken before the mask, and a derivative channel
next to a hidden pixel knows of it. The flux alone, median-normalised, has neither.
"""

from typing import Literal

import torch
from torch import nn

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.nn.encoder import Encoder
from logg1m.nn.learner import Standardise
from logg1m.nn.tokeniser import Patches


def pack(seen: torch.Tensor, error: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Prepared spectra (B, C, P), their flux errors (B, P) and hidden pixels (B, P), as one batch (B, C + 2, P)."""
    return torch.cat([seen, error[:, None], hidden[:, None].to(seen.dtype)], dim=1)


def unpack(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What was packed: (B, C, P), (B, P), (B, P) bool."""
    return x[:, :-2], x[:, -2], x[:, -1] > 0.5


class MaskedModel(nn.Module):
    """An encoder with a linear reconstruction head per token; the encoder is what remains of it."""

    def __init__(
        self,
        recipe: Recipe,
        architecture: Architecture,
        mean: torch.Tensor,
        scale: torch.Tensor,
        wave: torch.Tensor,
        masked: bool = False,
    ) -> None:
        """mean, scale : of the inputs on the training spectra, (C, P); wave : vacuum Å, (P,); masked : whether spectra may
        have masked pixels, NaN"""
        super().__init__()
        self.n_channels, self.n_pixels = mean.shape
        self.reconstruction: Literal["l1", "l2"] = recipe.reconstruction
        self.standardise = Standardise(mean, scale, masked)
        self.encoder = Encoder(architecture, self.n_channels, wave, recipe.tokeniser, recipe.position)
        self.mask_embedding = nn.Parameter(torch.randn(architecture.width) * 0.02)
        self.scales = [scale for scale in self.encoder.tokeniser.scales if isinstance(scale, Patches)]
        heads = [nn.Linear(architecture.width, self.n_channels * scale.patch) for scale in self.scales]
        for head in heads:
            nn.init.zeros_(head.weight)  # the first reconstruction is the mean spectrum
            nn.init.zeros_(head.bias)
        self.heads = nn.ModuleList(heads)

    @property
    def coarsest(self) -> int:
        """Pixels of the widest token."""
        return max(scale.patch for scale in self.scales)

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Mean over packed spectra (B, C + 2, P) of the error-weighted loss at hidden pixels; no label is read."""
        return self.losses(x)[0].mean()

    def losses(self, x: torch.Tensor, truth: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss of every packed spectrum, (B,), and the same if the mean spectrum were the reconstruction; against what
        is seen, or against a `truth` (B, C, P) in its place.

        The mean over hidden pixels and channels of |Δ|/σ (L1) or Δ²/σ² (L2), Δ in the units of what is seen: the
        standardised difference times the scale of its pixel. The weights of each spectrum are scaled to sum to one, so
        that bright stars count no more than faint ones. Pixels that the recipe never shows do not count. Of several
        scales of tokens, each reconstructs alone; the mean is taken.
        """
        seen, error, hidden = unpack(x)
        given = self.standardise(seen)
        target = given if truth is None else self.standardise(truth)
        power = 2 if self.reconstruction == "l2" else 1
        shown = self.standardise.inverse > 0
        scale = torch.where(shown, 1 / torch.where(shown, self.standardise.inverse, 1.0), 0.0)
        weight = hidden[:, None] * (scale / error.clamp_min(1e-12)[:, None]) ** power
        weight = weight / weight.sum(dim=(1, 2), keepdim=True).clamp_min(1e-30)
        parts = [(weight * (made - target).abs() ** power).sum(dim=(1, 2)) for made in self.reconstruct(given, hidden)]
        return torch.stack(parts).mean(dim=0), (weight * target.abs() ** power).sum(dim=(1, 2))

    def reconstruct(self, standardised: torch.Tensor, hidden: torch.Tensor) -> list[torch.Tensor]:
        """Standardised spectra (B, C, P) without hidden pixels (B, P) → reconstructions (B, C, P), one per scale."""
        tokens = self.encoder.tokeniser(standardised.masked_fill(hidden[:, None], 0.0))
        absent = hidden[:, None].to(standardised.dtype)
        share = torch.cat([scale.cut(absent).mean(dim=2) for scale in self.scales], dim=1)  # (B, N)
        marked = tokens + (share[..., None] * self.mask_embedding).to(tokens.dtype)
        encoded = self.encoder.encode(marked, self.encoder.centres)
        encoded = encoded[:, encoded.shape[1] - tokens.shape[1] :]  # without a class token
        made, start = [], 0
        for scale, head in zip(self.scales, self.heads):
            count = -(-self.n_pixels // scale.patch)
            patches = head(encoded[:, start : start + count]).unflatten(2, (self.n_channels, scale.patch))
            made.append(patches.transpose(1, 2).flatten(2)[..., : self.n_pixels])
            start += count
        return made

    def restored(self, standardised: torch.Tensor) -> torch.Tensor:
        """Standardised spectra (B, C, P) in the units of what the network sees; pixels that are never shown are NaN."""
        inverse = self.standardise.inverse
        return standardised / torch.where(inverse > 0, inverse, torch.nan) + self.standardise.mean
