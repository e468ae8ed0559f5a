"""Soft guidance of attention or loss towards the pixels that are sensitive to log g (MVP-3.5)."""

import torch
from torch import nn

from logg1m.nn.encoder import Encoder, Layer

_ATTENTION_WEIGHT = 0.05  # of the auxiliary loss beside a standardised squared error
_OUTSIDE = 0.5  # share of the attention that guidance leaves to the whole spectrum
_TOKEN_WEIGHT = 0.2
_EMPHASIS = 4.0  # loss weight of a token wholly inside a window over one outside


class Guidance(nn.Module):
    """An auxiliary loss.

    attention : divergence of what every token receives of the last layer's attention from a target that gives half of
        it to the windows, spread evenly over their pixels, and half to the whole spectrum. A mere reward for attention
        inside would be greatest where a single token has it all.
    token_loss : every token predicts the labels by itself; tokens inside windows weigh more in the mean loss
    """

    inside: torch.Tensor
    target: torch.Tensor

    def __init__(self, kind: str, encoder: Encoder, windows: torch.Tensor, n_targets: int) -> None:
        """windows : mask of the sensitive pixels (P,)"""
        super().__init__()
        self.kind = kind
        inside = encoder.tokeniser.share_inside(windows)
        self.register_buffer("inside", inside, persistent=False)
        even = torch.full_like(inside, 1 / len(inside))
        windowed = inside / inside.sum() if inside.any() else even
        self.register_buffer("target", _OUTSIDE * even + (1 - _OUTSIDE) * windowed, persistent=False)
        self.head = nn.Linear(encoder.norm.normalized_shape[0], n_targets) if kind == "token_loss" else None

    def forward(
        self, encoder: Encoder, x: torch.Tensor, targets: torch.Tensor, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Tokens (B, N, D) embedded by the encoder's tokeniser, one beside them (B, 1, D) where there is one, and standardised
        labels (B, T) → auxiliary loss."""
        hidden, rotation = encoder.placed(x, encoder.centres, beside)
        leading = hidden.shape[1] - len(self.inside)
        for layer in encoder.layers[:-1]:
            hidden = layer(hidden, rotation)
        last = encoder.layers[-1]
        if self.head is None:
            assert isinstance(last, Layer)
            attention = last.attention(hidden, rotation).mean(dim=(1, 2))  # received by every token, (B, N)
            tokens = attention[:, leading:]
            received = tokens / tokens.sum(dim=1, keepdim=True)  # of what patches have
            divergence = (self.target * (self.target / received.clamp_min(1e-6)).log()).sum(dim=1)
            return _ATTENTION_WEIGHT * divergence.mean()
        encoded = encoder.norm(last(hidden, rotation))[:, leading:]
        squared = ((self.head(encoded) - targets[:, None]) ** 2).mean(dim=2)
        weight = 1 + (_EMPHASIS - 1) * self.inside
        return torch.as_tensor(_TOKEN_WEIGHT * (squared * weight).sum(dim=1).mean() / weight.sum())
