"""The frame of every workflow script: its log, its threads, and errors a user can read."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from logg1m.files import InputError
from logg1m.machine import usable_cores

log = logging.getLogger("logg1m")


def share_package() -> None:
    """Let the Python of every job find this very package, also where it is not installed (conda, a cluster node)."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a script's body: messages go to stderr and the rule's log, an InputError ends it with its one message."""
    threads = min(int(snakemake.threads), usable_cores())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    path = str(snakemake.log[0]) if snakemake.log else None
    if path:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)
    where = f"rule {snakemake.rule}"
    try:
        yield
    except InputError as error:
        log.error(f"{where}: {error}")
        sys.exit(1)
    except OSError as error:
        log.error(f"{where}: {error.strerror or error}: {error.filename or ''}\n{traceback.format_exc()}")
        sys.exit(1)
    except Exception:
        log.error(f"{where}: a fault in logg1m, please report it:\n{traceback.format_exc()}")
        sys.exit(1)
