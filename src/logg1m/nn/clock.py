"""What a training spends its time on, and losses that come back from a device without anyone waiting for them."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from logg1m.nn.feed import Batch

_MOST_ON_THE_WAY = 8  # losses; the host may be that many steps ahead of a GPU


class Clock:
    """Wall-clock seconds by purpose; every moment belongs to one. `seconds` may hold those of earlier lives."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.last = time.monotonic()

    def charge(self, purpose: str) -> float:
        """Put the time since the last call down to a purpose; returns it."""
        now = time.monotonic()
        passed, self.last = now - self.last, now
        self.seconds[purpose] = self.seconds.get(purpose, 0.0) + passed
        return passed


class Stopwatch:
    """Time between two points of a device's work: by the clock on a CPU, by the GPU's own events on a GPU.

    Events are recorded among the kernels and read later, so that measuring makes nobody wait. A GPU that has to wait
    for the host between the two points counts as busy with what is measured.
    """

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"
        self._seconds = 0.0
        self._pairs: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the work inside."""
        if self.cuda:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            yield
            end.record()
            self._pairs.append((begin, end))
            return
        started = time.monotonic()
        yield
        self._seconds += time.monotonic() - started

    def collect(self) -> float:
        """Seconds of the work that is done and has not been collected."""
        while self._pairs and self._pairs[0][1].query():
            begin, end = self._pairs.popleft()
            self._seconds += begin.elapsed_time(end) / 1e3
        found, self._seconds = self._seconds, 0.0
        return found


class Returning:
    """Losses on their way back from the device, oldest first, each with its step and its batch.

    On a GPU each is copied to page-locked memory behind its own step and read when it has arrived, a few steps later;
    on a CPU it is there at once.
    """

    def __init__(self, device: torch.device) -> None:
        cuda = device.type == "cuda"
        self._landing = torch.empty(_MOST_ON_THE_WAY + 1, pin_memory=True) if cuda else None
        self._sent = 0
        self._queue: deque[tuple[torch.Tensor, torch.cuda.Event | None, int, Batch]] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def send(self, loss: torch.Tensor, step: int, batch: Batch) -> None:
        """Start the way of a scalar loss."""
        if self._landing is None:
            self._queue.append((loss, None, step, batch))
            return
        place = self._landing[self._sent % len(self._landing)]
        self._sent += 1
        place.copy_(loss, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self._queue.append((place, event, step, batch))

    def arrived(self, wait: bool = False) -> Iterator[tuple[float, int, Batch]]:
        """(loss, step, batch) of those that are here; with `wait`, of all. Never leaves more than eight on the way."""
        while self._queue:
            value, event, step, batch = self._queue[0]
            if event is not None and not event.query():
                if not wait and len(self._queue) <= _MOST_ON_THE_WAY:
                    return
                event.synchronize()
            self._queue.popleft()
            yield float(value), step, batch
