"""The documentation site builds strictly, loads nothing from elsewhere, and has every page. Skipped without mkdocs."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from logg1m.config.pages import pages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("mkdocs") is None and "REQUIRE_DOCS" not in os.environ, reason="mkdocs is not installed (make docs)"
    ),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_every_section_room_and_document_has_a_page(site):
    rooms = [path.stem for path in (ROOT / "src/logg1m").iterdir() if path.stem[0] not in "_." and path.stem != "py"]
    wanted = [f"configuration/{Path(name).stem}" for name in pages()]
    wanted += [f"api/{name}" for name in rooms]
    wanted += [str(p.relative_to(ROOT / "docs").with_suffix("")) for p in (ROOT / "docs").rglob("*.md")]
    wanted += [f"tutorials/{p.stem}" for p in (ROOT / "docs/tutorials").glob("*.ipynb")]
    wanted += ["readme", "contributing", "changelog"]
    assert [name for name in wanted if not (site / f"{name}.html").exists()] == []


def test_nothing_is_loaded_from_elsewhere_when_a_page_opens(site):
    loaded = r'<(?:script|img|iframe)[^>]* src="(https?:[^"]*)|<link[^>]* rel="?stylesheet"?[^>]* href="(https?:[^"]*)'
    for path in site.rglob("*.html"):
        if "files" not in path.parts:
            assert not re.findall(loaded, path.read_text(encoding="utf-8")), path


def test_formulas_are_mathml(site):
    text = (site / "science/bounds.html").read_text(encoding="utf-8")
    assert text.count("<math") > 10
    for path in (site / "science").glob("*.html"):
        assert 'class="arithmatex"' not in path.read_text(encoding="utf-8"), path


def test_the_search_knows_functions_keys_and_prose(site):
    entries = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))["docs"]
    for words, where in (
        ("Satterthwaite", "science/"),
        ("fisher_information", "api/"),
        ("protocol.scales", "configuration/"),
    ):
        assert any(words in e["text"] + e["title"] and e["location"].startswith(where) for e in entries), words
