"""Signals that ask a job to stop are noted by whoever listens, and by nobody else."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from logg1m.jobs import interruption


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing received yet; afterwards the handlers of the test session are back."""
    monkeypatch.setattr(interruption, "_received", None)
    numbers = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_and_named(number):
    interruption.listen()
    assert not interruption.requested()
    os.kill(os.getpid(), number)
    assert interruption.requested()
    message = f"stopped by {number.name} after step 7; the state is saved, run again to resume"
    assert str(interruption.Interrupted("after step 7")) == message


def test_listening_twice_changes_nothing():
    interruption.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    interruption.listen()
    assert interruption.requested()


def test_a_second_ctrl_c_does_not_wait_for_the_next_step():
    interruption.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_listening_signals_count_again_as_before(number):
    heard = []
    signal.signal(number, lambda *_: heard.append(number))
    with interruption.listening():
        pass
    os.kill(os.getpid(), number)
    assert heard == [number]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_nobody_asked_about_is_obeyed_when_the_listening_ends(number):
    heard = []
    signal.signal(number, lambda *_: heard.append(number))
    with interruption.listening():
        os.kill(os.getpid(), number)
        assert not heard
    assert heard == [number]


def test_an_error_while_listening_comes_through_and_signals_count_again():
    before = signal.getsignal(signal.SIGTERM)

    def training() -> None:
        with interruption.listening():
            os.kill(os.getpid(), signal.SIGTERM)
            raise interruption.Interrupted("after step 1")

    with pytest.raises(interruption.Interrupted):
        training()
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_listening_does_nothing():
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=interruption.listen)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupted_process_fails_with_one_line():
    program = "from logg1m.jobs.interruption import Interrupted\nraise Interrupted('after step 7')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "stopped by a request after step 7; the state is saved, run again to resume\n"
