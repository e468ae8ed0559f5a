"""The frame of every workflow script: its log, its threads, and errors a user can read."""

import fcntl
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

from logg1m.blame import blamed
from logg1m.files import InputError, remove_leftovers
from logg1m.jobs import calls, interruption, progress, record
from logg1m.jobs.machine import GRANTED_MB, usable_cores

log = logging.getLogger("logg1m")
_held: list[IO[str]] = []  # locks, which closing a file would give up


class _Format(logging.Formatter):
    """The time in front of every message; a JSON object is left alone, so that a program can read it."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        return message if message.startswith("{") else super().format(record)


class _Plain(logging.Formatter):
    """The time in front of every message; what a program reads, in words."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if not message.startswith("{"):
            return super().format(record)
        return f"{self.formatTime(record, self.datefmt)} {progress.plainly(message)}"


_FORMAT = _Format("%(asctime)s %(message)s", "%H:%M:%S")
_PLAIN = _Plain("%(asctime)s %(message)s", "%H:%M:%S")


def prepare_jobs() -> None:
    """What every job inherits from Snakemake's own process, on this machine or on a cluster node.

    Its Python finds this very package, also where it is not installed (conda, a cluster node). OpenMP threads sleep
    while they wait for each other: spinning ones are ten times slower as soon as anything else wants a core. Nobody
    dies of SIGUSR1,
    the scheduler's warning that the wall time is nearly over: Snakemake inside a cluster job hears it too, and would
    take the job with it before that has saved its state.
    """
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a script's body: messages go to stderr and the rule's log, whatever ends it early is one message.

    SIGTERM ends the body at once and leaves no temporary file behind, unless it listens to signals itself
    (`logg1m.jobs.interruption`). A job that ends well leaves a record of itself beside its log (`logg1m.jobs.record`);
    one that does not has counted itself as failed (`logg1m.jobs.calls`).
    """
    threads = min(int(snakemake.threads), usable_cores())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "SLURM_JOB_ID" in os.environ and hasattr(snakemake.resources, "mem_mb"):
        os.environ[GRANTED_MB] = str(snakemake.resources.mem_mb)
    where = f"rule {snakemake.rule}"
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_PLAIN)
    progress.name_job(_called(snakemake))
    logging.basicConfig(level=logging.INFO, handlers=[terminal])
    logging.raiseExceptions = False  # a full disk must not bury the one message under complaints about the log
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGUSR1, interruption.note)
    try:
        _take_over(snakemake, where)
        mark = calls.mark_of(snakemake)
        if mark:
            if mark.superseded():
                log.info(f"{where}: a job of a later call has these files in hand; this one does nothing")
                sys.exit(0)
            mark.failed()
        started = datetime.now(UTC)
        yield
        record.write(snakemake, started)
        if mark:
            mark.done()
    except interruption.Interrupted as error:
        log.error(f"{where}: {error}")
        sys.exit(1)
    except (_Stopped, KeyboardInterrupt) as error:
        log.error(f"{where}: stopped by {str(error) or 'Ctrl-C'}; run again to do it")
        sys.exit(1)
    except InputError as error:
        log.error(f"{where}: {error}")
        sys.exit(1)
    except OSError as error:
        log.error(f"{where}: {error.strerror or error}: {error.filename or ''}\n{traceback.format_exc()}")
        sys.exit(1)
    except Exception as error:
        fault = f"a fault in logg1m, please report it:\n{traceback.format_exc()}"
        log.error(f"{where}: {blamed(error) or fault}")
        sys.exit(1)


def _called(snakemake: Any) -> str:
    """Which run of which experiment a job is, e.g. 'MVP-1.2 flux, seed 0'; empty for a job of none."""
    given = dict(snakemake.wildcards.items()) if hasattr(snakemake, "wildcards") else {}
    if "mvp" not in given:
        return ""
    words = [str(given["variant"]).replace("_", " ")] if "variant" in given else []
    words += [f"seed {given['seed']}"] if "seed" in given else []
    mvp = str(given["mvp"]).removeprefix("mvp_").replace("_", ".").upper()
    return f"MVP-{mvp} {', '.join(words)}".strip()


def _take_over(snakemake: Any, where: str) -> None:
    """Wait until no other process works on this job, write to its log, and remove what killed writers left.

    A Snakemake that was killed leaves its jobs running, here or on the cluster; the job that the next call starts for
    the same files waits for the earlier one to end. (On a file system without locks it does not wait; every write is
    atomic all the same.) What is locked is a file beside the log, since Snakemake removes the log when it starts a job;
    the log is locked too, which says that it is being written. Both locks end with the process.
    """
    if not snakemake.log:
        return
    path = Path(str(snakemake.log[0]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("a")
        _held.append(lock)
        if not _try_lock(lock):
            log.info(f"{where}: waits for a job of an earlier call that is still at work on the same files")
            fcntl.flock(lock, fcntl.LOCK_EX)
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    _try_lock(stream)
    stream.truncate(0)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_FORMAT)
    logging.getLogger().addHandler(handler)
    for written in (*snakemake.output, record.path(str(path))):
        remove_leftovers(str(written))


def _try_lock(stream: IO[str]) -> bool:
    """Lock an open file; False if another process holds it. A file system without locks counts as locked."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


class _Stopped(BaseException):
    """A signal that ends this job; the open files of atomic writes are removed on the way out."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped(signal.Signals(number).name)
