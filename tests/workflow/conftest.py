"""One forged workflow per session, and a copy of it for every test."""

import pytest
from harness import Flow, copy_flow, copy_project, forge, small_project

from logg1m.spectra.store import Store


@pytest.fixture(scope="session")
def forged(small_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The small roadmap, finished; read only."""
    flow = small_project(tmp_path_factory.mktemp("forged") / "project")
    forge(flow, small_store)
    return flow


@pytest.fixture
def flow(forged: Flow, tmp_path) -> Flow:
    """The small roadmap, finished."""
    return copy_flow(forged, tmp_path / "project")


@pytest.fixture
def bare(tmp_path) -> Flow:
    """The project as it stands, without results."""
    return copy_project(tmp_path / "project")
