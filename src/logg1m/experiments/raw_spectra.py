"""Spectra as stored, for training with fresh noise: in memory, or in files where they are too many; their statistics."""

import os
from pathlib import Path

import numpy as np
import torch

from logg1m.experiments import data
from logg1m.experiments.task import Task
from logg1m.nn.feed import Feed, Prepare
from logg1m.progress import log

Raw = tuple[np.ndarray, np.ndarray]  # noise-free flux and error, (N, P) each

_STATISTICS_ROWS = 8_192  # spectra behind the per-pixel mean and scale of the inputs
_BATCH = 512
_MEMORY_SHARE = 0.4  # of the free memory that the spectra of a role may fill before they go to files
_DEVICE_SHARE = 0.6  # of the free device memory


def read(task: Task, roles: dict[str, data.Role], files: list[Path]) -> dict[str, tuple[np.ndarray, ...]]:
    """Arrays of several roles in one pass over the chunks; files that were needed for them are noted in `files`."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    def place(name: str, shape: tuple[int, ...]) -> np.ndarray:
        need = 2 * 4 * int(np.prod(shape))  # flux and error
        if need < _MEMORY_SHARE * free:
            return np.empty(shape, dtype=np.float32)
        path = task.state / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        files.append(path)
        log.info(f"{need / 2**31:.1f} GB of spectra go to {path}")
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)

    return data.gather(task.store, roles, task.compute, place)


def feed(task: Task, raw: Raw, labels: np.ndarray, ids: np.ndarray, prepare: Prepare) -> Feed:
    """Batches of these spectra with the seeds of a task; resident on the device where they fit."""
    device = task.prepare.device
    resident = not isinstance(raw[0], np.memmap)
    if device.type == "cuda":
        resident = sum(values.nbytes for values in raw) < _DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]
    setting = task.setting
    return Feed(*raw, labels, ids, prepare, device, setting.seed, setting.seed_number, resident)


def statistics(task: Task, raw: Raw, ids: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (C, P) of prepared training spectra (at most 8,192 of them)."""
    n = min(len(ids), _STATISTICS_ROWS)
    total, square = (torch.zeros(1, dtype=torch.float64, device=task.prepare.device) for _ in range(2))
    for low in range(0, n, _BATCH):
        part = slice(low, min(low + _BATCH, n))
        flux, error = (torch.as_tensor(np.asarray(values[part])).to(task.prepare.device) for values in raw)
        x = task.prepare.fresh(flux, error, ids[part], task.rows.draw).double()
        total, square = total + x.sum(dim=0), square + (x**2).sum(dim=0)
    mean = total / n
    return mean.float(), (square / n - mean**2).clamp_min(0).sqrt().float()
