"""The documentation site, built strictly; whoever asks for it is skipped without mkdocs, unless REQUIRE_DOCS says it must be there."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
needs_mkdocs = pytest.mark.skipif(
    find_spec("mkdocs") is None and "REQUIRE_DOCS" not in os.environ, reason="mkdocs is not installed (make docs)"
)


def build(folder: Path) -> Path:
    """The folder with the site in it; fails the test if a link, an anchor or a page is missing."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder
