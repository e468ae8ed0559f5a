"""Two workflows in one folder, signals, a clock that goes back, a folder that moves."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from harness import Flow
from killing import artifacts, differences, jobs, start

pytestmark = [pytest.mark.slow, pytest.mark.faults]

PATIENCE = 300.0  # s


def wait_for_job(flow: Flow, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not jobs(flow.folder):
        assert running.poll() is None, flow.path("printed.txt").read_text()[-3000:]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_second_workflow_in_the_same_folder_is_refused_and_the_first_one_completes(fresh: Flow, undisturbed: Flow):
    target = "results/mvp_0_a/snr.parquet"
    lock = fresh.path("logs/data/.manifest.log.lock")
    lock.parent.mkdir(parents=True)
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # the first one's job waits for it
        running = start(fresh, target)
        wait_for_job(fresh, running)
        other = subprocess.run(
            [sys.executable, "-m", "snakemake", *fresh.arguments(target)],
            cwd=fresh.folder, capture_output=True, text=True,
        )  # fmt: skip
    assert other.returncode != 0
    assert "Directory cannot be locked" in other.stdout + other.stderr
    assert running.wait(PATIENCE) == 0
    expected = artifacts(undisturbed)
    assert all(expected[name] == content for name, content in artifacts(fresh).items())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_stopped_workflow_ends_with_one_line_of_its_job_and_a_second_call_completes(
    fresh: Flow, undisturbed: Flow, number
):
    """The signal reaches Snakemake and its jobs, as from a terminal or from a batch system."""
    target = "results/mvp_0_a/snr.parquet"
    running = start(fresh, target)
    wait_for_job(fresh, running)
    end = time.monotonic() + PATIENCE
    while not fresh.path("logs/data/.manifest.log.lock").exists():  # the job is past its imports
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(running.pid, number)
    assert running.wait(PATIENCE) != 0
    logs = "".join(path.read_text() for path in fresh.path("logs").rglob("*.log"))
    assert "Traceback" not in logs
    assert logs.count("rule generate: stopped by") == 1
    assert not list(fresh.path("results").rglob(".*.tmp*"))
    fresh.snakemake(target)
    expected = artifacts(undisturbed)
    assert all(expected[name] == content for name, content in artifacts(fresh).items())


def test_after_the_clock_was_set_back_new_work_is_one_error_and_a_touch_mends_it(copied: Flow):
    """All results come from tomorrow; whatever is made now is older than what it was made from."""
    tomorrow = time.time() + 86_400
    files = [path for path in copied.path("results").rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (tomorrow, tomorrow))
    assert not copied.jobs()
    copied.configure("decisions", d1_continue_above=2.5)
    assert "This could indicate a clock skew" in copied.snakemake(ok=False)
    for path in files:
        if path.exists():
            os.utime(path)
    assert copied.run() >= Counter(["evidence:d1", "decide:d1"])
    assert copied.read("results/decisions/d1.evidence.json")["evidence"]["continue_above"] == 2.5
    assert not copied.jobs()


def test_a_moved_folder_reruns_nothing_and_gives_the_same_results(copied: Flow, undisturbed: Flow, tmp_path):
    moved = Flow(tmp_path / "elsewhere")
    copied.folder.rename(moved.folder)
    assert not moved.jobs()
    verdict = "results/mvp_1_2/verdict.json"
    moved.path(verdict).unlink()
    assert moved.run(verdict) == Counter(["verdict_mvp_1_2"])
    assert not differences(artifacts(moved), artifacts(undisturbed))
