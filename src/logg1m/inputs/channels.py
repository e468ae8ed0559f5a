"""Input channels per pixel, made from noisy flux and an error; (B, P) tensors in, (B, C, P) out."""

from collections.abc import Sequence

import torch

from logg1m.files import InputError
from logg1m.observe.honest import boxcar

_EPSILON = 1e-3  # floor of the error under which flux/error would blow up; the smallest real errors are ~1e-2
_SMOOTHING = 25  # pixels, 11 Å: wider than line cores, narrower than bands


def channels(names: Sequence[str], flux: torch.Tensor, error: torch.Tensor | None) -> torch.Tensor:
    """Stack the named channels of normalised noisy flux (B, P).

    flux; flux_over_error = flux/(error + ε); log_error = ln(error + ε); error; smooth_residual = flux − boxcar mean;
    derivative = dflux/dx per pixel (∝ dflux/dlog λ over this narrow band).
    """
    made = []
    for name in names:
        if name == "flux":
            made.append(flux)
        elif name == "smooth_residual":
            made.append(flux - boxcar(flux, _SMOOTHING))
        elif name == "derivative":
            made.append(torch.gradient(flux, dim=1)[0])
        elif error is None:
            raise InputError(f"channel {name!r} needs an error")
        elif name == "flux_over_error":
            made.append(flux / (error + _EPSILON))
        elif name == "log_error":
            made.append((error + _EPSILON).log())
        elif name == "error":
            made.append(error)
        else:
            raise InputError(f"unknown channel {name!r}")
    return torch.stack(made, dim=1)


def needs_error(names: Sequence[str]) -> bool:
    """Whether any of the channels is made from the error."""
    return any(name in ("flux_over_error", "log_error", "error") for name in names)
