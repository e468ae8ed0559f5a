"""Training on stars that are simulated while it runs: the same batches as of a stored set, and no star twice over.

Windows of several blocks of stars are used with a few draws of noise each, in an order of its own for every draw, and are
then forgotten: what is in a batch is a function of seed and step, whoever simulated it and wherever the training began.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch

from logg1m import noise
from logg1m.files import InputError
from logg1m.nn.feed import Batch, Feed, Prepare
from logg1m.noise import Stream

WINDOW = 8  # blocks that are shuffled together
_AHEAD = 2  # windows simulated ahead
_DRAWS_PER_SEED = 2**16
_FIRST_DRAW = 1

Block = tuple[np.ndarray, np.ndarray, np.ndarray]  # noise-free flux and error (B, P), labels (B, T)


class Simulate(Protocol):
    """Blocks of stars by number (`sources.streamed.Stream`); goes to another process as a whole."""

    block: int

    def ids(self, number: int) -> np.ndarray:
        """Spectrum ids of a block, (B,)."""

    def __call__(self, number: int) -> Block:
        """Flux, error and labels of a block."""


class StreamedFeed(Feed):
    """Batches of simulated stars; what a `Trainer` needs of a feed.

    Parameters
    ----------
    draws : of noise of every star
    epoch_size : spectra that count as an epoch, N
    prepare : (flux, error, ids, draw) of a batch, all on the device → (B, C, P); adds the noise of that draw
    ahead : simulate in a process of its own while the device computes; the batches are the same
    """

    def __init__(
        self,
        simulate: Simulate,
        draws: int,
        epoch_size: int,
        prepare: Prepare,
        device: torch.device,
        seed: int,
        seed_number: int,
        ahead: bool = True,
    ) -> None:
        self.simulate, self.draws, self.epoch_size, self.prepare = simulate, draws, epoch_size, prepare
        self.device, self.seed, self.seed_number, self.ahead = device, seed, seed_number, ahead
        self._held: tuple[int, tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]] | None = None
        self._pool: ProcessPoolExecutor | None = None
        self._made: dict[int, Future[Block]] = {}

    def __len__(self) -> int:
        return self.epoch_size

    @property
    def window(self) -> int:
        """Stars that are shuffled together."""
        return WINDOW * self.simulate.block

    def batches_per_draw(self, batch_size: int) -> int:
        """Full batches of a window; what is left over is left out of this draw, another part in every draw."""
        return max(1, self.window // batch_size)

    def stars(self, steps: int, batch_size: int) -> int:
        """Stars that have been simulated for so many steps: those of every window that was begun."""
        each = self.draws * self.batches_per_draw(batch_size)
        return -(-steps // each) * self.window

    def epoch(self, epoch: int, batch_size: int, first: int = 0) -> Generator[Batch, None, None]:
        """Batches of an epoch from batch number `first` on; an epoch begins where the one before it ended."""
        per_epoch = self.epoch_size // batch_size
        each = self.batches_per_draw(batch_size)
        for step in range(epoch * per_epoch + first, (epoch + 1) * per_epoch):
            number, place = divmod(step, each * self.draws)
            flux, error, labels, ids = self._window(number)
            draw, batch = divmod(place, each)
            shuffled = number * self.draws + draw
            order = noise.permutation(self.seed + self.seed_number, len(ids), Stream.SHUFFLE, draw=shuffled)
            rows = order[batch * batch_size : (batch + 1) * batch_size]
            at = torch.as_tensor(rows, device=self.device)
            keys = torch.as_tensor(ids[rows], device=self.device)
            which = _FIRST_DRAW + draw + _DRAWS_PER_SEED * self.seed_number
            yield Batch(flux[at], error[at], labels[at], ids[rows], keys, which, self.prepare)

    def close(self) -> None:
        """End the process that simulates ahead; what comes next begins another one."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._made.clear()

    def _window(self, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]:
        """Flux, error and labels of a window on the device, and ids; the one in use is kept."""
        if self._held is None or self._held[0] != number:
            parts = [self._block(k) for k in range(number * WINDOW, (number + 1) * WINDOW)]
            flux, error, labels = (torch.as_tensor(np.concatenate(a)).to(self.device) for a in zip(*parts))
            ids = np.concatenate([self.simulate.ids(k) for k in range(number * WINDOW, (number + 1) * WINDOW)])
            self._held = number, (flux, error, labels, ids)
        return self._held[1]

    def _block(self, number: int) -> Block:
        """One block; those of the windows after it are simulated meanwhile."""
        if not self.ahead:
            return self.simulate(number)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (self.simulate,))
        for past in [k for k in self._made if k < number]:
            del self._made[past]
        for k in range(number, number + 1 + _AHEAD * WINDOW):
            if k not in self._made:
                with _without_main():  # the first block begins the process
                    self._made[k] = self._pool.submit(_block, k)
        try:
            return self._made.pop(number).result()
        except BrokenProcessPool:
            raise InputError(
                "the process that simulates training spectra was killed: was there memory for it?"
            ) from None


@contextmanager
def _without_main() -> Iterator[None]:
    """A process that begins here does not run the main program again, as `spawn` would: that is a job's whole script."""
    main = sys.modules["__main__"]
    path, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    main.__spec__ = None
    if path is not None:
        del main.__file__
    try:
        yield
    finally:
        main.__spec__ = spec
        if path is not None:
            main.__file__ = path


_simulate: Callable[[int], Block]


def _begin(simulate: Any) -> None:
    """In the process that simulates ahead: it ends with the one that trains, which alone listens to signals."""
    global _simulate
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _simulate = simulate


def _end_with_parent() -> None:
    """A process that was killed leaves no other behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _block(number: int) -> Block:
    return _simulate(number)
