"""Tables from artifacts of any shape: nothing is lost, nothing is made up."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logg1m.report import tables
from logg1m.report.foundations import fisher
from logg1m.results.artifacts import at
from logg1m.results.numbers import Cursor

KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=6)
LEAVES = st.one_of(st.integers(-999, 999), st.floats(-9, 9), st.text(max_size=4), st.none(), st.booleans(),
                   st.fixed_dictionaries({"value": st.floats(-9, 9), "ci95": st.tuples(st.floats(-9, 0), st.floats(0, 9)).map(list)}))  # fmt: skip
ANYTHING = st.recursive(LEAVES, lambda c: st.lists(c, max_size=3) | st.dictionaries(KEYS, c, max_size=3), max_leaves=12)


def numbers(value: Any, place: str = "extra") -> Iterator[tuple[str, float]]:
    """(path, number) of every number of a JSON value that stands by itself or has an interval."""
    if isinstance(value, dict) and "value" in value and "ci95" in value:
        yield place, value["value"]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{place}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for k, item in enumerate(value):
            yield from numbers(item, f"{place}/{k}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


@given(st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_every_number_of_any_extra_is_in_a_table_once(extra):
    content = {"extra": extra}
    cells = [
        c for t in tables.further(Cursor(content, "f")["extra"]) for row in t.rows for c in row if isinstance(c, Cursor)
    ]
    assert sorted((c.place, c.value) for c in cells) == sorted(numbers(extra))
    assert all(len(row) == len(t.columns) for t in tables.further(Cursor(content, "f")["extra"]) for row in t.rows)


def test_keys_with_slashes_lead_to_their_values():
    model = {"n": 5, "r2": {"value": 0.5, "ci95": [0.25, 0.75]}}
    content = {"models": {"mvp_1_2/flux": model, "a~1b": model}}
    assert at(content, "models/mvp_1_2~1flux/n") == 5
    (table,) = tables.of(fisher.VIEWS["mvp_1_1/models.json"], Cursor(content, "f"))
    assert [row[0] for row in table.rows] == ["flux (MVP-1.2)", "a~1b"]
    assert [row[3].text() for row in table.rows] == ["0.500 [0.250, 0.750]"] * 2


def test_long_lists_are_cut_and_say_so():
    assert tables.cell(Cursor(list(range(100)), "f")) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 … (100 values)"
    assert tables.cell(Cursor([1.23456, None, "a"], "f")) == "1.235, –, a"


def test_keys_of_artifacts_are_words():
    said = {"velocity_km_s": "velocity, km/s", "vit": "ViT", "ridge_full": "Ridge", "sky_continuum": "sky continuum"}
    for key, words in said.items():
        assert tables.cell(Cursor(key, "f")) == words
    assert tables.cell(Cursor("reaches 5_d, at A_B", "f")) == "reaches 5_d, at A_B"
