"""Numbers as the page prints them, each with the artifact and the place that it came from.

Every number on the page is a `<data>` element: `value` is the exact value, `data-from` (on it, or round the three numbers
of an estimate, which `data-part` tells apart) the file and the place in it (a JSON pointer, RFC 6901), so that a reader,
a script or a test can go and look. Of a difference `data-from` names both places.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from logg1m.report.roadmap import Number

MISSING = "–"
_ELEMENT = Markup('<data value="{}"{}>{}</data>')
_INTERVAL = Markup('<span{}>{} <span class="ci"><span class="sr">interval </span>[{}, {}]</span></span>')


@dataclass(frozen=True)
class Traced:
    """A value inside an artifact with the file and the path to it.

    raw : what lies there
    file : the artifact, relative to the project
    path : keys and indices from the top of the file
    """

    raw: Any
    file: str
    path: tuple[str | int, ...] = ()

    def __getitem__(self, key: str | int) -> "Traced":
        return Traced(self.raw[key], self.file, (*self.path, key))

    def at(self, *keys: str | int) -> "Traced | None":
        """The value further down, or None where there is none (also where it is null)."""
        here = self
        for key in keys:
            known = isinstance(here.raw, Mapping) and key in here.raw
            if not known and not (isinstance(here.raw, list) and isinstance(key, int) and key < len(here.raw)):
                return None
            here = here[key]
        return None if here.raw is None else here

    def items(self) -> Iterator[tuple[Any, "Traced"]]:
        """Children by key or index; none of a null or a plain value."""
        keys = self.raw if isinstance(self.raw, Mapping) else range(len(self.raw)) if isinstance(self.raw, list) else ()
        for key in keys:
            yield key, self[key]

    @property
    def place(self) -> str:
        """Path as `roadmap.Number` has it."""
        return "/".join(map(str, self.path))

    def number(self) -> Number:
        """The number that lies here."""
        return Number(self.raw, None, None, self.file, self.place)


def fixed(value: float, digits: int = 3, sign: bool = False) -> str:
    """Text with so many decimals, counts with thousands separators; a true minus sign, which zero never carries."""
    if isinstance(value, int):
        text = f"{value:+,}" if sign else f"{value:,}"
    else:
        text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
        text = text if float(text) else text.lstrip("+-")
    return text.replace("-", "−")


def readable(value: float, digits: int = 3, sign: bool = False) -> str:
    """Text of a number of unknown size: as `fixed` near one, significant digits far from it."""
    if isinstance(value, float) and value and not 10.0**-digits <= abs(value) < 10.0**4:
        return (f"{value:+.{digits}g}" if sign else f"{value:.{digits}g}").replace("-", "−")
    return fixed(value, digits, sign)


Words = Callable[[float], str]


def show(number: Number | None, digits: int = 3, sign: bool = False, share: bool = False) -> Markup:
    """A number with its interval as markup, or a dash where there is none; a share is shown in percent."""
    return _estimate(number, _words(digits, sign, share))


def point(number: Number | None, digits: int = 3, sign: bool = False, share: bool = False) -> Markup:
    """A number without its interval as markup, or a dash."""
    if number is None or number.value is None:
        return Markup(MISSING)
    part = Markup("") if number.low is None else Markup(' data-part="value"')
    return _ELEMENT.format(repr(number.value), _origin(number) + part, _words(digits, sign, share)(number.value))


def _words(digits: int, sign: bool, share: bool) -> Words:
    if share:
        return lambda value: f"{fixed(float(100 * value), digits, sign)} %"
    return lambda value: fixed(value, digits, sign)


def _estimate(number: Number | None, words: Words) -> Markup:
    if number is None or number.value is None:
        return Markup(MISSING)
    if number.low is None or number.high is None:
        return _ELEMENT.format(repr(number.value), _origin(number), words(number.value))
    three = (("value", number.value), ("low", number.low), ("high", number.high))
    elements = (_ELEMENT.format(repr(v), Markup(' data-part="{}"').format(part), words(v)) for part, v in three)
    return _INTERVAL.format(_origin(number), *elements)


def _origin(number: Number) -> Markup:
    """The attributes that say where a number stands."""
    files, paths = number.file.split(", "), number.path.split(" − ")
    sources = " ".join(f"{file}#/{path.replace('~', '~0')}" for file, path in zip(files, paths))
    how = Markup(' data-how="difference"') if len(paths) > 1 else Markup("")
    return Markup(' data-from="{}"').format(sources) + how


def cell(value: Number | str | None) -> Markup:
    """A cell of a table: a number, words, or a dash."""
    if isinstance(value, Number):
        return _estimate(value, readable)
    return Markup(MISSING) if value is None or value == "" else escape(value)
