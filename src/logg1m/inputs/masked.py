"""Masked pixels on their way to a model: filled before anything is computed across pixels, neutral in the end."""

import torch


def fill(flux: torch.Tensor, good: torch.Tensor) -> torch.Tensor:
    """Noisy flux (B, P) with every pixel that is not `good` (B, P) replaced: linear between the good ones beside it, the
    nearest at the edges, zero in a spectrum without any.

    So what reaches over pixels (derivatives, running means, convolutions) neither jumps there nor sees what was under the
    mask.
    """
    n_pixels = flux.shape[1]
    index = torch.arange(n_pixels, device=flux.device).expand_as(good)
    left = torch.where(good, index, -1).cummax(dim=1).values
    right = torch.where(good, index, n_pixels).flip(1).cummin(dim=1).values.flip(1)
    left, right = torch.where(left < 0, right, left), torch.where(right >= n_pixels, left, right)
    left, right = (side.clamp(0, n_pixels - 1) for side in (left, right))
    known = torch.where(good, flux, 0.0)
    low, high = known.gather(1, left), known.gather(1, right)
    share = (index - left) / (right - left).clamp_min(1)
    return torch.where(good, flux, low + share * (high - low))
