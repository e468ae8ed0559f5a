"""Ridge solutions from one eigendecomposition in single precision, corrected to double precision.

LAPACK's symmetric eigensolver takes half the time in single precision. Its eigenvectors are a preconditioner for the
full problem (iterative refinement, e.g. Higham 2002, Accuracy and Stability of Numerical Algorithms, chapter 12), and
a Rayleigh–Ritz step on somewhat more of them than are wanted gives the leading principal components (Parlett 1998,
The Symmetric Eigenvalue Problem, chapter 11). Where refinement does not converge the double-precision
eigendecomposition takes over.
"""

from dataclasses import dataclass

import numpy as np
import torch

_ROUNDS = 6
_CONVERGED = 1e-11  # relative residual of every penalty
_EXTRA = 64  # vectors beyond the components wanted, which take up mixing at the cut


@dataclass(frozen=True)
class Spectrum:
    """Rising eigenvalues (P,) and eigenvectors (P, P) of a symmetric matrix, and the matrix itself in float64."""

    matrix: torch.Tensor
    values: torch.Tensor
    vectors: torch.Tensor

    @classmethod
    def of(cls, matrix: torch.Tensor, precise: bool = False) -> "Spectrum":
        """Decompose a full symmetric float64 matrix, in single precision unless `precise`."""
        values, vectors = torch.linalg.eigh(matrix if precise else matrix.float())
        return cls(matrix, values.double().clamp_min(0.0), vectors.double())

    def leading(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` largest eigenvalues, falling, and their vectors (P, count), in double precision."""
        basis, _ = torch.linalg.qr(self.matrix @ self.vectors[:, -min(count + _EXTRA, len(self.values)) :])
        small_values, small_vectors = torch.linalg.eigh(basis.T @ self.matrix @ basis)
        order = torch.arange(len(small_values) - 1, len(small_values) - 1 - count, -1)
        vectors = basis @ small_vectors[:, order]
        return small_values[order].cpu().numpy(), vectors.cpu().numpy()

    def solve(self, right: np.ndarray, penalties: tuple[float, ...]) -> np.ndarray | None:
        """(matrix + α)⁻¹ right for every α, (P, A) float64; None if refinement does not converge."""
        b = torch.as_tensor(right, device=self.matrix.device)[:, None]
        alpha = torch.as_tensor(penalties, dtype=torch.float64, device=self.matrix.device)[None, :]
        inverse = 1 / (self.values[:, None] + alpha)
        solution = torch.zeros((len(right), len(penalties)), dtype=torch.float64, device=self.matrix.device)
        for _ in range(_ROUNDS):
            residual = b - self.matrix @ solution - solution * alpha
            solution = solution + self.vectors @ (inverse * (self.vectors.T @ residual))
        residual = b - self.matrix @ solution - solution * alpha
        if not bool((residual.norm(dim=0) <= _CONVERGED * b.norm()).all()):
            return None
        return np.asarray(solution.cpu().numpy())
