"""Ridge solutions from one eigendecomposition in single precision, corrected to double precision.

LAPACK's symmetric eigensolver takes half the time in single precision. Its eigenvectors are a preconditioner for the
full problem (iterative refinement, e.g. Higham 2002, Accuracy and Stability of Numerical Algorithms, chapter 12), and
a Rayleigh–Ritz step on somewhat more of them than are wanted gives the leading principal components (Parlett 1998,
The Symmetric Eigenvalue Problem, chapter 11). Where refinement does not converge the double-precision
eigendecomposition takes over. A matrix of few rows has a small rank: its factor by Cholesky with pivots (Higham 2002,
chapter 10) is then thin, and so is the eigenproblem.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg.lapack import dpstrf

_ROUNDS = 6
_CONVERGED = 1e-11  # relative residual of every penalty
_THIN = 2  # how many times the rank the pixels are at least for a thin factor to be worth it
_EXTRA = 64  # vectors beyond the components wanted, which take up mixing at the cut


@dataclass(frozen=True)
class Spectrum:
    """Rising eigenvalues (P,) and eigenvectors (P, R) of the R largest of a symmetric matrix, itself in float64; others are 0."""

    matrix: torch.Tensor
    values: torch.Tensor
    vectors: torch.Tensor

    @classmethod
    def of(cls, matrix: torch.Tensor, rank: int, precise: bool = False) -> "Spectrum":
        """Decompose a full symmetric float64 matrix, in single precision unless `precise`; by a thin factor where its rank is small."""
        if not precise and _THIN * rank <= len(matrix) and (thin := cls._thin(matrix, rank)):
            return thin
        values, vectors = torch.linalg.eigh(matrix if precise else matrix.float())
        return cls(matrix, values.double().clamp_min(0.0), vectors.double())

    @classmethod
    def _thin(cls, matrix: torch.Tensor, rank: int) -> "Spectrum | None":
        """In double precision, from a factor of this rank; None if the rank is another."""
        factor, pivots, found, _ = dpstrf(matrix.cpu().numpy(), lower=0)
        if found != rank:
            return None
        thin = np.empty((len(factor), rank))
        thin[pivots - 1] = np.triu(factor[:rank]).T
        values, turned = np.linalg.eigh(thin.T @ thin)
        vectors = thin @ (turned / np.sqrt(values))
        padded = np.concatenate([np.zeros(len(factor) - rank), values])
        return cls(matrix, *(torch.as_tensor(a, device=matrix.device) for a in (padded, vectors)))

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` largest eigenvalues, falling, and their vectors (P, count), in double precision."""
        basis, _ = torch.linalg.qr(self.matrix @ self.vectors[:, -min(count + _EXTRA, self.vectors.shape[1]) :])
        small_values, small_vectors = torch.linalg.eigh(basis.T @ self.matrix @ basis)
        order = torch.arange(len(small_values) - 1, len(small_values) - 1 - count, -1)
        vectors = basis @ small_vectors[:, order]
        return small_values[order].cpu().numpy(), vectors.cpu().numpy()

    def solve(self, right: np.ndarray, penalties: tuple[float, ...]) -> np.ndarray | None:
        """(matrix + α)⁻¹ right for every α, (P, A) float64; None if refinement does not converge."""
        b = torch.as_tensor(right, device=self.matrix.device)[:, None]
        alpha = torch.as_tensor(penalties, dtype=torch.float64, device=self.matrix.device)[None, :]
        # Vectors that are not there have the eigenvalue 0, and the inverse 1/α.
        whole = self.vectors.shape[1] == len(self.values)
        outside = torch.zeros_like(alpha) if whole else 1 / alpha
        inverse = 1 / (self.values[-self.vectors.shape[1] :, None] + alpha) - outside
        solution = torch.zeros((len(right), len(penalties)), dtype=torch.float64, device=self.matrix.device)
        for _ in range(_ROUNDS):
            residual = b - self.matrix @ solution - solution * alpha
            solution = solution + outside * residual + self.vectors @ (inverse * (self.vectors.T @ residual))
        residual = b - self.matrix @ solution - solution * alpha
        if not bool((residual.norm(dim=0) <= _CONVERGED * b.norm()).all()):
            return None
        return np.asarray(solution.cpu().numpy())
