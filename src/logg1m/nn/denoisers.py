"""Denoisers: noisy flux → an estimate of the flux without noise, learnt from noisy spectra alone, frozen afterwards.

The networks are block auto-encoders for spectra on one fixed grid: blocks of pixels are contracted to one code per
spectrum and expanded again; with `channels` what the neighbouring blocks hold takes the short way beside the code, as
in a U-Net (Ronneberger et al. 2015). Weights at the pixels differ from pixel to pixel, since a line is always at the
same place. No network is given the error of a spectrum; the error weights the loss only. Half of the training spectra
lack a region, so that a denoiser also knows what to make of sky-line pixels alone, or of the pixels between them.

- `blind_spot`: every block is predicted from all the others (Krull et al. 2019; Laine et al. 2019). The noise of a
  pixel is independent of what the other blocks hold, so the noisy pixel itself is a target, and copying it is
  impossible.
- `autoencoder`: the two halves of a star's exposures have independent noise, so that one half is a target for the other
  (Lehtinen et al. 2018); applied to the whole. Drawn as y + σz and y − σz, which have √2 of the noise each and are
  independent of each other (Pang et al. 2021).
- `autoencoder_clean`: the same network with the noise-free flux as target, which no observer has.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from logg1m.config.denoisers import Denoisers
from logg1m.files import InputError, save_with
from logg1m.nn.wiener import WienerFilter

Denoise = Callable[[torch.Tensor], torch.Tensor]
_REACH = 4  # neighbouring blocks on either side
_SMALLEST = 1e-6  # of a mean square whose logarithm is taken


class Denoiser(nn.Module):
    """Noisy flux (B, P) → denoised flux (B, P); the first output is the mean spectrum.

    With `blind`, no pixel of the output depends on any pixel of its own block in the input.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    seen: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, settings: Denoisers, blind: bool) -> None:
        """mean, scale : of the noisy training flux, (P,)"""
        super().__init__()
        self.blind, self.block = blind, settings.block
        self.blocks = -(-len(mean) // settings.block)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale.clamp_min(_SMALLEST))
        n, p, code, hidden, channels = self.blocks, settings.block, settings.code, settings.hidden, settings.channels
        self.contract = nn.Parameter(torch.randn(n, p, code) / (n * p) ** 0.5)
        self.mix = nn.Sequential(
            nn.Linear(code + 1 + channels, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()
        )
        self.expand = nn.Parameter(torch.zeros(n, hidden, p))
        self.offset = nn.Parameter(torch.zeros(n, 1, p))
        self.embed = nn.Parameter(torch.randn(n, p, channels) / p**0.5) if channels else None
        self.neighbours = nn.Conv1d(channels, channels, 2 * _REACH + 1, padding=_REACH) if channels else None
        seen = torch.ones(2 * _REACH + 1)
        seen[_REACH] = 0.0 if blind else 1.0
        self.register_buffer("seen", seen, persistent=False)

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        x = (noisy - self.mean) / self.scale
        pixels = x.shape[1]
        x = functional.pad(x, (0, self.blocks * self.block - pixels))
        blocks = x.unflatten(1, (self.blocks, self.block)).transpose(0, 1)  # (N, B, p)
        parts, power = torch.bmm(blocks, self.contract), (blocks**2).mean(dim=2, keepdim=True)
        code, mean_power = parts.sum(dim=0, keepdim=True), power.mean(dim=0, keepdim=True)
        if self.blind:  # what the other blocks say of this one
            code, mean_power = code - parts, mean_power - power / self.blocks
        # The power tells how noisy the spectrum is, so that a faint one can be drawn closer to the mean.
        level = mean_power.clamp_min(_SMALLEST).log()
        known = torch.cat([code, level], dim=2)  # (N, B, …) where blind, (1, B, …) where every block has the same
        if self.embed is not None and self.neighbours is not None:
            embedded = functional.gelu(torch.bmm(blocks, self.embed)).permute(1, 2, 0)  # (B, C, N)
            weight, bias = self.neighbours.weight * self.seen, self.neighbours.bias
            beside = functional.conv1d(embedded, weight, bias, padding=_REACH).permute(2, 0, 1)
            known = torch.cat([known.expand(self.blocks, -1, -1), beside], dim=2)
        mixed = self.mix(known).expand(self.blocks, -1, -1)
        out = (torch.bmm(mixed, self.expand) + self.offset).transpose(0, 1).flatten(1)[:, :pixels]
        return torch.as_tensor(self.mean + self.scale * out)

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        """Mean square of (output − target)/error of a batch x (B, 3, P): what the network sees (NaN: nothing, which is
        the mean to it), target, error."""
        return self.losses(x).mean()

    def losses(self, x: torch.Tensor) -> torch.Tensor:
        """The same per spectrum, (B,)."""
        seen, target, error = x.unbind(1)
        given = torch.where(seen.isnan(), self.mean, seen)
        return torch.as_tensor((((self(given) - target) / error) ** 2).mean(dim=1))


@dataclass(frozen=True)
class Frozen:
    """A denoiser that is no longer trained.

    denoise : (B, P) → (B, P), differentiable with respect to the flux
    mean : the mean of its training spectra (P,)
    identity : digest of the weights, for trainings that must not resume with another denoiser
    """

    denoise: Denoise
    mean: torch.Tensor
    identity: str

    def confined(self, visible: torch.Tensor) -> Denoise:
        """The same function of the visible pixels (P,) alone: the others are the mean to it, whatever they hold."""
        return lambda noisy: self.denoise(torch.where(visible, noisy, self.mean))


def save(path: Path, module: nn.Module, kind: str, settings: Denoisers, identity: str) -> None:
    """Weights and what they are, in one file."""
    made_with = settings.model_dump_json(exclude={"training": {"checkpoint_seconds"}})
    # one entry: several would stand in any order, and equal denoisers in files that differ
    header = {"denoiser": json.dumps({"kind": kind, "settings": json.loads(made_with), "identity": identity})}
    tensors = {name: value.detach().contiguous().cpu() for name, value in module.state_dict().items()}
    save_with(path, lambda temporary: save_file(tensors, temporary, header))


def load(path: Path | str, device: torch.device) -> Frozen:
    """Read what `save` wrote.

    Raises
    ------
    InputError
        If the file is no denoiser of this package.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header: dict[str, Any] = json.loads((file.metadata() or {})["denoiser"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        module = _empty(header["kind"], Denoisers.of(header["settings"]), tensors)
        module.load_state_dict(tensors)
        identity = header["identity"]
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path} is no denoiser that can be read; remove it and run again: {error}") from error
    return freeze(module.to(device), identity)


def freeze(module: nn.Module, identity: str) -> Frozen:
    """Gradients go through to the flux, none to the weights."""
    return Frozen(module.eval().requires_grad_(False), module.get_buffer("mean"), identity)


def _empty(kind: str, settings: Denoisers, tensors: dict[str, torch.Tensor]) -> nn.Module:
    mean, scale = tensors["mean"], tensors["scale"]
    if kind == "pca":
        return WienerFilter(mean, scale, tensors["basis"], tensors["kept"])
    return Denoiser(mean, scale, settings, blind=kind == "blind_spot")
