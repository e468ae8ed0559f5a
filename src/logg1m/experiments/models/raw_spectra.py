"""Spectra as stored, for training with fresh noise: batches of them, and the statistics of what is made of them."""

import numpy as np
import torch

from logg1m.experiments.task import Task
from logg1m.nn.feed import Feed, Prepare

Raw = tuple[np.ndarray, np.ndarray]  # noise-free flux and error, (N, P) each

_STATISTICS_ROWS = 8_192  # spectra behind the per-pixel mean and scale of the inputs
_BATCH = 512
_DEVICE_SHARE = 0.6  # of the free device memory


def feed(task: Task, raw: Raw, labels: np.ndarray, ids: np.ndarray, prepare: Prepare) -> Feed:
    """Batches of these spectra with the seeds of a task; resident on the device where they fit."""
    device = task.prepare.device
    resident = not isinstance(raw[0], np.memmap)
    if device.type == "cuda":
        resident = sum(values.nbytes for values in raw) < _DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]
    setting = task.setting
    return Feed(*raw, labels, ids, prepare, device, setting.seed, setting.seed_number, resident)


def statistics(task: Task, raw: Raw, ids: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (C, P) of prepared training spectra (at most 8,192 of them); NaN counts in neither."""
    n = min(len(ids), _STATISTICS_ROWS)
    total, square, known = (torch.zeros(1, dtype=torch.float64, device=task.prepare.device) for _ in range(3))
    for low in range(0, n, _BATCH):
        part = slice(low, min(low + _BATCH, n))
        flux, error = (torch.as_tensor(np.asarray(values[part])).to(task.prepare.device) for values in raw)
        x = task.prepare.fresh(flux, error, ids[part], task.rows.draw).double()
        seen = ~x.isnan()
        x = torch.where(seen, x, 0.0)
        total, square, known = total + x.sum(dim=0), square + (x**2).sum(dim=0), known + seen.sum(dim=0)
    known = known.clamp_min(1)
    mean = total / known
    return mean.float(), (square / known - mean**2).clamp_min(0).sqrt().float()
