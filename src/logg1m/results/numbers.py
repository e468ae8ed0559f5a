"""What artifacts hold, each value with its file and its place in it; and numbers as text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "–"


@dataclass(frozen=True)
class Number:
    """A measured number with its interval, and where it stands: a file and the path inside it (models/ridge/r2)."""

    value: float | None
    low: float | None
    high: float | None
    file: str
    path: str

    def text(self, digits: int = 3) -> str:
        """For people: value [low, high], or a dash where there is none."""
        if self.value is None:
            return "–"
        shown = _rounded(self.value, digits)
        if self.low is None or self.high is None:
            return shown
        return f"{shown} [{_rounded(self.low, digits)}, {_rounded(self.high, digits)}]"


def _rounded(value: float, digits: int) -> str:
    """Counts as they are; fixed decimals near one, significant digits far from it; never a negative zero."""
    if isinstance(value, int):
        return str(value)
    if value and not 10.0**-digits <= abs(value) < 10.0**4:
        return f"{value:.{digits}g}"
    return f"{value + 0.0:.{digits}f}"


Cell = str | Number | None


@dataclass(frozen=True)
class Table:
    """A table of numbers; `file` is the artifact that it shows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    file: str
    note: str = ""


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
        """Path as `Number` has it."""
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
