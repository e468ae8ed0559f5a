"""One SLURM for all tests here, and the project in a folder of its own, submitted from its login node."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing
from harness import Flow, copy_flow, forge, small_project
from login import Site

from logg1m.spectra.store import Store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole roadmap first: it takes longest, and the others run beside it."""
    items.sort(key=lambda item: item.path.name != "test_slurm_roadmap.py")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    reason = missing()
    if reason:
        assert not os.environ.get("REQUIRE_SLURM"), f"SLURM was to run here: {reason}"
        pytest.skip(f"no SLURM here: {reason}")
    started = Cluster()
    yield started
    started.stop()


@pytest.fixture
def site(cluster: Cluster, tmp_path: Path) -> Iterator[Site]:
    """The small roadmap without results; what a test left in the queue is cancelled."""
    here = Site(cluster, small_project(tmp_path / "project"))
    yield here
    here.clear()


@pytest.fixture(scope="session")
def forged(small_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The small roadmap, finished (the heavy results are placeholders); read only."""
    flow = small_project(tmp_path_factory.mktemp("forged") / "project")
    forge(flow, small_store)
    return flow


@pytest.fixture
def finished(cluster: Cluster, forged: Flow, tmp_path: Path) -> Iterator[Site]:
    """The small roadmap, finished."""
    here = Site(cluster, copy_flow(forged, tmp_path / "project"))
    yield here
    here.clear()
