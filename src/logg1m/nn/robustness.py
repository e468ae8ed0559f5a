"""A trained network on spectra that it was not made for, without retraining: cut edges, moved starts, other grids.

Spectra are rebinned as a pipeline would do it, before they are standardised: what falls into a new pixel is the mean
flux density over that pixel, so noise is averaged and a sky line contaminates its neighbours. Mean and scale of the
training spectra are carried to the new grid. Every condition has as many pixels as the network's own grid; what a
condition leaves without data is the mean spectrum.

A projection beside the patches (`projection_token`) knows wavelengths: what a condition leaves of a spectrum is rebinned to
the network's own grid for it, and pixels without data are masked.

crop_N, crop_blue_N, crop_red_N : N % of the pixels hidden at each edge, or at one; every token stays in its place
shift_K : the first K pixels are missing and the rest moves up, so that every index is off by K pixels
hidden_K : the first K pixels hidden in place, the control of shift_K
half_pixel : the grid moved by half a pixel
step_F : pixels F times as wide around the same centre; step_F_back : the same, rebinned to the network's grid again.
    With F < 1 the new grid ends short of the old one: 5 % are cut at each edge for F = 0.9, so that crop_5 is its
    control
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from logg1m.nn.learner import Learner, Standardise

CROPS = (5, 10, 20)  # % at each edge
SHIFTS = (16, 64, 256)  # pixels
STEPS = (0.9, 1.1)
_BATCH = 512


@dataclass(frozen=True)
class Seen:
    """Prepared spectra (B, C, P), not standardised, with the mean (C, P) and the inverse scale (C, P) of the training
    spectra on the same grid; the grid (P,) in Å if it is not the network's own. An inverse scale of 0 hides a pixel, of
    one spectrum where it is (B, C, P)."""

    x: torch.Tensor
    mean: torch.Tensor
    inverse: torch.Tensor
    wave: torch.Tensor | None = None

    @property
    def standardised(self) -> torch.Tensor:
        return (self.x - self.mean) * self.inverse


Condition = Callable[[Seen, torch.Tensor], Seen]


def conditions(n_pixels: int) -> dict[str, Condition]:
    """Name → (spectra on the network's own grid, that grid (P,)) → the same spectra under the condition."""
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


def rebin(x: torch.Tensor, wave: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean flux density in the pixels of another evenly spaced grid, and which of them lie wholly on the old one.

    Parameters
    ----------
    x : (..., P), mean flux densities in pixels
    wave, target : centres of the pixels (P,) and (Q,), Å

    Returns
    -------
    (..., Q), zero where a pixel reaches beyond the old grid; (Q,) bool
    """
    first, step = wave[0].double(), (wave[-1] - wave[0]).double() / (len(wave) - 1)
    half = (target[-1] - target[0]).double() / (len(target) - 1) / 2
    edges = torch.stack([target.double() - half, target.double() + half])
    at = (edges - first) / step + 0.5  # in pixels from the blue edge of the old grid
    nearest = at.round()
    at = torch.where((at - nearest).abs() < 1e-6, nearest, at)  # an edge that lies on an edge is that edge
    inside = (at[0] >= 0) & (at[1] <= len(wave))
    total = torch.nn.functional.pad(x.double().cumsum(dim=-1), (1, 0))  # flux up to every edge of the old grid
    low = at.floor().long().clamp(0, len(wave) - 1)
    blue, red = (torch.lerp(total[..., k], total[..., k + 1], part - k) for k, part in zip(low, at))
    mean = (red - blue) / (at[1] - at[0])
    return torch.where(inside, mean, 0.0).to(x.dtype), inside


def predictions(
    learner: Learner, x: np.ndarray, wave: np.ndarray, ids: np.ndarray, device: torch.device
) -> pd.DataFrame:
    """log g (dex) of prepared spectra (N, C, P) under every condition: column id and one per condition, float32."""
    made, grid = conditions(len(wave)), torch.as_tensor(wave, device=device)
    features = learner.features and learner.features.taking(masked=True)
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in made}
    with torch.no_grad():
        for low in range(0, len(x), _BATCH):
            seen = own(learner.standardise, torch.as_tensor(x[low : low + _BATCH]).to(device))
            for name, condition in made.items():
                under = condition(seen, grid)
                projected = None if features is None else features(on_own_grid(under, grid))
                found = learner.objective.predict(learner.on_grid(under.standardised, under.wave, projected))[:, 0]
                parts[name].append(found.float().cpu())
    empty = torch.empty(0)
    return pd.DataFrame({"id": ids} | {name: torch.cat([empty, *found]).numpy() for name, found in parts.items()})


def own(standardise: Standardise, x: torch.Tensor) -> Seen:
    """Spectra as the network was made for them; masked pixels, NaN, are hidden."""
    inverse = torch.where(x.isnan(), 0.0, standardise.inverse) if standardise.masked else standardise.inverse
    return Seen(standardise.filled(x), standardise.mean, inverse)


def on_own_grid(seen: Seen, wave: torch.Tensor) -> torch.Tensor:
    """Spectra (B, C, P) rebinned to the network's own grid `wave` (P,), NaN where a pixel is hidden or has no data."""
    back = seen if seen.wave is None else moved(seen, seen.wave, wave)
    return torch.where(back.inverse > 0, back.x, torch.nan)


def moved(seen: Seen, wave: torch.Tensor, target: torch.Tensor) -> Seen:
    """Spectra with everything that standardises them on another grid.

    A pixel is hidden where it reaches beyond the old grid or touches a hidden pixel.
    """
    visible = seen.inverse > 0
    scale = torch.where(visible, 1 / torch.where(visible, seen.inverse, 1.0), 0.0)
    x, inside = rebin(seen.x, wave, target)
    mean, width = rebin(seen.mean, wave, target)[0], rebin(scale, wave, target)[0]
    whole = inside & (rebin(visible.to(x.dtype), wave, target)[0] > 1 - 1e-6)
    return Seen(x, mean, torch.where(whole, 1 / torch.where(whole, width, 1.0), 0.0), target)


def _hide(blue: int, red: int) -> Condition:
    """Hide pixels at either edge in place."""

    def condition(seen: Seen, wave: torch.Tensor) -> Seen:
        inverse = seen.inverse.clone()
        inverse[..., :blue] = 0.0
        inverse[..., len(wave) - red :] = 0.0
        return Seen(seen.x, seen.mean, inverse)

    return condition


def _on(grid: Callable[[torch.Tensor], torch.Tensor]) -> Condition:
    """Look at the spectra on another grid."""
    return lambda seen, wave: moved(seen, wave, grid(wave))


def _and_back(grid: Callable[[torch.Tensor], torch.Tensor]) -> Condition:
    """The same, and rebinned to the own grid, where the network's own mean and scale apply."""

    def condition(seen: Seen, wave: torch.Tensor) -> Seen:
        target = grid(wave)
        back = moved(moved(seen, wave, target), target, wave)
        return Seen(back.x, seen.mean, torch.where(back.inverse > 0, seen.inverse, 0.0))

    return condition
