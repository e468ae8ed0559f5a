"""The error an observer can estimate: the noise model with smoothed noisy flux in place of the noise-free one."""

import numpy as np
import torch

from logg1m.config.data import Observation
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
        scale = torch.as_tensor(flux_scale, device=noisy.device, dtype=noisy.dtype)
        smooth = boxcar(noisy, _SMOOTHING).clamp_min_(0.0)
        return self.arm.error(smooth, scale, conditions, self.observation.exposures, self.observation.exposure_time)[0]
