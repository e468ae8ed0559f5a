"""Normalisations of noisy spectra; every function maps (B, P) float32 → (B, P) and knows nothing but the spectrum.

`good` (B, P) bool are the pixels that were measured, None where all were: the others have a finite value and count in no
median, mean or fit.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import torch
from scipy.interpolate import BSpline

from logg1m.files import InputError

_CLIP_ROUNDS = 3
_CLIP_SIGMA = 3.0
_RUNNING = 401  # pixels, 171 Å
_SMALLEST = 0.05  # of the typical continuum: a fitted continuum is never divided by less


def normalise(name: str, flux: torch.Tensor, good: torch.Tensor | None = None) -> torch.Tensor:
    """Apply a normalisation of `config.experiments.Normalisation` to noisy flux (B, P).

    `stored` leaves the flux as it is (the median of the noise-free spectrum is 0.5, published practice); `median`
    divides by the noisy spectrum's own median; `zscore_W` standardises chunks of W pixels; `continuum_*` divides by a
    fitted continuum and subtracts one.
    """
    if name == "stored":
        return flux
    if name == "median":
        return flux * (0.5 / _median(flux, good).clamp_min(1e-3))
    if name.startswith("zscore_"):
        return chunk_zscore(flux, int(name.removeprefix("zscore_")), good)
    if name.startswith("continuum_"):
        return flux / continuum(name.removeprefix("continuum_"), flux, good) - 1.0
    raise InputError(f"unknown normalisation {name!r}")


def _median(values: torch.Tensor, good: torch.Tensor | None) -> torch.Tensor:
    """Median of the good values of every spectrum, (B, 1); 0 where there is none."""
    if good is None:
        return values.median(dim=1, keepdim=True).values
    return torch.where(good, values, torch.nan).nanmedian(dim=1, keepdim=True).values.nan_to_num(nan=0.0)


def chunk_zscore(flux: torch.Tensor, width: int, good: torch.Tensor | None = None) -> torch.Tensor:
    """Zero mean and unit standard deviation in consecutive chunks of `width` pixels; a short last chunk joins in."""
    n_pixels = flux.shape[1]
    edges = [*range(0, n_pixels - width // 2, width), n_pixels]
    parts = []
    for start, stop in pairwise(edges):
        part = flux[:, start:stop]
        if good is None:
            mean, spread = part.mean(dim=1, keepdim=True), part.std(dim=1, keepdim=True)
        else:
            weight = good[:, start:stop].to(part.dtype)
            count = weight.sum(dim=1, keepdim=True)
            mean = (weight * part).sum(dim=1, keepdim=True) / count.clamp_min(1)
            square = (weight * (part - mean) ** 2).sum(dim=1, keepdim=True)
            spread = (square / (count - 1).clamp_min(1)).sqrt()
        parts.append((part - mean) / spread.clamp_min(1e-6))
    return torch.cat(parts, dim=1)


def continuum(kind: str, flux: torch.Tensor, good: torch.Tensor | None = None) -> torch.Tensor:
    """A smooth continuum (B, P): poly3, poly5, spline (robust, clipped), or running_median."""
    if kind == "running_median":
        fitted = _running_median(flux, good)
    elif kind in ("poly3", "poly5", "spline"):
        fitted = _clipped_fit(_basis(kind, flux.shape[1], flux.device, flux.dtype), flux, good)
    else:
        raise InputError(f"unknown continuum {kind!r}")
    floor = _SMALLEST * _median(flux, good).abs().clamp_min(1e-3)
    return torch.maximum(fitted, floor)


@cache
def _basis(kind: str, n_pixels: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Columns (P, K) that continua are combinations of: Legendre polynomials or a cubic B-spline on 8 intervals."""
    x = np.linspace(-1, 1, n_pixels)
    if kind.startswith("poly"):
        table = np.polynomial.legendre.legvander(x, int(kind.removeprefix("poly")))
    else:
        knots = np.concatenate([[-1] * 3, np.linspace(-1, 1, 9), [1] * 3])
        table = BSpline.design_matrix(x, knots, 3).toarray()
    return torch.as_tensor(table, dtype=torch.float32).to(device, dtype)


def _clipped_fit(basis: torch.Tensor, flux: torch.Tensor, good: torch.Tensor | None) -> torch.Tensor:
    """Least squares with rejection of pixels beyond 3 robust σ (sky residuals, deep lines), three rounds."""
    n_pixels, n_columns = basis.shape
    products = (basis[:, :, None] * basis[:, None, :]).flatten(1)  # (P, K·K): the normal matrices are one product away
    ridge = 1e-6 * n_pixels * torch.eye(n_columns, device=flux.device)
    weight = torch.ones_like(flux) if good is None else good.to(flux.dtype)
    fitted = flux
    for _ in range(_CLIP_ROUNDS):
        normal = (weight @ products).unflatten(1, (n_columns, n_columns)) + ridge
        right = (weight * flux) @ basis
        # Never singular, so nobody need look at the outcome: that would make a GPU wait for the host.
        fitted = torch.linalg.solve_ex(normal, right[:, :, None])[0][:, :, 0] @ basis.T
        residual = flux - fitted
        spread = 1.4826 * _median(residual.abs(), good)
        kept = residual.abs() < _CLIP_SIGMA * spread
        weight = (kept if good is None else kept & good).to(flux.dtype)
    return fitted


def _running_median(flux: torch.Tensor, good: torch.Tensor | None) -> torch.Tensor:
    """Running median over 401 pixels, taken at every 32nd pixel and interpolated linearly."""
    half, step = _RUNNING // 2, 32
    known = flux if good is None else torch.where(good, flux, torch.nan)
    padded = torch.nn.functional.pad(known[:, None], (half, half), mode="reflect")[:, 0]
    windows = padded.unfold(1, _RUNNING, step)
    if good is None:
        medians = windows.median(dim=2).values
    else:  # a window without a good pixel has the median of the spectrum
        medians = windows.nanmedian(dim=2).values
        medians = torch.where(medians.isnan(), _median(flux, good), medians)
    n_pixels = flux.shape[1]
    position = torch.arange(n_pixels, device=flux.device, dtype=flux.dtype) / step
    low = position.floor().long().clamp_max(medians.shape[1] - 1)
    high = (low + 1).clamp_max(medians.shape[1] - 1)
    share = (position - low).clamp(0, 1)
    return medians[:, low] * (1 - share) + medians[:, high] * share
