"""The transformer: pre-norm layers over tokens of a spectrum, pooled to one vector."""

import torch
from torch import nn
from torch.nn import functional

from logg1m.config.networks import Architecture
from logg1m.files import InputError
from logg1m.nn.position import Position, rotate
from logg1m.nn.tokeniser import Tokeniser

Rotation = tuple[torch.Tensor, torch.Tensor] | None


class Layer(nn.Module):
    """Self-attention and a perceptron, each after a norm and beside a shortcut (Xiong et al. 2020)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, hidden = architecture.width, int(architecture.width * architecture.mlp_ratio)
        self.heads = architecture.heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
        """(B, N, D) → (B, N, D)."""
        q, k, v = self._heads(x, rotation)
        attended = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.out(attended)
        return torch.as_tensor(x + self.mlp(self.norm_mlp(x)))

    def attention(self, x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
        """The attention weights themselves, (B, H, N, N), rows sum to 1."""
        q, k, _ = self._heads(x, rotation)
        return torch.as_tensor((q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=-1))

    def _heads(self, x: torch.Tensor, rotation: Rotation) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        joint = self.qkv(self.norm_attention(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = (part.transpose(1, 2) for part in joint.unbind(2))
        return (rotate(q, rotation), rotate(k, rotation), v) if rotation else (q, k, v)


class Encoder(nn.Module):
    """Spectra (B, C, P), standardised per pixel, → one vector per spectrum."""

    centres: torch.Tensor

    def __init__(
        self, architecture: Architecture, n_channels: int, wave: torch.Tensor, tokeniser: str, position: str
    ) -> None:
        """wave : vacuum Å of the pixels (P,)"""
        super().__init__()
        self.pooling = architecture.pooling
        self.tokeniser = Tokeniser(tokeniser, n_channels, architecture.patch, architecture.width)
        self.register_buffer("centres", self.tokeniser.centres(wave.double()).float(), persistent=False)
        self.sizes = [len(centres) for centres in self.tokeniser.centres_of_scales(wave)]
        # A head that has all tokens side by side knows which is which; pooled ones are told apart by their codes alone,
        # which must then be as large as the tokens themselves (0.34).
        std = 0.02 if self.pooling == "flatten" else 0.3
        self.position = Position(position, self.centres, architecture.width, architecture.heads, std)
        self.cls = nn.Parameter(torch.zeros(architecture.width)) if self.pooling == "cls" else None
        self.layers = nn.ModuleList(Layer(architecture) for _ in range(architecture.depth))
        self.norm = nn.LayerNorm(architecture.width)
        self.n_features = architecture.width * (len(self.centres) if self.pooling == "flatten" else 1)
        self.apply(initialise)

    def forward(
        self, x: torch.Tensor, wave: torch.Tensor | None = None, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, C, P) → (B, F); `wave` (P,) in Å where it is not the grid that the network was made for.

        A token `beside` (B, 1, D) the patches goes through all layers with them, and stands in front of what they are pooled
        to, (B, D + F): no mean over the patches thins it out.
        """
        return self.summarised(self.tokeniser(x), wave, beside)

    def summarised(
        self, tokens: torch.Tensor, wave: torch.Tensor | None = None, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The same of embedded patches (B, N, D)."""
        encoded = self.encode(tokens, self.centres_on(wave), beside)
        if beside is None:
            return self.pool(encoded, wave)
        return torch.cat([encoded[:, 0], self.pool(encoded[:, 1:], wave)], dim=1)

    def centres_on(self, wave: torch.Tensor | None) -> torch.Tensor:
        """ln λ of the tokens (N,) on a grid; None: the grid that the network was made for."""
        if wave is None:
            return self.centres
        return self.tokeniser.centres(wave.double()).float()

    def encode(self, tokens: torch.Tensor, centres: torch.Tensor, beside: torch.Tensor | None = None) -> torch.Tensor:
        """Embedded patches (B, N, D) → encoded tokens (B, N, D), a class token in front where there is one, and the one
        beside them in front of that."""
        return torch.as_tensor(self.norm(self.at_depth(tokens, centres, len(self.layers), beside)))

    def at_depth(
        self, tokens: torch.Tensor, centres: torch.Tensor, depth: int, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Tokens (B, N, D) before the last norm: as embedded and placed (0), or after so many layers."""
        x, rotation = self.placed(tokens, centres, beside)
        for layer in self.layers[:depth]:
            x = layer(x, rotation)
        return x

    def placed(
        self, tokens: torch.Tensor, centres: torch.Tensor, beside: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Rotation]:
        """Tokens with their position, and what rotates queries and keys; a class token and one beside the patches have none.

        All layers work on what they get here: under autocast the position must not lift it to single precision again.
        """
        x = self.position.add(tokens, centres).to(tokens.dtype)
        if self.cls is not None:
            x = torch.cat([self.cls.to(x.dtype).expand(len(x), 1, -1), x], dim=1)
        if beside is not None:
            x = torch.cat([beside.to(x.dtype), x], dim=1)
        return x, self.position.rotation(centres, x.shape[1] - tokens.shape[1])

    def pool(self, encoded: torch.Tensor, wave: torch.Tensor | None = None) -> torch.Tensor:
        """(B, N, D) → (B, F).

        Flattened tokens of another grid are read by wavelength, whatever the position code: what differs between codes
        is then the code alone, and not how the head finds its token.
        """
        if self.pooling == "cls":
            return encoded[:, 0]
        if self.pooling == "mean":
            return encoded.mean(dim=1)
        if wave is not None:
            encoded = self._by_wavelength(encoded, wave)
        if encoded.shape[1] * encoded.shape[2] != self.n_features:
            raise InputError(
                f"pooling 'flatten' takes {self.n_features // encoded.shape[2]} tokens, got {encoded.shape[1]}: "
                "another pixel grid needs pooling 'mean' or 'cls'"
            )
        return encoded.flatten(1)

    def _by_wavelength(self, encoded: torch.Tensor, wave: torch.Tensor) -> torch.Tensor:
        """Tokens of another grid interpolated linearly at the wavelengths of the own ones; zero where there is none."""
        theirs = self.tokeniser.centres_of_scales(wave.double())
        parts = []
        for own, other, tokens in zip(
            self.centres.split(self.sizes), theirs, encoded.split([len(centres) for centres in theirs], dim=1)
        ):
            own, other = own.double().exp(), other.exp()
            spacing = float(own[-1] - own[0]) / max(len(own) - 1, 1) or 1.0
            weight = (1 - (own[:, None] - other).abs() / spacing).clamp_min(0)
            total = weight.sum(dim=1, keepdim=True)
            weight = torch.where(total > 0.5, weight / total.clamp_min(0.5), 0.0)
            parts.append(torch.einsum("mn,bnd->bmd", weight.to(tokens.dtype), tokens))
        return torch.cat(parts, dim=1)


def initialise(module: nn.Module) -> None:
    """Initial weights of a linear layer, from the random numbers of torch."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=min(0.02 * (256 / module.in_features) ** 0.5, 0.1))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
