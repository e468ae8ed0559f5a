"""Spectra whose amplitude nobody knows: every noisy draw is divided by its own median when it is used.

Stored flux has a noise-free median of 0.5 whatever the conditions; that this median is known is part of ideal conditions.
"""

import torch

from logg1m.spectra.medians import row_medians
from logg1m.spectra.store import Store

MEDIAN = 0.5
_LEAST = 1e-3  # of a median that is divided by: a spectrum that is all noise


def is_free(store: Store) -> bool:
    """Whether the spectra of a store were simulated for an observer who does not know their amplitude."""
    observation = store.manifest.get("source", {}).get("observation") or {}
    return bool(observation.get("nuisances", {}).get("amplitude") == "free")


def rescaling(noisy: torch.Tensor) -> torch.Tensor:
    """What noisy flux (B, P) and its error are multiplied by to have a median of 0.5, (B, 1); NaN counts in no median."""
    if noisy.device.type == "cpu" and noisy.dtype == torch.float32 and not noisy.requires_grad:
        median = torch.as_tensor(row_medians(noisy.numpy(), lower=True), dtype=noisy.dtype)[:, None]
    else:  # the same number, five times as slow
        median = noisy.nanmedian(dim=1, keepdim=True).values
    median = median.nan_to_num(nan=MEDIAN)
    return MEDIAN / median.clamp_min(_LEAST)
