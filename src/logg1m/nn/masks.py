"""Which pixels masked modelling hides: whole tokens, contiguous spans, or single pixels; a function of the seed."""

import torch

from logg1m import noise
from logg1m.noise import Stream

_SPAN_TOKENS = 4  # usual length of a span, so that it always swallows whole tokens


class Masks:
    """Hidden pixels of a spectrum, a function of (seed, spectrum id, draw).

    masked_token : whole patches; exactly the wanted share of them, rounded
    masked_span : spans that do not touch the grid of patches and do not overlap; exactly the wanted share of the pixels
    masked_pixel : every pixel by itself with the probability `share`
    """

    def __init__(self, kind: str, share: float, n_pixels: int, patch: int, seed: int) -> None:
        """patch : pixels per token; of the coarsest scale, so that no scale sees a hidden one"""
        self.kind, self.share, self.n_pixels, self.patch, self.seed = kind, share, n_pixels, patch, seed

    def __call__(self, ids: torch.Tensor, draw: int) -> torch.Tensor:
        """Spectrum ids (B,) → hidden pixels (B, P) bool, on the device of the ids."""
        if self.kind == "masked_pixel":
            return self._words(ids, self.n_pixels, draw) < self.share * 2.0**32
        if self.kind == "masked_span":
            return self._spans(ids, draw)
        return self._tokens(ids, draw)

    def _tokens(self, ids: torch.Tensor, draw: int) -> torch.Tensor:
        count = -(-self.n_pixels // self.patch)
        hidden = min(max(round(self.share * count), 1), count - 1)
        rank = self._words(ids, count, draw).argsort(dim=1, stable=True).argsort(dim=1)
        return (rank < hidden).repeat_interleave(self.patch, dim=1)[:, : self.n_pixels]

    def _spans(self, ids: torch.Tensor, draw: int) -> torch.Tensor:
        """Sorted random offsets in what the spans leave free, each moved by the spans before it."""
        total = max(round(self.share * self.n_pixels), 1)
        count = max(round(total / (_SPAN_TOKENS * self.patch)), 1)
        lengths = total // count + (torch.arange(count, device=ids.device) < total % count).long()
        before = lengths.cumsum(0) - lengths
        free = self.n_pixels - total
        starts = (self._words(ids, count, draw) % (free + 1)).sort(dim=1).values + before  # (B, S)
        pixel = torch.arange(self.n_pixels, device=ids.device)
        inside = torch.searchsorted(starts, pixel.expand(len(ids), -1).contiguous(), right=True) - 1  # last span begun
        at = inside.clamp_min(0)
        return (inside >= 0) & (pixel < starts.gather(1, at) + lengths[at])

    def _words(self, ids: torch.Tensor, count: int, draw: int) -> torch.Tensor:
        return noise.words(self.seed, Stream.MASKS, ids, count, draw)
