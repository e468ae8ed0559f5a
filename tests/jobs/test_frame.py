"""The frame of every script, in processes of its own: what ends a job early is one message, and its files are clean."""

import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FRAME = """
import signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from logg1m.jobs import interruption
from logg1m.files import InputError, atomic_path
from logg1m.jobs.frame import job, prepare_jobs

signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background it is ignored
folder = Path(sys.argv[1])
output = folder / "metrics.json"
snakemake = SimpleNamespace(rule="train", threads=1, log=[folder / "logs/train.log"], output=[output], params={})

def say(text):
    print(text, flush=True)

with job(snakemake):
"""


def start(folder: Path, body: str, before: str = "", stdin: int | None = None) -> subprocess.Popen[str]:
    """A job with this body; `say("ready")` tells the test that it got there."""
    program = before + FRAME + textwrap.indent(textwrap.dedent(body), "    ")
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def finish(process: subprocess.Popen[str], folder: Path) -> tuple[int, str]:
    """Exit status and log; what is on stderr is the same as the log."""
    _, printed = process.communicate(timeout=60)
    log = (folder / "logs/train.log").read_text()
    assert log in printed
    return process.returncode, log


WRITING = """
    with atomic_path(output) as temporary:
        temporary.write_text("half")
        say("ready")
        time.sleep(60)
"""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_stopped_job_is_one_line_and_leaves_no_file(tmp_path, number, name):
    process = start(tmp_path, WRITING)
    ready(process)
    process.send_signal(number)
    status, log = finish(process, tmp_path)
    assert status == 1
    assert log.count("\n") == 1
    assert log.endswith(f"rule train: stopped by {name}; run again to do it\n")
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.slow
def test_the_warning_of_the_wall_time_stops_only_who_listens(tmp_path):
    process = start(tmp_path, "say('ready')\ntime.sleep(1)\noutput.write_text('done')")
    ready(process)
    process.send_signal(signal.SIGUSR1)
    assert finish(process, tmp_path) == (0, "")
    assert (tmp_path / "metrics.json").read_text() == "done"


def test_a_job_that_listens_saves_its_state_and_says_so(tmp_path):
    body = """
        interruption.listen()
        say("ready")
        while not interruption.requested():
            time.sleep(0.01)
        (folder / "state").write_text("saved")
        raise interruption.Interrupted("after step 7")
    """
    process = start(tmp_path, body)
    ready(process)
    process.send_signal(signal.SIGUSR1)
    status, log = finish(process, tmp_path)
    assert status == 1
    assert log.endswith("rule train: stopped by SIGUSR1 after step 7; the state is saved, run again to resume\n")
    assert (tmp_path / "state").read_text() == "saved"


@pytest.mark.slow
def test_a_warning_that_came_before_the_training_counts(tmp_path):
    body = """
        say("ready")
        time.sleep(1)
        interruption.listen()
        if interruption.requested():
            raise interruption.Interrupted("after step 1")
    """
    process = start(tmp_path, body)
    ready(process)
    process.send_signal(signal.SIGUSR1)
    status, log = finish(process, tmp_path)
    assert status == 1
    assert "stopped by SIGUSR1 after step 1; the state is saved" in log


@pytest.mark.slow
def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    process = start(tmp_path, WRITING)
    ready(process)
    process.kill()
    process.communicate()
    others = {"metrics.json", ".other.abc.tmp.json", "metrics.tmp.json"}
    for name in others:
        (tmp_path / name).write_text("")
    assert len(list(tmp_path.glob(".metrics.*"))) == 1
    assert finish(start(tmp_path, "pass"), tmp_path) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == others | {"logs"}


@pytest.mark.slow
def test_a_job_waits_for_an_earlier_one_on_the_same_files(tmp_path):
    """Snakemake removes the log of the earlier one in between."""
    earlier = start(tmp_path, "say('ready')\nsys.stdin.readline()\noutput.write_text('earlier')", stdin=subprocess.PIPE)
    ready(earlier)
    (tmp_path / "logs/train.log").unlink()
    process = start(tmp_path, "output.write_text(output.read_text() + ', later')")
    assert process.stderr
    line = process.stderr.readline()
    assert line.endswith("rule train: waits for a job of an earlier call that is still at work on the same files\n")
    assert not (tmp_path / "metrics.json").exists()
    assert process.poll() is None
    earlier.communicate("go\n", timeout=60)
    assert finish(process, tmp_path) == (0, "")
    assert (tmp_path / "metrics.json").read_text() == "earlier, later"


def test_a_file_system_without_locks_is_no_reason_to_fail(tmp_path):
    body = "output.write_text('done')"
    frame = "import errno, fcntl\ndef refuse(*_):\n    raise OSError(errno.ENOLCK, 'No locks')\nfcntl.flock = refuse\n"
    assert finish(start(tmp_path, body, before=frame), tmp_path) == (0, "")
    assert (tmp_path / "metrics.json").read_text() == "done"


def test_a_job_that_cannot_write_its_log_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    process = start(tmp_path, "pass")
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 1
    assert printed.count("\n") == 1
    assert f"rule train: cannot write {tmp_path}/logs/train.log: " in printed


def test_an_input_error_is_its_message_and_a_fault_of_ours_a_traceback(tmp_path):
    status, log = finish(start(tmp_path, "raise InputError('a.yaml: no')"), tmp_path)
    assert (status, log[9:]) == (1, "rule train: a.yaml: no\n")
    status, log = finish(start(tmp_path, "1 / 0"), tmp_path)
    assert status == 1
    assert "rule train: a fault in logg1m, please report it:\nTraceback" in log


def test_an_artifact_in_hand_when_code_fails_is_named(tmp_path):
    (tmp_path / "run.json").write_text('{"full": {"r2": 3}}')
    body = f"""
        from logg1m.files import read_json
        def low_noise(run):
            return run["low_noise"]
        low_noise(read_json("{tmp_path}/run.json"))
    """
    status, log = finish(start(tmp_path, body), tmp_path)
    found = r"run\.json does not hold what its rule writes \(KeyError: 'low_noise', in \S+:\d+\); delete it and run again, .*\n"
    assert status == 1
    assert re.fullmatch(rf"\S+ rule train: {re.escape(str(tmp_path))}/{found}", log)


def test_a_fault_of_ours_is_not_blamed_on_what_the_script_has_read(tmp_path):
    (tmp_path / "run.json").write_text('{"full": 1}')
    body = f"""
        from logg1m.files import read_json
        run = read_json("{tmp_path}/run.json")
        def ours(word):
            return int(word)
        ours("x")
    """
    status, log = finish(start(tmp_path, body), tmp_path)
    assert status == 1
    assert "a fault in logg1m, please report it:\nTraceback" in log
    assert "run.json does not hold" not in log


def test_every_process_of_the_workflow_survives_the_warning_of_the_wall_time(tmp_path):
    program = """
        import os, signal, subprocess, sys
        from logg1m.jobs.frame import prepare_jobs
        prepare_jobs()
        os.kill(os.getpid(), signal.SIGUSR1)
        sys.exit(subprocess.call(["sh", "-c", "kill -USR1 $$; exit 3"]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)])
    assert done.returncode == 3
