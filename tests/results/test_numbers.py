"""The cursor: a value with its file and place; and numbers as people read them."""

import pytest

from logg1m.results.numbers import Cursor, fixed, readable, significant

CONTENT = {"a": [{"r2": {"value": 0.5, "ci68": [0.25, 0.75]}, "n": 3}, {"r2": None}], "b/c~d": True, "s": "text"}


def test_a_cursor_leads_to_values_with_their_places():
    top = Cursor(CONTENT, "f.json")
    measured = top.at("a", 0, "r2")
    assert (measured.value, measured.low, measured.high, measured.place) == (0.5, 0.25, 0.75, "a/0/r2")
    assert top["b/c~d"].place == "b~1c~0d"
    assert [row.get("n") for row in top["a"]] == [3, None]
    assert [key for key, _ in top.items()] == ["a", "b/c~d", "s"]
    assert [*top["s"]] == [*Cursor(None, "gone")] == []


@pytest.mark.parametrize(
    "keys", [("a", 1, "r2"), ("a", 2), ("a", "0"), ("x",), ("s", "t"), ("a", 0, "r2", "value", "x")]
)
def test_where_nothing_lies_there_is_no_cursor(keys):
    assert Cursor(CONTENT, "f.json").at(*keys) is None
    assert Cursor(CONTENT, "f.json").number(*keys) is None


def test_truth_and_text_are_no_numbers():
    top = Cursor(CONTENT, "f.json")
    assert top.number("b/c~d") is top.number("s") is top.number("a") is None
    assert top.number("a", 0, "n") == Cursor(3, "f.json", ("a", 0, "n"))
    assert Cursor({"value": None, "ci95": [None, None]}, "f").number().text() == "–"
    assert Cursor({"value": 0.5, "ci95": [None, 1.0]}, "f").interval is None


def test_a_dollar_sign_takes_the_largest_scale_alone():
    content = {"models": {"ridge": {"scales": {"10k": {"n": 1}, "32k": {"n": 2}}}, "b": {"scales": {"10k": {"n": 3}}}}}
    found = [(keys, place.raw) for place, keys in Cursor(content, "f").matching("models/*/scales/$/n")]
    assert found == [(("ridge", "32k"), 2), (("b", "10k"), 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(fixed(-0.0001), "0.000"), (fixed(-0.25, 2, True), "−0.25"), (fixed(0.25, 2, True), "+0.25"), (fixed(12345), "12,345"),
     (readable(0.000123), "0.000123"), (readable(123456.0), "1.23e+05"), (readable(0.5), "0.500")],
)  # fmt: skip
def test_numbers_are_written_for_people(text, expected):
    assert text == expected


def test_a_number_may_say_how_many_figures_people_are_shown():
    found = {
        512.0: "512",
        0.25: "0.25",
        1234.5: "1,230",
        -0.0432: "−0.0432",
        -1.76e-7: "0",
        0.00012: "0.0001",
        22.0: "22",
    }
    assert {value: significant(value, 3) for value in found} == found
    measured = Cursor({"value": 512.0, "ci95": [511.9, 512.0]}, "x.json", ("exposure",), 3)
    assert measured.text() == "512 [512, 512]"
