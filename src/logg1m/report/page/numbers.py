"""Cursors as the page prints them, each with the artifact and the place that it came from.

Every number on the page is a `<data>` element: `value` is the exact value, `data-from` (on it, or round the three
numbers of an estimate, which `data-part` tells apart) the file and the place in it (a JSON pointer, RFC 6901), so that
a reader, a script or a test can go and look.
"""

import os
import re
from collections.abc import Callable

from markupsafe import Markup, escape

from logg1m.results.numbers import MISSING, Cursor, fixed
from logg1m.results.words import JARGON

_ELEMENT = Markup('<data value="{}"{}>{}</data>')
_INTERVAL = Markup('<span{}>{} <span class="ci"><span class="sr">interval </span>[{}, {}]</span></span>')


_JARGON = re.compile(rf"\b(?:{'|'.join(map(re.escape, JARGON))})\b", re.IGNORECASE)
FOLDER = "results/report"  # where the page lies
Words = Callable[[float], str]


def show(number: Cursor | None, digits: int = 3, sign: bool = False, share: bool = False) -> Markup:
    """A number with its interval as markup, or a dash where there is none; a share is shown in percent."""
    return _estimate(number, _words(digits, sign, share))


def point(number: Cursor | None, digits: int = 3, sign: bool = False, share: bool = False) -> Markup:
    """A number without its interval as markup, or a dash."""
    if number is None or number.value is None:
        return Markup(MISSING)
    part = Markup("") if number.low is None else Markup(' data-part="value"')
    return _ELEMENT.format(repr(number.value), _origin(number) + part, _words(digits, sign, share)(number.value))


def _words(digits: int, sign: bool, share: bool) -> Words:
    if share:
        return lambda value: f"{fixed(float(100 * value), digits, sign)} %"
    return lambda value: fixed(value, digits, sign)


def _estimate(number: Cursor | None, words: Words) -> Markup:
    if number is None or number.value is None:
        return Markup(MISSING)
    if number.low is None or number.high is None:
        return _ELEMENT.format(repr(number.value), _origin(number), words(number.value))
    three = (("value", number.value), ("low", number.low), ("high", number.high))
    elements = (_ELEMENT.format(repr(v), Markup(' data-part="{}"').format(part), words(v)) for part, v in three)
    return _INTERVAL.format(_origin(number), *elements)


def _origin(number: Cursor) -> Markup:
    """The attribute that says where a number stands."""
    return Markup(' data-from="{}#/{}"').format(number.file, number.place)


def glossed(text: str) -> Markup:
    """Words as markup; what is not said by its name explains itself under the pointer."""
    known = {name.lower(): words for name, words in JARGON.items()}

    def explained(found: re.Match[str]) -> str:
        return Markup('<abbr title="{}">{}</abbr>').format(known[found[0].lower()], found[0])

    return Markup(_JARGON.sub(explained, str(escape(text))))


def file_link(path: str) -> Markup:
    """A file as a link from the page to where it lies, to be opened or kept."""
    kept = Markup(" download") if path.endswith((".csv", ".png", ".svg", ".parquet")) else ""
    return Markup('<a class="file" href="{}"{}><code>{}</code></a>').format(os.path.relpath(path, FOLDER), kept, path)


def cell(value: Cursor | str | None) -> Markup:
    """A cell of a table: a number, words, or a dash."""
    if isinstance(value, Cursor):
        return _estimate(value, value.said)
    return Markup(MISSING) if value is None or value == "" else escape(value)
