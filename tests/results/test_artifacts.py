"""Artifacts by their names: what was handed is read once, what is gone is empty, and nothing else is looked at."""

from pathlib import Path

import pytest

from logg1m.files import InputError, write_json
from logg1m.results.artifacts import Artifacts


@pytest.fixture
def handed(tmp_path: Path) -> Artifacts:
    for name in ("a/one.json", "a/two.json"):
        write_json(tmp_path / "results" / name, {"n": 1})
    (tmp_path / "results/a/bad.json").write_text("not JSON")
    names = ("a/one.json", "a/gone.json", "a/bad.json")
    return Artifacts.of([tmp_path / "results" / name for name in names], tmp_path / "results")


def test_values_know_the_file_that_they_came_from(handed, tmp_path):
    number = handed["a/one.json"].at("n")
    assert (number.value, number.file, number.place) == (1, str(tmp_path / "results/a/one.json"), "n")


def test_what_was_not_handed_or_is_gone_is_empty(handed):
    assert [handed[name].raw for name in ("a/two.json", "a/gone.json")] == [None, None]
    assert (handed.given("a/gone.json"), handed.there("a/gone.json"), handed.there("a/two.json")) == (
        True,
        False,
        False,
    )
    assert handed["a/two.json"].file == "results/a/two.json"
    assert handed.under("a", ".json") == ["a/bad.json", "a/gone.json", "a/one.json"]


def test_what_is_not_readable_is_refused_by_name(handed):
    with pytest.raises(InputError, match=r"bad\.json"):
        handed["a/bad.json"]
    with pytest.raises(InputError, match=r"gone\.json"):
        handed.parquet("a/gone.json")
