"""One finished roadmap per session, and a copy of it for every test that alters it."""

import shutil
from pathlib import Path

import made_roadmap
import pytest

from logg1m.config.experiments import Experiment
from logg1m.experiments import catalogue

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def experiments() -> dict[str, Experiment]:
    return catalogue.load(PROJECT / "config/experiments")


@pytest.fixture(scope="session")
def finished(experiments: dict[str, Experiment], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Paths of a finished roadmap; read only."""
    return made_roadmap.make(tmp_path_factory.mktemp("made") / "results", experiments)


@pytest.fixture
def results(finished: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished roadmap as the folder results/ of a project in which the test runs."""
    root = next(path for path in finished[0].parents if path.name == "results")
    shutil.copytree(root, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return Path("results")


@pytest.fixture
def paths(results: Path) -> list[Path]:
    """What the graph hands over: everything in the folder."""
    return sorted(path for path in results.rglob("*") if path.is_file())
