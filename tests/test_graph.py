"""The drawing of the workflow's graph."""

import pytest

from logg1m.files import InputError
from logg1m.graph import insert, reduced


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
