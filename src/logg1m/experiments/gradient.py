"""What a model looks at: how much log g answers to the flux of every pixel."""

from collections.abc import Callable

import numpy as np
import torch

from logg1m.config.compute import Compute
from logg1m.experiments import data
from logg1m.spectra.store import Store

_ROWS = 256  # low-noise test spectra behind the mean
_BATCH = 64


def input_gradient(
    store: Store, prepare: data.Preparation, predict: Callable[[torch.Tensor], torch.Tensor], ids: np.ndarray
) -> np.ndarray:
    """Mean |∂log g/∂flux| (P,) over (at most 256) spectra with their frozen noise, dex per unit of stored flux.

    Taken through everything that prepares a spectrum (normalisation, channels, masks), at a given error.

    Parameters
    ----------
    predict : prepared spectra (B, C, P) → log g (B,), differentiable
    """
    ids = ids[:_ROWS]
    flux, error = data.gather(store, {"some": data.Role(ids, prepare.raw)}, Compute(threads=1))["some"]
    total = np.zeros(flux.shape[1])
    for low in range(0, len(ids), _BATCH):
        part = slice(low, low + _BATCH)
        noise_free, given = (torch.as_tensor(values[part]).to(prepare.device) for values in (flux, error))
        noisy = prepare.noisy(noise_free, given, ids[part], draw=0).requires_grad_()
        answer = predict(prepare.seen(noisy, given, ids[part])).sum()
        if not answer.requires_grad:
            continue  # the model sees the error alone
        (gradient,) = torch.autograd.grad(answer, noisy, allow_unused=True)
        if gradient is not None:
            total += gradient.abs().sum(dim=0).double().cpu().numpy()
    return total / max(len(ids), 1)
