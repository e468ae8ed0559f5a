"""Leaving a long job early without losing work: whoever computes in steps and saves a state listens while it does.

Three signals ask a job to stop: SIGUSR1, which a scheduler sends shortly before the wall time ends; SIGTERM, which it
sends before it takes a node away; SIGINT, which is Ctrl-C. In a trainer:

    with interruption.listening():
        for step in …:
            …
            if interruption.requested():
                save(state)
                raise interruption.Interrupted(f"after step {step:,}")

Jobs that never listen go on when they hear SIGUSR1, and end at once on the other two (`logg1m.jobs.frame`). A SIGUSR1
that came before anybody listened counts.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_STOPPING = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
_received: signal.Signals | None = None
_before: dict[signal.Signals, Any] = {}  # the handlers that listening replaced


class Interrupted(SystemExit):
    """Raise once the state is saved: the job ends as failed, with one line that says how to go on.

    Parameters
    ----------
    where : how far the work got, e.g. 'after step 1,200'
    """

    def __init__(self, where: str) -> None:
        name = _received.name if _received else "a request"
        super().__init__(f"stopped by {name} {where}; the state is saved, run again to resume")


@contextmanager
def listening() -> Iterator[None]:
    """Note the signals inside this block instead of obeying them; one that nobody asked about is obeyed at its end."""
    listen()
    try:
        yield
    except BaseException:
        _restore()
        raise
    _restore()
    if _received in (signal.SIGTERM, signal.SIGINT) and threading.current_thread() is threading.main_thread():
        signal.raise_signal(_received)


def listen() -> None:
    """From now on note the signals instead of obeying them; a second Ctrl-C ends the process all the same.

    Calling it again changes nothing. Outside the main thread, where Python cannot handle signals, it does nothing.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _STOPPING:
            if signal.getsignal(number) is not note:
                _before[number] = signal.signal(number, note)


def _restore() -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in _before.items():
            signal.signal(number, handler)
        _before.clear()


def requested() -> bool:
    """Whether a signal has asked this process to stop since `listen()`."""
    return _received is not None


def note(number: int, frame: FrameType | None) -> None:
    """A signal's handler that remembers it, for who listens later."""
    global _received
    if number == _received == signal.SIGINT:
        raise KeyboardInterrupt
    _received = signal.Signals(number)
