"""Numbers on the page carry the file and the place that they came from."""

from logg1m.figures.interactive import plain
from logg1m.report.page.numbers import cell, glossed, point, show
from logg1m.results.numbers import Cursor


def test_numbers_carry_their_place_and_dashes_stand_for_nothing():
    number = Cursor({"value": 0.5, "ci95": [0.25, 0.75]}, "results/a.json", ("x", "y"))
    assert show(number).count('data-from="results/a.json#/x/y"') == 1
    assert [part in show(number) for part in ('data-part="low"', 'value="0.25"', ">0.500<")] == [True] * 3
    assert "ci" not in point(number)
    assert ">50.0 %<" in show(number, 1, False, True)
    assert show(None) == point(None) == cell(None) == cell("") == "–"
    assert cell("<b>") == "&lt;b&gt;"
    assert plain("<b>&") == "&lt;b&gt;&amp;"


def test_the_place_of_a_key_with_a_slash_is_a_json_pointer():
    content = Cursor({"models": {"mvp_1_2/flux": {"r2": 0.5}, "a~b": {"r2": 0.25}}}, "f.json")
    pointers = [show(number).split('"')[3] for number, _ in content.matching("models/*/r2")]
    assert pointers == ["f.json#/models/mvp_1_2~1flux/r2", "f.json#/models/a~0b/r2"]


def test_jargon_explains_itself_and_other_text_is_escaped():
    said = glossed("<b>median CRLB</b> & excess, Efficiency")
    assert said.startswith('&lt;b&gt;median <abbr title="Cramér–Rao lower bound')
    assert said.count("<abbr") == 3
    assert ">Efficiency</abbr>" in said
    assert glossed("excesses") == "excesses"
