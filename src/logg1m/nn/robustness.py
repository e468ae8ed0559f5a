"""A trained network on spectra that it was not made for, without retraining: cut edges, moved starts, other grids.

Everything happens to standardised inputs, where zero is the mean spectrum of the training set. Every condition has as
many pixels as the network's own grid; what a condition leaves without data is zero.

crop_N, crop_blue_N, crop_red_N : N % of the pixels hidden at each edge, or at one; every token stays in its place
shift_K : the first K pixels are missing and the rest moves up, so that every index is off by K pixels
hidden_K : the first K pixels hidden in place, the control of shift_K
half_pixel : the grid moved by half a pixel
step_F : pixels F times as wide around the same centre; step_F_back : the same, interpolated back to the network's grid
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from logg1m.nn.learner import Learner

CROPS = (5, 10, 20)  # % at each edge
SHIFTS = (16, 64, 256)  # pixels
STEPS = (0.9, 1.1)
_BATCH = 512

Condition = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]


def conditions(n_pixels: int) -> dict[str, Condition]:
    """Name → (standardised spectra (B, C, P), wave (P,)) → the same under the condition, and their grid if another."""
    made: dict[str, Condition] = {}
    for percent in CROPS:
        cut = round(n_pixels * percent / 100)
        made[f"crop_{percent}"] = _hide(cut, cut)
        made[f"crop_blue_{percent}"] = _hide(cut, 0)
        made[f"crop_red_{percent}"] = _hide(0, cut)
    for pixels in (p for p in SHIFTS if p < n_pixels):
        made[f"shift_{pixels}"] = _on(lambda wave, k=pixels: wave + k * (wave[1] - wave[0]))  # type: ignore[misc]
        made[f"hidden_{pixels}"] = _hide(pixels, 0)
    made["half_pixel"] = _on(lambda wave: wave + (wave[1] - wave[0]) / 2)
    for factor in STEPS:
        other = lambda wave, f=factor: wave.mean() + f * (wave - wave.mean())  # noqa: E731
        made[f"step_{factor}"] = _on(other)
        made[f"step_{factor}_back"] = _and_back(other)
    return made


def resample(x: torch.Tensor, wave: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Linear interpolation of spectra (B, C, P) from an evenly spaced grid (P,) to any wavelengths (Q,); zero beyond."""
    at = (target.double() - wave[0].double()) / ((wave[-1] - wave[0]).double() / (len(wave) - 1))
    nearest = at.round()
    at = torch.where((at - nearest).abs() < 1e-6, nearest, at)  # a pixel that lies on a pixel is that pixel
    low = at.floor().long().clamp(0, len(wave) - 2)
    share = (at - low).to(x.dtype)
    inside = (at >= 0) & (at <= len(wave) - 1)
    return torch.where(inside, torch.lerp(x[..., low], x[..., low + 1], share), 0.0)


def predictions(
    learner: Learner, x: np.ndarray, wave: np.ndarray, ids: np.ndarray, device: torch.device
) -> pd.DataFrame:
    """log g (dex) of prepared spectra (N, C, P) under every condition: column id and one per condition, float32."""
    made, grid = conditions(len(wave)), torch.as_tensor(wave, device=device)
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in made}
    with torch.no_grad():
        for low in range(0, len(x), _BATCH):
            standard = learner.standardise(torch.as_tensor(x[low : low + _BATCH]).to(device))
            for name, condition in made.items():
                seen, other = condition(standard, grid)
                found = learner.objective.predict(learner.on_grid(seen, other))[:, 0]
                parts[name].append(found.float().cpu())
    empty = torch.empty(0)
    return pd.DataFrame({"id": ids} | {name: torch.cat([empty, *found]).numpy() for name, found in parts.items()})


def _hide(blue: int, red: int) -> Condition:
    """Hide pixels at either edge in place."""

    def condition(x: torch.Tensor, wave: torch.Tensor) -> tuple[torch.Tensor, None]:
        hidden = torch.ones(len(wave), dtype=torch.bool, device=x.device)
        hidden[blue : len(wave) - red] = False
        return x.masked_fill(hidden, 0.0), None

    return condition


def _on(grid: Callable[[torch.Tensor], torch.Tensor]) -> Condition:
    """Look at the spectra on another grid."""

    def condition(x: torch.Tensor, wave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        target = grid(wave)
        return resample(x, wave, target), target

    return condition


def _and_back(grid: Callable[[torch.Tensor], torch.Tensor]) -> Condition:
    """The same, and interpolated back to the own grid, as a pipeline would do it."""

    def condition(x: torch.Tensor, wave: torch.Tensor) -> tuple[torch.Tensor, None]:
        target = grid(wave)
        return resample(resample(x, wave, target), target, wave), None

    return condition
