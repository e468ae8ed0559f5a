"""Spectra of a run, read in one pass over the chunks: into memory, or into files where they are too many."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.jobs.machine import GRANTED_MB, free_memory
from logg1m.jobs.progress import log
from logg1m.spectra import passes
from logg1m.spectra.store import Store

_MEMORY_SHARE = 0.4  # of the free memory that the spectra of a role may fill before they go to files
_GRANTED_SHARE = 0.9  # of the memory that a scheduler granted: nobody else fills it


@dataclass(frozen=True)
class Role:
    """Spectra that a run needs for one purpose, and how some ids of a chunk are read, as one or several arrays."""

    ids: np.ndarray
    read: Callable[[int, np.ndarray], tuple[np.ndarray, ...]]


class Room:
    """Room for spectra in memory, or in files of a folder where they are too many; these go when the `with` ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, list[Path]()

    def __enter__(self) -> "Room":
        for stale in self.folder.glob("*.npy"):  # of a run that was killed
            stale.unlink()
        return self

    def __exit__(self, *_: object) -> None:
        for path in self.files:
            path.unlink(missing_ok=True)

    def read(self, store: Store, roles: dict[str, Role], compute: Compute) -> dict[str, tuple[np.ndarray, ...]]:
        """Arrays of several roles in one pass over the chunks."""
        free, share = free_memory(), _GRANTED_SHARE if GRANTED_MB in os.environ else _MEMORY_SHARE

        def place(name: str, shape: tuple[int, ...]) -> np.ndarray:
            nonlocal free
            need = 4 * int(np.prod(shape))
            if 2 * need < share * free:  # flux and error
                free -= need
                return np.empty(shape, dtype=np.float32)
            path = self.folder / f"{name}.npy"
            self.files.append(path)
            log.info(f"{need / 2**30:.1f} GB of spectra go to {path}")
            return _memmap(path, shape)

        return gather(store, roles, compute, place)


def gather(
    store: Store,
    roles: dict[str, Role],
    compute: Compute,
    place: Callable[[str, tuple[int, ...]], np.ndarray] | None = None,
) -> dict[str, tuple[np.ndarray, ...]]:
    """Arrays of several roles, each in the order of its ids; every chunk is visited once.

    Parameters
    ----------
    roles : name → ids and what is read of some ids of a chunk, one or several arrays (B, …)
    place : makes the array of a role and shape that is filled; None: in memory
    """
    wanted: dict[int, dict[str, np.ndarray]] = {}
    for name, role in roles.items():
        for chunk, members in by_chunk(store, role.ids).items():
            wanted.setdefault(chunk, {})[name] = members
    position = {}
    for name, role in roles.items():
        order = np.argsort(role.ids)
        position[name] = (role.ids[order], order)

    def visit(chunk: int) -> dict[str, tuple[np.ndarray, ...]]:
        return {name: roles[name].read(chunk, ids) for name, ids in wanted[chunk].items()}

    filled: dict[str, tuple[np.ndarray, ...]] = {}
    total = sum(len(role.ids) for role in roles.values())
    chunks = sorted(wanted)
    for chunk, part in zip(
        chunks,
        passes.over(
            visit, chunks, compute, f"features of {total:,} spectra", lambda c: sum(map(len, wanted[c].values()))
        ),
    ):
        for name, arrays in part.items():
            if name not in filled:
                shapes = [(len(roles[name].ids), *array.shape[1:]) for array in arrays]
                make = place or (lambda _, shape: np.empty(shape, dtype=np.float32))
                filled[name] = tuple(make(f"{name}_{k}", shape) for k, shape in enumerate(shapes))
            in_order, order = position[name]
            at = order[np.searchsorted(in_order, wanted[chunk][name])]
            for target, array in zip(filled[name], arrays):
                target[at] = array
    return filled


def by_chunk(store: Store, ids: np.ndarray) -> dict[int, np.ndarray]:
    """Chunk → ids in it, rising."""
    ids = np.sort(ids)
    chunk = ids // store.chunk_rows
    return {int(c): ids[chunk == c] for c in np.unique(chunk)}


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
