"""The drawing of the workflow's graph."""

from pathlib import Path

import pytest

from logg1m.experiments import catalogue
from logg1m.files import InputError
from logg1m.graph import insert, reduced, roadmap

ROOT = Path(__file__).parents[1]


def test_edges_that_a_longer_path_implies_are_left_out():
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("x", "d")}
    assert reduced(edges) == [("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")]


def test_the_graph_goes_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- graph -->\nold\n<!-- /graph -->\nafter\n")
    insert(page, "new")
    assert page.read_text() == "before\n<!-- graph -->\nnew\n<!-- /graph -->\nafter\n"


def test_a_document_without_markers_is_refused_and_untouched(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n")
    with pytest.raises(InputError, match="lacks the markers"):
        insert(page, "new")
    assert page.read_text() == "text\n"


def test_the_roadmap_says_what_decisions_read_and_stands_in_the_document():
    drawn = roadmap(catalogue.load(ROOT / "config/experiments").values())
    for line in ("mvp_1_1 --> d1", "mvp_1_6 --> d1", "mvp_1_6 --> d4", "mvp_1_4 --> d2", "d1 -.-> mvp_3_6"):
        assert f"    {line}\n" in drawn
    assert "mvp_1_6 --> d2" not in drawn
    assert f"<!-- roadmap -->\n{drawn}\n<!-- /roadmap -->" in (ROOT / "docs/graph.md").read_text()
