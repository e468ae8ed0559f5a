"""Input channels per pixel, made from noisy flux and an error; (B, P) tensors in, (B, C, P) out."""

from collections.abc import Sequence

import torch

from logg1m.files import InputError
from logg1m.observe.honest import boxcar

_EPSILON = 1e-3  # floor of the error under which flux/error would blow up; the smallest real errors are ~1e-2
_FROM_ERROR = {"flux_over_error", "log_error", "error", "weighted_residual", "error_level"}
_BY_FACTOR, _BY_LEVEL = {"error", "flux_over_error"}, {"log_error", "error_level"}  # how stars' errors differ in them
_SMOOTHING = 25  # pixels, 11 Å: wider than line cores, narrower than bands
MASKED_SHARE = "masked_share"


def channels(
    names: Sequence[str],
    flux: torch.Tensor,
    error: torch.Tensor | None,
    mean: torch.Tensor | None = None,
    good: torch.Tensor | None = None,
) -> torch.Tensor:
    """Stack the named channels of normalised noisy flux (B, P); `mean` (P,) is that of training spectra, `good` (B, P) says
    which pixels were measured, None where all were.

    flux; flux_over_error = flux/(error + ε); log_error = ln(error + ε); error; smooth_residual = flux − boxcar mean;
    derivative = dflux/dx per pixel (∝ dflux/dlog λ over this narrow band). flux/error also multiplies every spectrum by
    its own signal-to-noise; weighted_residual = (flux − mean)/(error + ε) · (median error + ε) has the shape of the error
    alone, and error_level = ln(median error + ε), the same in every pixel, its size. masked_share is the share of masked
    pixels among the 25 around each (11 Å; fewer at the edges), zero where all were measured: over as many pixels other
    channels reach, and a mask of 0 and 1 that is standardised by a pixel's own rare ones would be spikes of many σ.
    """
    made = []
    for name in names:
        if name == "flux":
            made.append(flux)
        elif name == "smooth_residual":
            made.append(flux - boxcar(flux, _SMOOTHING))
        elif name == "derivative":
            made.append(torch.gradient(flux, dim=1)[0])
        elif name == MASKED_SHARE:
            made.append(torch.zeros_like(flux) if good is None else boxcar((~good).to(flux.dtype), _SMOOTHING))
        elif error is None:
            raise InputError(f"channel {name!r} needs an error")
        elif name == "weighted_residual":
            if mean is None:
                raise InputError(f"channel {name!r} needs the mean of training spectra")
            made.append((flux - mean) * ((_median(error) + _EPSILON) / (error + _EPSILON)))
        elif name == "error_level":
            made.append((_median(error) + _EPSILON).log().expand_as(flux))
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
    return any(name in _FROM_ERROR for name in names)


def needs_mean(names: Sequence[str]) -> bool:
    """Whether any of the channels is made from the mean of training spectra."""
    return "weighted_residual" in names


def with_neutral(
    names: Sequence[str], stacked: torch.Tensor, good: torch.Tensor, neutral: torch.Tensor
) -> torch.Tensor:
    """Channels (B, C, P) with what is `neutral` (C, P), or one number, in place of every pixel that is not `good` (B, P).

    What has the size of a star's own error is neutral in that size: errors of two stars differ by a factor, and the
    average error in place of a faint star's would say more than all its measured pixels. The masked share is known
    there too, and stays.
    """
    made = []
    for name, seen, usual in zip(names, stacked.unbind(1), neutral.expand(stacked.shape[1:]), strict=True):
        own = usual
        if name in _BY_FACTOR:
            found, expected = (torch.where(good, values, 0.0).sum(dim=1, keepdim=True) for values in (seen, usual))
            own = usual * torch.where((found / expected).isfinite(), found / expected, 1.0)
        elif name in _BY_LEVEL:
            level = torch.where(good, seen - usual, 0.0).sum(dim=1, keepdim=True) / good.sum(
                dim=1, keepdim=True
            ).clamp_min(1)
            own = usual + level * (usual != 0)  # zero: a pixel that is good nowhere
        made.append(seen if name == MASKED_SHARE else torch.where(good, seen, own))
    return torch.stack(made, dim=1)


def _median(error: torch.Tensor) -> torch.Tensor:
    """Median error of every spectrum, (B, 1)."""
    return error.median(dim=1, keepdim=True).values
