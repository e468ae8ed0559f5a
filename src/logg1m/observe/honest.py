"""The error an observer can estimate: the noise model with smoothed noisy flux in place of the noise-free one."""

from dataclasses import dataclass

import numpy as np
import torch

from logg1m.config.data import Observation
from logg1m.files import InputError
from logg1m.observe.pfs import Conditions, PfsRedArm

_SMOOTHING = 51  # pixels, 22 Å
_BLOCK = 4096  # spectra


def boxcar(values: torch.Tensor, width: int) -> torch.Tensor:
    """Mean over `width` (odd) pixels, (B, P), with shorter means at the edges."""
    half = width // 2
    running = torch.nn.functional.pad(values.double().cumsum(dim=1), (1, 0))
    n_pixels = values.shape[1]
    index = torch.arange(n_pixels, device=values.device)
    low, high = (index - half).clamp_min(0), (index + half + 1).clamp_max(n_pixels)
    return ((running[:, high] - running[:, low]) / (high - low)).to(values.dtype)


@dataclass(frozen=True)
class Known:
    """What an observer knows of N spectra before looking at their pixels, on one device.

    flux_scale : erg/s/cm²/Å per unit of normalised flux, (N,)
    throughput, sky : of the night, at the knots of the instrument's model, each (N, 16)
    """

    flux_scale: torch.Tensor
    throughput: torch.Tensor
    sky: torch.Tensor

    def __getitem__(self, rows: torch.Tensor) -> "Known":
        return Known(self.flux_scale[rows], self.throughput[rows], self.sky[rows])


class HonestError:
    """Re-estimates 1σ errors from noisy flux, photometric scale and the night's known conditions."""

    def __init__(self, observation: Observation, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        if observation.arms != ("m",):
            raise InputError(
                f"data.observation.arms = {list(observation.arms)}: errors are re-estimated of the arm m alone; leave out the "
                "experiments that ask for them"
            )
        self.observation = observation
        self.arm = PfsRedArm(device, dtype)

    def __call__(self, noisy: torch.Tensor, flux_scale: np.ndarray, conditions: Conditions) -> torch.Tensor:
        """(B, P) noisy normalised flux → (B, P) error; smoothed over 51 pixels and floored at zero."""
        return self.given(noisy, self.known(flux_scale, conditions))

    def known(self, flux_scale: np.ndarray, conditions: Conditions) -> Known:
        """The constants of N spectra: about 10 µs each on the host, in blocks that fit its memory."""
        scale = torch.tensor(flux_scale, device=self.arm.device, dtype=self.arm.dtype)
        blocks = [conditions[np.arange(low, min(low + _BLOCK, len(scale)))] for low in range(0, len(scale), _BLOCK)]
        knots = [self.arm.knots(block, self.observation.exposure_time) for block in blocks]
        return Known(scale, *(torch.cat(parts) for parts in zip(*knots)))

    def given(self, noisy: torch.Tensor, known: Known) -> torch.Tensor:
        """The error (B, P) of noisy flux (B, P) of which the constants are known; all of it on the device."""
        smooth = boxcar(noisy, _SMOOTHING).clamp_min_(0.0)
        exposures, time = self.observation.exposures, self.observation.exposure_time
        return self.arm.error(smooth, known.flux_scale, (known.throughput, known.sky), exposures, time)[0]


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
        """Fit on training spectra: noise-free flux and 1σ error, (N, P) each, N ≥ 3; infinite errors (masked pixels) have
        no weight."""
        if len(flux) < 3:
            raise InputError(f"an error model needs at least 3 training spectra, got {len(flux)}")
        self._tensors: dict[torch.device, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
        variance = error.astype(np.float64) ** 2
        masked = np.isinf(error)
        if masked.any():
            flux = np.where(masked, 0.0, flux)
        mean = _mean(variance, masked, axis=0)
        self.sky_pixels = mean >= np.quantile(mean, 0.95)
        scale = self._scale(error)
        regressors = np.stack([np.broadcast_to(scale[:, None], flux.shape), np.sqrt(scale)[:, None] * flux], axis=2)
        weighted = regressors / variance[:, :, None]  # relative errors count alike for bright and faint spectra
        normal = np.einsum("npk,npl->pkl", weighted, weighted)
        normal[masked.all(axis=0)] = np.eye(2)  # never measured: no sky and no photons
        right = np.einsum("npk->pk", weighted)
        self.sky, self.photons = np.maximum(np.linalg.solve(normal, right[:, :, None])[:, :, 0], 0.0).T
        fitted = np.sqrt(self._variance(scale, flux))
        self.residual = float(np.median(np.abs(error / np.maximum(fitted, 1e-12) - 1)[~masked]))

    def _scale(self, error: np.ndarray) -> np.ndarray:
        sky = error[:, self.sky_pixels].astype(np.float64)
        return _mean(sky**2, np.isinf(sky), axis=1)

    def _variance(self, scale: np.ndarray, flux: np.ndarray) -> np.ndarray:
        return np.asarray(scale[:, None] * self.sky + np.sqrt(scale)[:, None] * self.photons * flux)

    def __call__(self, noisy: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        """(B, P) noisy flux and stored error, of which only the level in the sky pixels is used → (B, P) error."""
        sky_pixels, sky, photons = self._on(noisy.device)
        smooth = boxcar(noisy, _SMOOTHING).clamp_min_(0.0)
        level = error[:, sky_pixels].double() ** 2
        good = level.isfinite()
        scale = torch.where(good, level, 0.0).sum(dim=1, keepdim=True) / good.sum(dim=1, keepdim=True).clamp_min(1)
        variance = scale * sky + scale.sqrt() * photons * smooth
        return variance.clamp_min(1e-12).sqrt().float()

    def _on(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Sky pixels, sky and photons on a device, copied there once."""
        if device not in self._tensors:
            parts = (np.flatnonzero(self.sky_pixels), self.sky, self.photons)
            made = tuple(torch.as_tensor(np.ascontiguousarray(part), device=device) for part in parts)
            self._tensors[device] = (made[0], made[1], made[2])
        return self._tensors[device]


def _mean(values: np.ndarray, masked: np.ndarray, axis: int) -> np.ndarray:
    """Mean along an axis of what is not masked, 0 where everything is."""
    if not masked.any():
        return np.asarray(values.mean(axis=axis))
    count = np.maximum(np.count_nonzero(~masked, axis=axis), 1)
    return np.asarray(np.where(masked, 0.0, values).sum(axis=axis) / count)
