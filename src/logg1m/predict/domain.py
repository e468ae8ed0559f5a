"""Whether a spectrum is one of those that a model was made for: three numbers and what they may be.

1. χ² per pixel of a spectrum against the subspace in which noise-free training spectra vary.
2. Its place in that subspace: Mahalanobis distance from the training spectra, noise allowed for.
3. Where the Ca II triplet is: by how much the spectrum is likelier with the lines moved by more than 60 km/s.

Each has a limit, the 99.9th percentile of validation stars. The χ² of a noisy spectrum hardly sees a shift of weak lines;
the matched filter of three strong ones does (Tonry & Davis 1979, AJ 84, 1511).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from logg1m.inputs.subspace import Subspace, completed
from logg1m.predict.steps import LIGHT_KM_S, Ready
from logg1m.sources.pfs.wave import CA_II_VACUUM

COMPONENTS = 32
NAMES = ("chi2_red", "distance", "shift")
PERCENTILE = 99.9
_HALF_WIDTH = 45.0  # Å either side of the triplet
_SHIFTS = np.arange(-600.0, 601.0, 15.0)  # km/s
_AT_REST = 60.0  # km/s
_CLIPPED = 0.6744898  # half of normal deviates are within


@dataclass(frozen=True)
class Statistics:
    """Of N spectra: the three numbers, and the share of residuals within 0.67 σ, a half if the errors are right."""

    chi2_red: np.ndarray
    distance: np.ndarray
    shift: np.ndarray
    within: np.ndarray


class Domain:
    """What noise-free training spectra are like."""

    def __init__(self, tensors: dict[str, np.ndarray], wave: np.ndarray) -> None:
        """tensors : mean, weights (P,), basis (P, K), covariance (K, K), as `made` gives them"""
        self.tensors = tensors
        self.mean, self.weights, self.basis, self.covariance = (
            torch.as_tensor(tensors[name]) for name in ("mean", "weights", "basis", "covariance")
        )
        self.prior = self.covariance.diagonal().clamp_min(1e-12)
        first, last = CA_II_VACUUM[0] - _HALF_WIDTH, CA_II_VACUUM[-1] + _HALF_WIDTH
        self.window: slice | None = None
        if wave[0] < first - 20 and wave[-1] > last + 20:
            self.window = slice(*np.searchsorted(wave, [first, last]))
            template = tensors["mean"].astype(np.float64)
            moved = np.stack([np.interp(wave / (1 + v / LIGHT_KM_S), wave, template)[self.window] for v in _SHIFTS])
            moved = moved / moved.mean(axis=1, keepdims=True) - 1
            self.template = torch.as_tensor(moved.T, dtype=torch.float32).contiguous()  # (W, V)

    @staticmethod
    def made(flux: np.ndarray, error: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """Tensors from noise-free spectra (N, P) of median 0.5, NaN where masked, and their errors."""
        sigma = np.where(np.isfinite(error), error, np.nan).astype(np.float64)
        seen = np.isfinite(sigma).any(axis=0)
        rms = np.sqrt(np.nanmean(np.where(seen, sigma, 1.0) ** 2, axis=0))
        weights = torch.as_tensor(np.where(seen, 1 / rms, 0.0)).float()
        found = Subspace.of(torch.as_tensor(np.array(flux)), weights, COMPONENTS, seed)
        return {name: getattr(found, name).contiguous().numpy() for name in ("mean", "weights", "basis", "covariance")}

    def statistics(self, ready: Ready) -> Statistics:
        """The numbers of spectra on the model's pixels."""
        parts = [
            self._of(ready.flux[k : k + 512], ready.error[k : k + 512], ready.whole) for k in range(0, len(ready), 512)
        ]
        if not parts:
            return Statistics(*(np.empty(0) for _ in range(4)))
        return Statistics(*(np.concatenate(values) for values in zip(*parts)))

    def _of(self, flux: np.ndarray, error: np.ndarray, whole: bool) -> tuple[np.ndarray, ...]:
        y, sigma = torch.as_tensor(flux), torch.as_tensor(error)
        z = (y - self.mean).mul_(self.weights)
        masked = not whole
        if masked:
            bad = z.isnan()
            z = z.masked_fill(bad, 0.0)
        c = z @ self.basis
        if masked and bool((rows := bad.any(dim=1) & ~bad.all(dim=1)).any()):
            c[rows] = completed(self.basis, self.covariance, z[rows], ~bad[rows])
        count = (~bad).sum(dim=1).clamp_min(1) if masked else torch.full((len(y),), float(y.shape[1]))
        residual = torch.addmm(z, c, self.basis.T, alpha=-1)
        if masked:
            residual = residual.masked_fill(bad, 0.0)
        noise = torch.linalg.vector_norm(residual, dim=1).square() / count
        chi = residual.div_((self.weights * sigma).clamp_min_(1e-30))
        if masked:
            chi = chi.masked_fill(bad, 0.0)
        chi2 = torch.linalg.vector_norm(chi, dim=1).square() / (count - self.basis.shape[1]).clamp_min(1)
        inside = (chi.abs_() < _CLIPPED).sum(dim=1).float()
        within = (inside - bad.sum(dim=1)) / count if masked else inside / count
        distance = (c.square() / (self.prior + noise[:, None])).mean(dim=1)
        return tuple(v.double().numpy() for v in (chi2, distance, self._shift(y, sigma), within))

    def _shift(self, flux: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        """ln likelihood of the lines anywhere else less that of them where they should be; 0 where they are not seen.

        Model: level · (1 + depth · template), depth ≥ 0, both free (least squares).
        """
        if self.window is None:
            return torch.zeros(len(flux))
        y, sigma = flux[:, self.window], error[:, self.window]
        good = ~y.isnan()
        level = (torch.where(good, y, 0.0).sum(dim=1) / good.sum(dim=1).clamp_min(1))[:, None].abs().clamp_min(1e-6)
        weight = torch.where(good, (level / sigma).square(), 0.0)
        value = torch.where(good, y / level - 1, 0.0)
        w, wy = weight.sum(dim=1, keepdim=True).clamp_min(1e-30), (weight * value).sum(dim=1, keepdim=True)
        wt, wtt, wty = weight @ self.template, weight @ self.template.square(), (weight * value) @ self.template
        spread = (wtt - wt.square() / w).clamp_min(1e-12)
        gain = (wty - wy * wt / w).clamp_min(0).square() / spread / 2
        at_rest = torch.as_tensor(np.abs(_SHIFTS) <= _AT_REST)
        return gain[:, ~at_rest].amax(dim=1) - gain[:, at_rest].amax(dim=1)


def limits(statistics: Iterable[Statistics]) -> dict[str, float]:
    """The 99.9th percentile of every number over validation stars."""
    every = list(statistics)
    return {name: float(np.percentile(np.concatenate([getattr(s, name) for s in every]), PERCENTILE)) for name in NAMES}
