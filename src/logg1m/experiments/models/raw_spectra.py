"""Spectra as stored, for training with fresh noise: in memory, or in files where they are too many; their statistics."""

import os
from pathlib import Path

import numpy as np
import torch

from logg1m.experiments import data
from logg1m.experiments.task import Task
from logg1m.files import InputError
from logg1m.jobs.machine import GRANTED_MB, free_memory
from logg1m.jobs.progress import log
from logg1m.nn.feed import Feed, Prepare

Raw = tuple[np.ndarray, np.ndarray]  # noise-free flux and error, (N, P) each

_STATISTICS_ROWS = 8_192  # spectra behind the per-pixel mean and scale of the inputs
_BATCH = 512
_MEMORY_SHARE = 0.4  # of the free memory that the spectra of a role may fill before they go to files
_GRANTED_SHARE = 0.9  # of the memory that a scheduler granted: nobody else fills it
_DEVICE_SHARE = 0.6  # of the free device memory


def read(task: Task, roles: dict[str, data.Role], files: list[Path]) -> dict[str, tuple[np.ndarray, ...]]:
    """Arrays of several roles in one pass over the chunks; files that were needed for them are noted in `files`."""
    free, share = free_memory(), _GRANTED_SHARE if GRANTED_MB in os.environ else _MEMORY_SHARE
    for stale in set(task.state.glob("*.npy")) - set(files):  # of a run that was killed
        stale.unlink()

    def place(name: str, shape: tuple[int, ...]) -> np.ndarray:
        nonlocal free
        need = 4 * int(np.prod(shape))
        if 2 * need < share * free:  # flux and error
            free -= need
            return np.empty(shape, dtype=np.float32)
        path = task.state / f"{name}.npy"
        files.append(path)
        log.info(f"{need / 2**30:.1f} GB of spectra go to {path}")
        return _memmap(path, shape)

    return data.gather(task.store, roles, task.compute, place)


def _memmap(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array in a file whose room on the disk is taken at once: a page that finds none would end the process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        with path.open("rb+") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return values


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
