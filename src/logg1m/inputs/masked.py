"""Masked pixels on their way to a model: filled before anything is computed across pixels, neutral in the end."""

import torch


def fill(flux: torch.Tensor, good: torch.Tensor) -> torch.Tensor:
    """Noisy flux (B, P) with every pixel that is not `good` (B, P) replaced: linear between the good ones beside it, the
    nearest at the edges, zero in a spectrum without any.

    So what reaches over pixels (derivatives, running means, convolutions) neither jumps there nor sees what was under the
    mask.
    """
    n_pixels = flux.shape[1]
    rows, pixels = (~good).nonzero(as_tuple=True)  # of spectra one after the other, their pixels rising
    if not len(rows):
        return flux
    begins = torch.ones(len(rows) + 1, dtype=torch.bool, device=flux.device)  # a run of neighbours, or the end
    begins[1:-1] = (rows[1:] != rows[:-1]) | (pixels[1:] != pixels[:-1] + 1)
    run = begins[:-1].cumsum(0) - 1
    left, right = (pixels[begins[:-1]] - 1)[run], (pixels[begins[1:]] + 1)[run]
    left, right = torch.where(left < 0, right, left), torch.where(right >= n_pixels, left, right)
    left, right = (side.clamp(0, n_pixels - 1) for side in (left, right))
    known = torch.where(good, flux, 0.0)
    low, high = known[rows, left], known[rows, right]
    share = (pixels - left) / (right - left).clamp_min(1)
    return known.index_put((rows, pixels), low + share * (high - low))
