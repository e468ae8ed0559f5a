"""Linear filters: the simple peer of a denoising network, and the best that any linear filter can do.

With spectra of mean m and covariance C and noise of covariance N the filter with the smallest squared error is
m + C (C + N)⁻¹ (y − m) (Wiener 1949; for Gaussian spectra it is the posterior mean, and no filter does better).
"""

from collections.abc import Iterable

import torch
from torch import nn

_ITERATIONS = 4  # of the subspace iteration behind the leading components


class WienerFilter(nn.Module):
    """One fixed linear map: principal components of training spectra, each kept as far as it is signal.

    mean : of the training flux (P,); scale : root mean square error of the training spectra (P,), in units of which
    the noise is white on average; basis : orthonormal components (P, K); kept : share of signal in each (K,)
    """

    mean: torch.Tensor
    scale: torch.Tensor
    basis: torch.Tensor
    kept: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, basis: torch.Tensor, kept: torch.Tensor) -> None:
        super().__init__()
        for name, value in (("mean", mean), ("scale", scale), ("basis", basis), ("kept", kept)):
            self.register_buffer(name, value)

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        """Noisy flux (B, P) → filtered flux (B, P)."""
        components = ((noisy - self.mean) / self.scale) @ self.basis
        return torch.as_tensor(self.mean + self.scale * ((components * self.kept) @ self.basis.T))


Spectra = Iterable[tuple[torch.Tensor, torch.Tensor]]  # noisy flux and error (B, P), batch by batch


def fit(
    noisy: torch.Tensor, mean_square_error: torch.Tensor, held_out: Spectra, components: int, seed: int
) -> WienerFilter:
    """A filter from noisy spectra and their errors alone.

    Components come from the training spectra; how much of each is signal is measured on spectra that had no part in
    finding them (variance along it, less that of the noise, over the variance), which an eigenvalue would overstate.

    Parameters
    ----------
    noisy : training flux (N, P); mean_square_error : of the training spectra (P,)
    held_out : further spectra
    components : most components; fewer where there are fewer spectra or pixels
    """
    mean, scale = noisy.mean(dim=0), mean_square_error.sqrt().clamp_min(1e-6)
    basis = leading((noisy - mean) / scale, components, seed)[0]
    count, total, square, of_noise = 0, *(torch.zeros(basis.shape[1], device=noisy.device) for _ in range(3))
    for flux, error in held_out:
        along = ((flux - mean) / scale) @ basis
        count, total, square = count + len(flux), total + along.sum(dim=0), square + (along**2).sum(dim=0)
        of_noise = of_noise + ((error / scale) ** 2 @ basis**2).sum(dim=0)
    variance = square / count - (total / count) ** 2
    kept = (1 - of_noise / count / variance.clamp_min(1e-12)).clamp(0.0, 1.0)
    return WienerFilter(mean, scale, basis, kept)


def leading(centred: torch.Tensor, components: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Leading principal components (P, K) of centred rows (N, P) and the variance along them (K,); randomised
    subspace iteration (Halko, Martinsson & Tropp 2011)."""
    count = min(components, *centred.shape)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _, values, vectors = torch.svd_lowrank(centred, q=count, niter=_ITERATIONS)
    return vectors, values**2 / len(centred)


def posterior_mean(
    noisy: torch.Tensor, error: torch.Tensor, mean: torch.Tensor, basis: torch.Tensor, variance: torch.Tensor
) -> torch.Tensor:
    """The exact filter of every spectrum with its own error, for the covariance basis · diag(variance) · basisᵀ.

    noisy, error : (B, P); basis : (P, K); variance : (K,). Solved in the K components (matrix inversion lemma).
    """
    weight = error**-2
    information = torch.einsum("pk,bp,pl->bkl", basis, weight, basis) + torch.diag(1 / variance.clamp_min(1e-12))
    right = ((noisy - mean) * weight) @ basis
    return torch.as_tensor(mean + torch.linalg.solve(information, right) @ basis.T)
