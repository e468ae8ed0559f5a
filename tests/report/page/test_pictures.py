"""Drawings on the page: its colours, ids of their own, nothing that reaches outside."""

import re

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from logg1m.figures import style
from logg1m.files import InputError
from logg1m.report.page.pictures import PACKINGS, picture, themed


@pytest.fixture
def drawn(tmp_path):
    """A figure as the workflow saves it."""
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.plot([1, 2], [1, 3], color=style.BLUE, marker="o", markerfacecolor="white", clip_on=True)
    axis.axhline(2, color=style.BLACK)
    axis.set_title("a < b & c")
    style.save(figure, tmp_path / "a.png", pd.DataFrame({"x": [1]}))
    return tmp_path / "a.svg"


def test_a_drawing_takes_the_colours_of_the_page(drawn):
    text = str(themed(str(drawn), "mvp_1_2-a"))
    assert text.startswith("<svg")
    assert text.endswith("</svg>")
    for colour in (style.BLUE.lower(), style.BLACK):
        assert colour in drawn.read_text()
    assert "light-dark(#0072b2" in text
    assert "currentColor" in text
    assert "var(--paper)" in text
    assert "#222222" not in text
    assert "<style" not in text
    assert "a &lt; b &amp; c" in text


def test_two_drawings_share_no_id_and_every_reference_leads_to_one(drawn):

    first, second = (str(themed(str(drawn), key)) for key in ("one", "two"))
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', first))
    assert used
    assert used <= ids[0]


def test_a_drawing_that_is_too_large_gives_way_to_its_picture(drawn):
    image, table = str(drawn.with_suffix(".png")), str(drawn.with_suffix(".csv"))
    assert picture("k", "T", "Shows.", image, table, PACKINGS[0], str(drawn)).drawing
    small = picture("k", "T", "Shows.", image, table, PACKINGS[-1], str(drawn))
    assert not small.drawing
    assert small.picture.startswith("data:image/webp")


@pytest.mark.parametrize("content", ["no drawing", "<svg><script>alert(1)</script></svg>"])
def test_what_is_no_drawing_is_refused_by_name(tmp_path, content):
    path = tmp_path / "broken.svg"
    path.write_text(content)
    with pytest.raises(InputError, match=r"broken\.svg is not a readable drawing"):
        themed(str(path), "k")
