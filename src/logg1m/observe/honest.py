"""The error an observer can estimate: the noise model with smoothed noisy flux in place of the noise-free one."""

import numpy as np
import torch

from logg1m.config.data import Observation
from logg1m.files import InputError
from logg1m.observe.pfs import Conditions, PfsRedArm

_SMOOTHING = 51  # pixels, 22 Å


def boxcar(values: torch.Tensor, width: int) -> torch.Tensor:
    """Mean over `width` (odd) pixels, (B, P), with shorter means at the edges."""
    half = width // 2
    running = torch.nn.functional.pad(values.double().cumsum(dim=1), (1, 0))
    n_pixels = values.shape[1]
    index = torch.arange(n_pixels, device=values.device)
    low, high = (index - half).clamp_min(0), (index + half + 1).clamp_max(n_pixels)
    return ((running[:, high] - running[:, low]) / (high - low)).to(values.dtype)


class HonestError:
    """Re-estimates 1σ errors from noisy flux, photometric scale and the night's known conditions."""

    def __init__(self, observation: Observation, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.observation = observation
        self.arm = PfsRedArm(device, dtype)

    def __call__(self, noisy: torch.Tensor, flux_scale: np.ndarray, conditions: Conditions) -> torch.Tensor:
        """(B, P) noisy normalised flux → (B, P) error; smoothed over 51 pixels and floored at zero."""
        scale = torch.tensor(flux_scale, device=noisy.device, dtype=noisy.dtype)
        smooth = boxcar(noisy, _SMOOTHING).clamp_min_(0.0)
        return self.arm.error(smooth, scale, conditions, self.observation.exposures, self.observation.exposure_time)[0]


class FittedError:
    """The same for a source without photometric scale and conditions: σ² = s·a(λ) + √s·b(λ)·flux.

    Sky and stellar photons scale with the square and the first power of the normalisation, hence √s. The sky level s of
    a spectrum is the mean stored variance over the pixels where the sky dominates, which hold no trace of the star;
    a and b are fitted on training spectra. Smoothed noisy flux takes the place of the noise-free one, as in
    `HonestError`.

    Attributes
    ----------
    residual : median |σ/σ_fitted − 1| over the training spectra and pixels, with their noise-free flux
    """

    def __init__(self, flux: np.ndarray, error: np.ndarray) -> None:
        """Fit on training spectra: noise-free flux and 1σ error, (N, P) each, N ≥ 3."""
        if len(flux) < 3:
            raise InputError(f"an error model needs at least 3 training spectra, got {len(flux)}")
        variance = error.astype(np.float64) ** 2
        mean = variance.mean(axis=0)
        self.sky_pixels = mean >= np.quantile(mean, 0.95)
        scale = self._scale(error)
        regressors = np.stack([np.broadcast_to(scale[:, None], flux.shape), np.sqrt(scale)[:, None] * flux], axis=2)
        weighted = regressors / variance[:, :, None]  # relative errors count alike for bright and faint spectra
        normal = np.einsum("npk,npl->pkl", weighted, weighted)
        right = np.einsum("npk->pk", weighted)
        self.sky, self.photons = np.maximum(np.linalg.solve(normal, right[:, :, None])[:, :, 0], 0.0).T
        fitted = np.sqrt(self._variance(scale, flux))
        self.residual = float(np.median(np.abs(error / np.maximum(fitted, 1e-12) - 1)))

    def _scale(self, error: np.ndarray) -> np.ndarray:
        return np.asarray((error[:, self.sky_pixels].astype(np.float64) ** 2).mean(axis=1))

    def _variance(self, scale: np.ndarray, flux: np.ndarray) -> np.ndarray:
        return np.asarray(scale[:, None] * self.sky + np.sqrt(scale)[:, None] * self.photons * flux)

    def __call__(self, noisy: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        """(B, P) noisy flux and stored error, of which only the level in the sky pixels is used → (B, P) error."""
        smooth = boxcar(noisy, _SMOOTHING).clamp_min_(0.0)
        variance = self._variance(self._scale(error.cpu().numpy()), smooth.cpu().numpy())
        return torch.from_numpy(np.sqrt(np.maximum(variance, 1e-12)).astype(np.float32)).to(noisy.device)
