"""What a training costs, in floating-point operations: counted, not timed, so the same on every machine."""

from copy import deepcopy

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

_ROWS = 2


def flops_per_spectrum(module: nn.Module, shape: tuple[int, ...], n_targets: int) -> int:
    """Operations of the matrix products in loss and gradient of one spectrum.

    Parameters
    ----------
    module : has loss(x, labels, share)
    shape : of one prepared spectrum
    """
    copy = deepcopy(module).cpu().train()
    # Fused kernels are not counted the same on every device; the plain one is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        copy.loss(torch.ones(_ROWS, *shape), torch.zeros(_ROWS, n_targets), 0.0).backward()  # type: ignore[operator]
    return int(counter.get_total_flops()) // _ROWS
