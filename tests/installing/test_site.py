"""The documentation site builds strictly, loads nothing from elsewhere, and has every page. Skipped without mkdocs."""

import json
import re
from pathlib import Path

import pytest
from built_site import ROOT, build, needs_mkdocs

from logg1m.config.pages import pages

pytestmark = [pytest.mark.slow, needs_mkdocs]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


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
