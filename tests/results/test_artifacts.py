"""Artifacts by their names: what was handed is read once, what is gone is empty, and nothing else is looked at."""

from pathlib import Path

import pytest

from logg1m.files import InputError, write_json
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor


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


def test_what_is_of_another_kind_is_blamed_on_the_artifact_in_hand(handed, tmp_path):
    def by_cursor() -> object:
        return handed["a/one.json"]["n"]["deeper"]

    def by_value() -> object:
        content = handed.json("a/one.json")
        assert content is not None
        return content["m"]

    for look in (by_cursor, by_value):
        with pytest.raises(InputError, match=r"a/one\.json does not hold what its rule writes"), handed.understood():
            look()


@pytest.mark.parametrize("fault", [NameError, AssertionError, NotImplementedError])
def test_a_fault_of_our_own_is_no_artifacts(handed, fault):
    def wrong(content: Cursor) -> None:
        raise fault(content.raw)

    with pytest.raises(fault), handed.understood():
        wrong(handed["a/one.json"])


def test_an_error_with_no_artifact_in_hand_passes(handed):
    def wrong(number: int) -> float:
        return 1 / number

    assert handed["a/one.json"].raw
    with pytest.raises(ZeroDivisionError), handed.understood():
        wrong(0)


def test_parts_of_several_artifacts_in_hand_are_no_ones_fault(tmp_path):
    def wrong(parts: list[dict]) -> object:
        return parts[0]["gone"]

    for number in (1, 2):
        paths = [tmp_path / f"{k}.json" for k in range(number)]
        for path in paths:
            write_json(path, {"there": 1})
        handed = Artifacts({path.name: str(path) for path in paths})
        parts = [content for path in paths if (content := handed.json(path.name))]
        with pytest.raises(InputError if number == 1 else KeyError), handed.understood():
            wrong(parts)
