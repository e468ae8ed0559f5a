"""Text stays text: whatever a value holds, Markdown shows exactly that and nothing of it acts."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from logg1m.report.markdown.text import Markdown, code, image, link, table, text
from logg1m.results.numbers import Cursor

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Seen(HTMLParser):
    """What a reader sees of HTML, and which elements it holds."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.feed(RENDER.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def shown(self) -> str:
        return " ".join("".join(self.text).split())


NASTY = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a | b", r"a \| b", "*bold* _it_ __x__", "[a](http://b)",
    "![a](b)", "`code`", "# heading", "- item", "1. item", "> quote", "~~gone~~", "&lt;b&gt; &amp; &#60;", "$x$", "==mark==",
    "a\nb", "a_b_c", "---", "[[wiki]]", "[1, 2](x)", "[x]: http://y", "+ plus", "|", "\\", "<!-- -->", "***", "![x][y]",
]  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
def test_markup_in_a_cell_is_shown_as_text(value):
    seen = Seen(table(("column",), [(value,)]))
    assert seen.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td"]
    assert seen.shown() == f"column {' '.join(value.split())}"


@pytest.mark.parametrize("value", NASTY)
def test_markup_in_a_paragraph_and_in_a_list_is_shown_as_text(value):
    expected = " ".join(value.split())
    assert (Seen(text(value)).tags, Seen(text(value)).shown()) == (["p"], expected)
    item = Seen(f"- {text(value)}")
    assert (item.tags, item.shown()) == (["ul", "li"], expected)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1))
@example("0\\")
@example("*|*")
def test_any_text_survives_a_table(value):
    expected = " ".join(value.split()) or "–"
    seen = Seen(table(("c",), [(value,)]))
    assert seen.tags[-2:] == ["tr", "td"]
    assert seen.shown() == " ".join(f"c {expected}".split())


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1))
@example("- - -")
@example("1.")
def test_any_text_survives_a_paragraph(value):
    seen = Seen(text(value))
    assert (seen.tags, seen.shown()) == (["p"], " ".join(value.split()) or "–")


@pytest.mark.parametrize("value", ["a`b", "``", "a|b", "<b>", "results/mvp_1_2/"])
def test_code_shows_its_value_in_a_cell(value):
    seen = Seen(table(("c",), [(code(value),)]))
    assert seen.tags[-2:] == ["td", "code"]
    assert seen.shown() == f"c {value}"


def test_intervals_stay_readable():
    assert text("interval [+0.1841, +0.2317] against 0") == "interval [+0.1841, +0.2317] against 0"
    assert text("[0.1, 0.2](evil)").startswith(r"\[")


def test_links_and_images_keep_to_their_target():
    seen = Seen(link("a ] b", "exp (1).md"))
    assert seen.tags == ["p", "a"]
    assert seen.shown() == "a ] b"
    assert "exp%20%281%29.md" in link("a", "exp (1).md")
    assert Seen(image("x", "../a.png")).tags == ["p", "img"]


def test_nothing_is_a_dash_and_markdown_stays_markdown():
    assert text(None) == text("") == "–"
    assert text(Markdown("**x**")) == "**x**"
    assert table(("a",), []) == "None."


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ({"value": 0.61453, "ci95": [0.58438, 0.63876]}, "0.615 [0.584, 0.639]"),
        (-0.00004, "-4e-05"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (1301, "1301"),
        (655970.15, "6.56e+05"),
        ({"value": None, "ci95": [None, None]}, "–"),
        ({"value": 0.5, "ci95": [None, 0.6]}, "0.500"),
    ],
)
def test_numbers_read_well(raw, shown):
    assert text(Cursor(raw, "f", ("p",))) == shown
