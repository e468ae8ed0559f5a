"""Numbers as the page prints them, each with the artifact and the place that it came from.

Every number on the page is a `<data>` element: `value` is the exact value, `data-from` the file and the place in it
(a JSON pointer, RFC 6901), so that a reader, a script or a test can go and look. Of an estimate `data-part` says which
of its three numbers it is; of a difference `data-from` names both places.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from logg1m.report.roadmap import Number

MISSING = "–"
_ELEMENT = Markup('<data value="{}" data-from="{}"{}>{}</data>')
_INTERVAL = Markup('{} <span class="ci"><span class="sr">interval </span>[{}, {}]</span>')


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
    return _element(number, "value", number.value, _words(digits, sign, share))


def _words(digits: int, sign: bool, share: bool) -> Words:
    if share:
        return lambda value: f"{fixed(float(100 * value), digits, sign)} %"
    return lambda value: fixed(value, digits, sign)


def _estimate(number: Number | None, words: Words) -> Markup:
    if number is None or number.value is None:
        return Markup(MISSING)
    value = _element(number, "value", number.value, words)
    if number.low is None or number.high is None:
        return value
    low, high = _element(number, "low", number.low, words), _element(number, "high", number.high, words)
    return _INTERVAL.format(value, low, high)


def _element(number: Number, part: str, value: float, words: Words) -> Markup:
    files, paths = number.file.split(", "), number.path.split(" − ")
    sources = " ".join(f"{file}#/{path.replace('~', '~0')}" for file, path in zip(files, paths))
    more = Markup(' data-part="{}"').format(part) if number.low is not None else Markup("")
    if len(paths) > 1:
        more += Markup(' data-how="difference"')
    return _ELEMENT.format(repr(value), sources, more, words(value))


def cell(value: Number | str | None) -> Markup:
    """A cell of a table: a number, words, or a dash."""
    if isinstance(value, Number):
        return _estimate(value, readable)
    return Markup(MISSING) if value is None or value == "" else escape(value)
