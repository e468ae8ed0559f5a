"""Training spectra batch by batch: on the device where they fit, else whole blocks read ahead; one order for both.

The rows lie in the random order of the training pool, so a block of neighbours is a random sample. An epoch visits
the blocks in a random order and shuffles the rows of sixteen blocks at a time: a pure function of seed and epoch,
the same whether the spectra are resident or streamed.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from logg1m import noise
from logg1m.noise import Stream

BLOCK = 1024  # rows
WINDOW = 16  # blocks that are shuffled together
_AHEAD = 4  # batches read ahead
_FIRST_DRAW, _DRAWS_PER_SEED = 1, 2**16

# (flux, error, ids, draw) → prepared spectra. In a training the ids are a tensor on the device: nothing that is made
# from them may need the host, or a GPU would wait for it at every step.
Prepare = Callable[[torch.Tensor, torch.Tensor, Any, int], torch.Tensor]


@dataclass(frozen=True)
class Batch:
    """Spectra of one step, prepared only when they are needed, part by part.

    Parameters
    ----------
    flux, error : noise-free flux and 1σ error on the device, (B, P)
    labels : (B, T)
    ids : spectrum ids (B,), for messages
    keys : the same on the device
    """

    flux: torch.Tensor
    error: torch.Tensor
    labels: torch.Tensor
    ids: np.ndarray
    keys: torch.Tensor
    draw: int
    prepare: Prepare

    def __len__(self) -> int:
        return len(self.ids)

    def spectra(self, low: int = 0, high: int | None = None) -> torch.Tensor:
        """Prepared spectra low … high − 1 with their noise, (·, C, P); a pure function, whenever it is called."""
        part = slice(low, high)
        return self.prepare(self.flux[part], self.error[part], self.keys[part], self.draw)


def windows_of(seed: int, epoch: int, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(blocks, rows) of every window of an epoch; rows are positions 0 … n − 1 in the order of training."""
    blocks = noise.permutation(seed, -(-n // BLOCK), Stream.SHUFFLE, draw=2 * epoch)
    key = np.empty(n, dtype=np.int64)
    key[noise.permutation(seed, n, Stream.SHUFFLE, draw=2 * epoch + 1)] = np.arange(n)
    for start in range(0, len(blocks), WINDOW):
        group = blocks[start : start + WINDOW]
        rows = np.concatenate([np.arange(b * BLOCK, min((b + 1) * BLOCK, n)) for b in group])
        yield group, rows[np.argsort(key[rows])]


class Feed:
    """Batches with fresh noise every epoch.

    Parameters
    ----------
    flux, error : noise-free flux and 1σ error, (N, P) float32; arrays, memory-mapped files, or, where they are
        resident, tensors that are on the device already
    labels : (N, T) float32
    ids : spectrum ids (N,)
    prepare : (flux, error, ids, draw) of a batch, all on the device → (B, C, P); adds the noise of that draw
    seed, seed_number : every seed number has its own order and its own noise
    resident : whether all rows are copied to the device first
    """

    def __init__(
        self,
        flux: np.ndarray,
        error: np.ndarray,
        labels: np.ndarray,
        ids: np.ndarray,
        prepare: Prepare,
        device: torch.device,
        seed: int,
        seed_number: int,
        resident: bool,
    ) -> None:
        self.flux, self.error, self.ids = flux, error, ids
        self.labels = torch.as_tensor(labels, dtype=torch.float32, device=device)
        self.keys = torch.as_tensor(np.asarray(ids, dtype=np.int64), device=device)
        self.prepare, self.device, self.seed, self.seed_number = prepare, device, seed, seed_number
        self.resident = resident
        if resident:
            self._flux, self._error = (torch.as_tensor(a).to(device) for a in (flux, error))

    def __len__(self) -> int:
        return len(self.ids)

    def epoch(self, epoch: int, batch_size: int, first: int = 0) -> Generator[Batch, None, None]:
        """Full batches of an epoch from batch number `first` on; a rest smaller than a batch waits for other epochs.

        The order goes to the device once; a batch costs the host nothing but the launch of the copies.
        """
        draw = _FIRST_DRAW + epoch + _DRAWS_PER_SEED * self.seed_number
        windows = list(windows_of(self.seed + self.seed_number, epoch, len(self)))
        order = np.concatenate([rows for _, rows in windows])
        places = torch.as_tensor(order, device=self.device)
        keys, labels = self.keys[places], self.labels[places]
        streamed = None if self.resident else self._streamed(windows, batch_size, first)
        try:
            for k in range(first, len(order) // batch_size):
                part = slice(k * batch_size, (k + 1) * batch_size)
                if streamed is None:
                    flux, error = self._flux[places[part]], self._error[places[part]]
                else:
                    flux, error = next(streamed)
                yield Batch(flux, error, labels[part], self.ids[order[part]], keys[part], draw, self.prepare)
        finally:
            if streamed is not None:
                streamed.close()

    def _streamed(
        self, windows: list[tuple[np.ndarray, np.ndarray]], batch_size: int, first: int
    ) -> Generator[tuple[torch.Tensor, torch.Tensor], None, None]:
        """The same from files: a thread reads whole blocks of a window and cuts them into batches."""
        ready: queue.Queue[tuple[torch.Tensor, torch.Tensor] | BaseException] = queue.Queue(_AHEAD)
        stop = threading.Event()

        def put(item: tuple[torch.Tensor, torch.Tensor] | BaseException) -> None:
            while not stop.is_set():
                try:
                    return ready.put(item, timeout=0.1)
                except queue.Full:
                    continue

        def read() -> None:
            try:
                for flux, error in self._cut(windows, batch_size, first, stop):
                    put((self._for_transfer(flux), self._for_transfer(error)))
            except BaseException as error:  # a failed read must not leave the trainer waiting
                put(error)

        threading.Thread(target=read, daemon=True).start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item[0].to(self.device, non_blocking=True), item[1].to(self.device, non_blocking=True)
        finally:
            stop.set()

    def _cut(
        self, windows: list[tuple[np.ndarray, np.ndarray]], batch_size: int, first: int, stop: threading.Event
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Flux and error of batch after batch; a window's rest goes in front of the next window."""
        n_pixels = self.flux.shape[1]
        rest_rows = np.empty(0, dtype=np.int64)
        rest = [np.empty((0, n_pixels), dtype=np.float32) for _ in range(2)]
        number = 0
        for blocks, rows in windows:
            if stop.is_set():
                return
            full = (len(rest_rows) + len(rows)) // batch_size
            if full and number + full <= first:
                # The whole window was trained on before an interruption: only its rest is needed.
                number += full
                joint = np.concatenate([rest_rows, rows])
                rest_rows = joint[full * batch_size :]
                rest = [np.asarray(a[rest_rows]) for a in (self.flux, self.error)]
                continue
            spans = [(b * BLOCK, min((b + 1) * BLOCK, len(self))) for b in blocks]
            place = np.concatenate([np.arange(low, high) for low, high in spans])
            sorter = np.argsort(place)
            at = sorter[np.searchsorted(place, rows, sorter=sorter)]
            read = [np.concatenate([a[low:high] for low, high in spans]) for a in (self.flux, self.error)]
            joint = np.concatenate([rest_rows, rows])
            for k in range(full):
                inside = at[max(0, k * batch_size - len(rest_rows)) : (k + 1) * batch_size - len(rest_rows)]
                left = [r[k * batch_size : (k + 1) * batch_size] for r in rest]
                if number >= first:
                    flux, error = (np.concatenate([old, new[inside]]) for old, new in zip(left, read))
                    yield flux, error
                number += 1
            keep = at[full * batch_size - len(rest_rows) :] if full else at
            rest = [new[keep] if full else np.concatenate([old, new[keep]]) for old, new in zip(rest, read)]
            rest_rows = joint[full * batch_size :]

    def _for_transfer(self, values: np.ndarray) -> torch.Tensor:
        """In page-locked memory where the device copies from it while it computes."""
        tensor = torch.from_numpy(values)
        return tensor.pin_memory() if self.device.type == "cuda" else tensor
