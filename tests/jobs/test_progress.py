"""Progress lines: numbers a program can read, and a rate of the work alone."""

import json
import logging

import pytest

from logg1m.jobs import frame, progress
from logg1m.jobs.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_with_facts_is_json_from_its_first_character(clock, caplog):
    caplog.set_level(logging.INFO, "logg1m")
    counted = Progress("training", 100)
    clock[0] = 10.0
    counted.add(20, loss=0.5, waiting=0.01)
    line = frame._FORMAT.format(caplog.records[-1])
    row = json.loads(line)
    assert row == {
        "progress": "training", "done": 20, "total": 100, "spectra_per_s": 2.0, "seconds_left": 40, "loss": 0.5,
        "waiting": 0.01,
    }  # fmt: skip


def test_other_lines_begin_with_the_time(caplog):
    caplog.set_level(logging.INFO, "logg1m")
    progress.log.info("reading")
    assert frame._FORMAT.format(caplog.records[-1])[2] == ":"


def test_what_is_excluded_slows_no_rate(clock):
    counted = Progress("training", 100)
    clock[0] = 30.0
    counted.exclude(28.0, 10)
    counted.add(20)
    assert counted.rate() == 10.0
    assert counted.done == 30


def test_a_terminal_sees_words_and_which_job_it_is(clock, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "logg1m")
    monkeypatch.setattr(progress, "_job", "MVP-1.2 flux, seed 0")
    counted = Progress("training", 100)
    clock[0] = 10.0
    counted.add(20, loss=0.5)
    line = frame._PLAIN.format(caplog.records[-1])
    assert line[2] == ":"
    assert line[9:] == "MVP-1.2 flux, seed 0: training: 20 / 100, 40 s left, loss 0.5"
    assert progress.plainly("{no json") == "{no json"
