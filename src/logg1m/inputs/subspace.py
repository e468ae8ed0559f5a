"""The subspace in which noise-free spectra vary, weighted by the noise: score compression without derivatives.

The directions that carry log g have a thousandth of the variance of the first ones; a model that is given all of them at
once need not find them (MOPED, Heavens, Jimenez & Lahav 2000; score compression, Alsing & Wandelt 2018; PISP, Liang et al.
2026, arXiv 2604.15855).
"""

from dataclasses import dataclass

import numpy as np
import torch

from logg1m import noise
from logg1m.noise import Stream

_OVERSAMPLING = 32  # further directions of the randomised decomposition
_ITERATIONS = 2  # of its power iteration
_FEW = 4  # masked pixels of a spectrum are few if those of all are so many times as many
_PRIOR_FLOOR = 1e-6  # of the largest prior variance, added to all: their matrix has to be inverted


@dataclass(frozen=True)
class Subspace:
    """z = (x − mean)·weights of a spectrum x (D,), and c = Vᵀz in the subspace.

    mean, weights : (D,); a pixel of weight zero is no part of anything
    basis : V (D, K), orthonormal columns
    covariance : (K, K) of c over noise-free spectra, where z has noise of variance 1
    """

    mean: torch.Tensor
    weights: torch.Tensor
    basis: torch.Tensor
    covariance: torch.Tensor

    @classmethod
    def of(cls, x: torch.Tensor, weights: torch.Tensor, components: int, seed: int, random: bool = False) -> "Subspace":
        """From noise-free spectra (N, D), NaN where they are masked; x is overwritten.

        Parameters
        ----------
        components : K, or as many as there are pixels with a weight, or spectra
        random : directions drawn at random in place of the leading singular vectors
        """
        bad = x.isnan()
        masked = bool(bad.any())
        count = (~bad).sum(dim=0).clamp_min(1) if masked else len(x)
        mean = (x.nansum(dim=0, dtype=torch.float64) / count).float()
        x -= mean
        x *= weights
        if masked:
            x[bad] = 0.0
        size = min(components, int((weights > 0).sum()), len(x))
        start = _directions(seed, x.shape[1], size if random else size + _OVERSAMPLING).to(x.device)
        start = start * (weights > 0)[:, None]
        basis = _orthonormal(start)[:, :size] if random else leading(x, start, size)
        c = (x @ basis).double()
        covariance = c.T @ c / len(x)
        return cls(mean, weights, basis, covariance.float())


def leading(x: torch.Tensor, start: torch.Tensor, size: int) -> torch.Tensor:
    """The leading right singular vectors of x (N, D), (D, size): randomised subspace iteration (Halko, Martinsson & Tropp
    2011, algorithm 4.4), from the directions `start` (D, K)."""
    found = _orthonormal(x.T @ _orthonormal(x @ start))
    for _ in range(_ITERATIONS):
        found = _orthonormal(x.T @ _orthonormal(x @ found))
    _, _, rotation = torch.linalg.svd(x @ found, full_matrices=False)
    vectors = found @ rotation[:size].T
    sign = torch.sign(vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True)))  # else arbitrary
    return torch.as_tensor(vectors * torch.where(sign == 0, 1.0, sign))


def completed(basis: torch.Tensor, covariance: torch.Tensor, z: torch.Tensor, good: torch.Tensor) -> torch.Tensor:
    """c (B, K) of spectra of which some pixels are masked: what Vᵀz is expected to be, given the good pixels.

    With z = V a + ε, a ~ N(0, Λ), ε ~ N(0, 1), weighted least squares with the prior of the coefficients (Wiener 1949)
    says a given the good pixels, â = (VᵀGV + Λ⁻¹)⁻¹ VᵀGz, and (1 + Λ⁻¹) â is the plain product where nothing is masked.

    Parameters
    ----------
    z : (B, D), zero at masked pixels; good : (B, D)
    """
    size = basis.shape[1]
    eye = torch.eye(size, device=z.device)
    floor = _PRIOR_FLOOR * covariance.diagonal().max().clamp_min(1e-12)
    precision = torch.linalg.inv((covariance + floor * eye).double()).float()
    inner = eye + precision - _masked_products(basis, ~good)
    return torch.as_tensor(torch.linalg.solve(inner, (z @ basis)[:, :, None])[:, :, 0] @ (eye + precision))


def _masked_products(basis: torch.Tensor, bad: torch.Tensor) -> torch.Tensor:
    """Sums of the outer products of rows of the basis (D, K) over the masked pixels of each spectrum (B, D), (B, K, K)."""
    counts, touched = bad.sum(dim=1), bad.any(dim=0)
    most, size = int(counts.max()) if len(bad) else 0, basis.shape[1]
    if _FEW * most > int(touched.sum()):  # many share their masked pixels: one product for all
        some = basis[touched]
        products = (some[:, :, None] * some[:, None, :]).flatten(1)
        return (bad[:, touched].to(basis.dtype) @ products).view(-1, size, size)
    rows, pixels = bad.nonzero(as_tuple=True)
    place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
    gathered = basis.new_zeros(len(bad), most, size)
    gathered[rows, place] = basis[pixels]
    return gathered.transpose(1, 2) @ gathered


def groups(weights: torch.Tensor, count: int) -> torch.Tensor:
    """Which pixels (D,) belong to which of `count` groups of equal size, ordered by weight, (D, count) of 0 and 1."""
    seen = torch.nonzero(weights > 0)[:, 0]
    ordered = seen[torch.argsort(weights[seen], stable=True)]
    member = torch.zeros(len(weights), count)
    for k, part in enumerate(np.array_split(ordered.cpu().numpy(), count)):
        member[part, k] = 1.0
    return member


def _orthonormal(x: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(torch.linalg.qr(x).Q)


def _directions(seed: int, length: int, count: int) -> torch.Tensor:
    """Random directions (length, count)."""
    return torch.as_tensor(noise.uniform(seed, Stream.SUBSPACE, np.arange(count), length) - 0.5).float().T.contiguous()
