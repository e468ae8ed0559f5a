"""Workers and the scheduler of a dask cluster die in the middle of a pass."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.spectra import passes

pytestmark = pytest.mark.slow

PATIENCE = 120.0  # s


def row_sum(once: Path, victim: int) -> Callable[[int], float]:
    """A sum over random numbers; the first process that comes to item 5 kills `victim` (0: itself).

    A closure, as the passes of the package are: it travels to the workers by value.
    """
    weights = np.linspace(0, 1, 1000)

    def visit(item: int) -> float:
        if item == 5 and not once.exists():
            once.touch()
            os.kill(victim or os.getpid(), signal.SIGKILL)
        return float(np.random.default_rng(item).normal(size=1000) @ weights)

    return visit


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Address and process id of a scheduler with two workers, each a process of its own."""
    announced = tmp_path / "dask.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    started = [subprocess.Popen([*command, "--scheduler-file", str(announced)], stderr=subprocess.DEVNULL)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(announced), "--no-dashboard"]
    started += [
        subprocess.Popen([*worker, "--nthreads", "1", "--death-timeout", "30"], stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        end = time.monotonic() + PATIENCE
        while not announced.exists():
            assert started[0].poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield json.loads(announced.read_text())["address"], started[0].pid
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_worker_that_dies_is_replaced_and_the_results_are_the_same(tmp_path):
    visit = row_sum(tmp_path / "killed", victim=0)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        found = list(passes.over(visit, range(12), Compute(dask_scheduler=cluster.scheduler_address), "test"))
    assert (tmp_path / "killed").exists()
    assert found == [visit(item) for item in range(12)]


def test_a_scheduler_that_dies_is_one_error(tmp_path, scheduler):
    address, victim = scheduler
    visit = row_sum(tmp_path / "killed", victim)
    with pytest.raises(InputError, match=rf"the dask scheduler at {address} was lost in the middle of a pass"):
        list(passes.over(visit, range(12), Compute(dask_scheduler=address), "test"))
