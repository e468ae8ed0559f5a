"""What tells a token where it is: a learned index, or its wavelength as sinusoids or as rotations."""

import torch
from torch import nn


class Position(nn.Module):
    """Position codes of tokens.

    learned : one free vector per index, added to the token
    sinusoidal : sin and cos of ln λ at geometric frequencies (Vaswani et al. 2017), added to the token
    rotary : queries and keys are rotated by angles proportional to ln λ (Su et al. 2021); nothing is added

    The unit of length is the mean spacing of the tokens that the network was made for, so that a wavelength keeps its
    code on another pixel grid.
    """

    frequency: torch.Tensor

    def __init__(self, kind: str, centres: torch.Tensor, width: int, heads: int, std: float = 0.02) -> None:
        """centres : ln λ of the tokens (N,); std : of learned codes when training begins"""
        super().__init__()
        self.kind = kind
        span = float(centres.max() - centres.min())
        self.start, self.unit = float(centres.min()), span / max(len(centres) - 1, 1) or 1.0
        if kind == "learned":
            self.index = nn.Parameter(torch.randn(len(centres), width) * std)
        else:
            pairs = width // 2 if kind == "sinusoidal" else width // heads // 2
            longest = 2.0 * len(centres)
            self.register_buffer("frequency", longest ** (-torch.arange(pairs) / max(pairs - 1, 1)), persistent=False)

    def angles(self, centres: torch.Tensor) -> torch.Tensor:
        """(N,) ln λ → (N, pairs) radians."""
        return ((centres - self.start) / self.unit)[:, None] * self.frequency

    def add(self, tokens: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, D) with their position added, where that is how the code works."""
        if self.kind == "learned":
            known = torch.arange(tokens.shape[1], device=tokens.device).clamp_max(len(self.index) - 1)
            return tokens + self.index[known]
        if self.kind == "sinusoidal":
            angles = self.angles(centres)
            return tokens + torch.cat([angles.sin(), angles.cos()], dim=1).to(tokens.dtype)
        return tokens

    def rotation(self, centres: torch.Tensor, extra: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """cos and sin (extra + N, pairs) for queries and keys; `extra` leading tokens are not rotated."""
        if self.kind != "rotary":
            return None
        angles = nn.functional.pad(self.angles(centres), (0, 0, extra, 0))
        return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotate pairs of components of (B, H, N, d) by the angles of their token."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
