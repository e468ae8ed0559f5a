"""Spectrum → tokens: linear embeddings of patches of pixels, at one scale or at two."""

import torch
from torch import nn

SCALES = {"single_32": (32,), "single_256": (256,), "dual_32_256": (32, 256), "dual_48_480": (48, 480)}


class Patches(nn.Module):
    """One linear embedding of consecutive patches; pixels beyond the last full patch are padded with zeros."""

    def __init__(self, n_channels: int, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(n_channels * patch, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, P) → (B, N, D), N = ⌈P / patch⌉."""
        return torch.as_tensor(self.embed(self.cut(x)))

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, P) → the pixels of every patch, (B, N, C · patch)."""
        short = -x.shape[2] % self.patch
        if short:
            x = nn.functional.pad(x, (0, short))
        return torch.as_tensor(x.unflatten(2, (-1, self.patch)).transpose(1, 2).flatten(2))

    def centres(self, wave: torch.Tensor) -> torch.Tensor:
        """Mean ln λ of every patch, (N,); wave (P,) in Å."""
        log = wave.log()
        return torch.stack([part.mean() for part in log.split(self.patch)])


class Tokeniser(nn.Module):
    """Patches of one or several widths side by side; with several, every scale has an embedding of its own."""

    def __init__(self, kind: str, n_channels: int, patch: int, width: int) -> None:
        super().__init__()
        widths = SCALES.get(kind, (patch,))
        self.scales = nn.ModuleList(Patches(n_channels, pixels, width) for pixels in widths)
        self.scale_embedding = nn.Parameter(torch.randn(len(widths), width) * 0.02) if len(widths) > 1 else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, P) → (B, N, D)."""
        parts = [scale(x) for scale in self.scales]
        if self.scale_embedding is not None:
            parts = [part + embedding for part, embedding in zip(parts, self.scale_embedding)]
        return torch.cat(parts, dim=1)

    def centres(self, wave: torch.Tensor) -> torch.Tensor:
        """Mean ln λ of every token, (N,)."""
        return torch.cat(self.centres_of_scales(wave))

    def centres_of_scales(self, wave: torch.Tensor) -> list[torch.Tensor]:
        """The same, scale by scale."""
        return [scale.centres(wave) for scale in self._patches()]

    def spans(self, n_pixels: int) -> list[tuple[int, int]]:
        """First pixel of every token and the one behind its last, (N, 2)."""
        return [
            (start, min(start + scale.patch, n_pixels))
            for scale in self._patches()
            for start in range(0, n_pixels, scale.patch)
        ]

    def share_inside(self, visible: torch.Tensor) -> torch.Tensor:
        """Share of the pixels of every token that are set in a mask (P,), (N,)."""
        mask = visible.to(torch.float32)[None, None]
        cut = [Patches.cut(scale, mask)[0].mean(dim=1) for scale in self._patches()]
        return torch.cat(cut)

    def _patches(self) -> list[Patches]:
        return [scale for scale in self.scales if isinstance(scale, Patches)]
