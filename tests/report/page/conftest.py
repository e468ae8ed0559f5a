"""The made roadmap with what the page reads beside verdicts."""

from pathlib import Path

import made_values
import pytest


@pytest.fixture
def paths(results: Path) -> list[Path]:
    """Its files; the working folder is the run's."""
    made_values.add(results)
    return sorted(path for path in results.rglob("*") if path.is_file())
