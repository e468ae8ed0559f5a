"""The likelihood of a spectrum with its nuisances marginalised, so that sampling stays in the labels.

y = F + Σⱼ nⱼ Xⱼ + noise with columns Xⱼ = F·Bⱼ (or −F′λ/c), n ~ N(0, Λ⁻¹), Λ = 0 for the amplitude, whose prior is flat.
With W = 1/σ², r = y − F, b = XᵀWr and G = XᵀWX (Woodbury; e.g. Rasmussen & Williams 2006, eq. A.9):

    ln L = −½ rᵀWr + ½ bᵀ(G + Λ)⁻¹b − ½ ln det(G + Λ) + const

The determinant stays: columns, and with them what the data say of the nuisances, depend on the labels.
"""

import numpy as np
import torch

from logg1m.observe.survey import Columns

_RANK = 1e-7  # singular values of the products BᵢBⱼ that are kept, relative to the largest


def gain(gram: list[list[torch.Tensor]], right: list[torch.Tensor], precision: np.ndarray) -> torch.Tensor:
    """½ bᵀ(G + Λ)⁻¹b − ½ ln det(G + Λ), element by element, in double precision.

    Parameters
    ----------
    gram : lower triangle of G, gram[i][j] for j ≤ i, tensors of any one shape
    right : b, of that shape
    precision : (J,) diagonal of Λ
    """
    factor: list[list[torch.Tensor]] = []  # Cholesky, row by row: J is small, the shape is large
    solved: list[torch.Tensor] = []
    total: torch.Tensor | None = None
    for i, (row, b) in enumerate(zip(gram, right)):
        lower: list[torch.Tensor] = []
        for j in range(i):
            value = row[j].double()
            for k in range(j):
                value = value - lower[k] * factor[j][k]
            lower.append(value / factor[j][j])
        pivot, rest = row[i].double() + float(precision[i]), b.double()
        for k in range(i):
            pivot, rest = pivot - lower[k] ** 2, rest - lower[k] * solved[k]
        diagonal = pivot.sqrt()
        factor.append([*lower, diagonal])
        solved.append(rest / diagonal)
        part = 0.5 * solved[i] ** 2 - diagonal.log()
        total = part if total is None else total + part
    assert total is not None
    return total


def log_likelihood(spectra: torch.Tensor, flux: np.ndarray, error: np.ndarray, columns: Columns) -> np.ndarray:
    """ln L of one star (P,) for noise-free spectra (n, P), (n,) float64; an infinite error is a masked pixel."""
    weight = torch.as_tensor(1 / error.astype(np.float64) ** 2).to(spectra)
    residual = torch.as_tensor(flux).to(spectra) - spectra
    shapes = torch.as_tensor(columns.shapes).to(spectra)
    i, j = np.tril_indices(len(shapes))
    gram: list[list[torch.Tensor]] = [[] for _ in shapes]
    for row, value in zip(i, (spectra.square() @ (weight * shapes[i] * shapes[j]).T).T):
        gram[row].append(value)
    right = list(((spectra * residual) @ (weight * shapes).T).T)
    if columns.velocity:
        moved = torch.as_tensor(columns.of_velocity(spectra.cpu().numpy())).to(spectra)
        gram.append([*((spectra * moved) @ (weight * shapes).T).T, moved.square() @ weight])
        right.append((moved * residual) @ weight)
    chi = (residual.square() @ weight).double()
    return np.asarray((gain(gram, right, columns.precision) - 0.5 * chi).cpu().numpy())


class Products:
    """ln L of many stars for many library spectra by matrix products alone.

    Spectra come as differences f = F − c from one centre, so that single precision is enough: b is
    const + f·(WB(a − c)) − f²·(WB) with a = y − c. The products BᵢBⱼ of smooth shapes span few dimensions, over which G is
    summed.
    """

    def __init__(self, columns: Columns, centre: np.ndarray) -> None:
        self.columns, self.centre = columns, centre.astype(np.float64)
        shapes = columns.shapes
        self.count = len(shapes)
        self.pairs = list(zip(*np.tril_indices(self.count)))
        products = (
            np.stack([shapes[i] * shapes[j] for i, j in self.pairs]) if self.pairs else np.empty((0, len(centre)))
        )
        _, singular, directions = np.linalg.svd(products, full_matrices=False)
        self.directions = directions[singular > _RANK * singular.max(initial=0.0)]  # (M, P)
        self.shares = products @ self.directions.T  # (pairs, M)

    def weights(self, flux: np.ndarray, error: np.ndarray) -> tuple[list[torch.Tensor], list[np.ndarray]]:
        """Of a tile of stars (S, P): what f, f², F², F′, F′f, FF′ and F′² are multiplied by, each (K, S, P), and the
        constants of b, (J, S), and of χ², (S,)."""
        weight = 1 / error.astype(np.float64) ** 2
        away = flux.astype(np.float64) - self.centre
        shapes = self.columns.shapes[:, None]
        linear = np.concatenate([(weight * away)[None], weight * (away - self.centre) * shapes])
        squares = np.concatenate([weight[None], weight * shapes])
        gram = weight * self.directions[:, None]
        constant = ((weight * away * self.centre) * shapes).sum(axis=2)
        parts = [linear, squares, gram]
        if self.columns.velocity:
            parts += [(weight * away)[None], weight[None], weight * shapes, weight[None]]
        return [torch.as_tensor(part.astype(np.float32)) for part in parts], [constant, (weight * away**2).sum(axis=1)]

    def chunk(self, spectra: np.ndarray) -> list[torch.Tensor]:
        """f, f², F², F′, F′f, FF′ and F′² of library spectra (L, P)."""
        whole = torch.as_tensor(spectra.astype(np.float32))
        away = torch.as_tensor((spectra - self.centre).astype(np.float32))
        made = [away, away.square(), whole.square()]
        if self.columns.velocity:
            moved = torch.as_tensor(self.columns.of_velocity(whole.numpy()))
            made += [moved, moved * away, whole * moved, moved.square()]
        return made

    def log_likelihood(
        self, weights: list[torch.Tensor], constants: list[np.ndarray], chunk: list[torch.Tensor]
    ) -> torch.Tensor:
        """ln L (S, L) float64 of a tile of stars for a chunk of the library."""
        found = [self._product(weight, part) for weight, part in zip(weights, chunk)]
        linear, squares, sums = found[:3]
        chi = squares[0].double() - 2 * linear[0].double() + torch.as_tensor(constants[1])[:, None]
        first = torch.as_tensor(constants[0])[:, :, None]
        right = [first[k] + linear[k + 1] - squares[k + 1] for k in range(self.count)]
        gram: list[list[torch.Tensor]] = [[] for _ in range(self.count)]
        for (i, _), share in zip(self.pairs, self.shares):
            gram[i].append(torch.einsum("m,msl->sl", torch.as_tensor(share.astype(np.float32)), sums))
        if self.columns.velocity:
            alone, with_f, with_shapes, square = found[3:]
            gram.append([*with_shapes, square[0]])
            right.append(alone[0].double() - with_f[0])
        return gain(gram, right, self.columns.precision) - 0.5 * chi

    @staticmethod
    def _product(weight: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        """(K, S, P) and (L, P) → (K, S, L)."""
        kinds, stars, _ = weight.shape
        return (weight.flatten(0, 1) @ part.T).reshape(kinds, stars, len(part))
