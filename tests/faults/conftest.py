"""The small roadmap under survey conditions, made once without any disturbance, to compare with."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest
from harness import Flow, small_project


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=2, help="how often each rule is killed (make test-faults: more)")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The small roadmap from nothing to its end, made by the first of the processes that test; read only."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "undisturbed"
    folder.mkdir(exist_ok=True)
    flow, finished = Flow(folder / "project"), folder / "finished"
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            small_project(flow.folder, "survey")
            flow.snakemake("--cores", "2")
            finished.touch()
    return flow


@pytest.fixture
def fresh(tmp_path: Path) -> Flow:
    """The same without results."""
    return small_project(tmp_path / "project", "survey")


@pytest.fixture
def copied(undisturbed: Flow, tmp_path: Path) -> Flow:
    """The finished small roadmap, to be damaged."""
    folder = tmp_path / "project"
    subprocess.run(["cp", "-a", "-T", str(undisturbed.folder), str(folder)], check=True)
    return Flow(folder)
