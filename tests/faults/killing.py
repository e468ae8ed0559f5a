"""A running workflow and ways to kill it; what a finished one holds."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from harness import Flow

UNCOMPARED = (".state", ".history")  # how training and the roadmap went, which interruptions change
GO = "go"
VICTIMS = ("everything", "the jobs", "Snakemake alone")


def artifacts(flow: Flow) -> dict[str, bytes]:
    """Every result by its path, the store and its journal too; documents and provenance, which hold times, by name."""
    folder = flow.path("results")
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in UNCOMPARED:
            timed = name.parts[0] == "report" or name.name == "provenance.json"
            found[str(name)] = b"" if timed else path.read_bytes()
    return found


def differences(found: dict[str, bytes], expected: dict[str, bytes]) -> dict[str, str]:
    """Path → what is wrong with it; empty if both hold the same."""
    wrong = dict.fromkeys(expected.keys() - found.keys(), "missing")
    wrong |= dict.fromkeys(found.keys() - expected.keys(), "too much")
    return wrong | {name: "altered" for name in found.keys() & expected.keys() if found[name] != expected[name]}


def start(flow: Flow, *arguments: str) -> subprocess.Popen[bytes]:
    """Snakemake in a process group of its own, as a shell starts it; it prints to `printed.txt`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a child would inherit that a background job ignores it
    command = [sys.executable, "-m", "snakemake", *flow.arguments(*arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with flow.path("printed.txt").open("w") as output:
        return subprocess.Popen(
            command, cwd=flow.folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )


def hold_generation(flow: Flow, chunk: int) -> None:
    """From this chunk on, generation stands still until `release`: no clock decides what it is caught at."""
    line = "block = source.read(*layout.rows(chunk))"
    wait = f"while chunk >= {chunk} and not __import__('os').path.exists({GO!r}):\n"
    pause = "            __import__('time').sleep(0.05)\n"
    flow.edit("src/logg1m/spectra/generation.py", line, f"{wait}{pause}        {line}")


def release(flow: Flow) -> None:
    flow.path(GO).touch()


def jobs(folder: Path, script: str = "") -> list[psutil.Process]:
    """Running scripts of the workflow in this folder, or one of them; also those whose Snakemake is gone."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and any(
                ".snakemake/scripts/" in word and word.endswith(script) for word in process.cmdline()
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(flow: Flow, running: subprocess.Popen[bytes], victim: str) -> None:
    """kill -9 of one of VICTIMS; afterwards Snakemake is gone."""
    if victim == "everything":
        os.killpg(running.pid, signal.SIGKILL)
    elif victim == "Snakemake alone":
        running.kill()
    else:
        for process in jobs(flow.folder):
            process.kill()
        if running.poll() is None and not _ends(running):
            running.kill()  # no job was running just then
    running.wait()


def _ends(running: subprocess.Popen[bytes]) -> bool:
    """Whether Snakemake gives up by itself, which it does after a job was killed."""
    try:
        running.wait(5)
    except subprocess.TimeoutExpired:
        return False
    return True
