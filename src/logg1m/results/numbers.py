"""What artifacts hold, each value with its file and its place in it; and numbers as text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from logg1m.blame import Held
from logg1m.metrics import interval_of, is_measured

MISSING = "–"


@dataclass(frozen=True)
class Cursor(Held):
    """A value inside an artifact with the file and the path to it.

    raw : what lies there; a measured number is {value, ci95}
    file : the artifact, relative to the project
    path : keys and indices from the top of the file
    figures : significant figures that people are shown; 0: as `readable` has them
    """

    raw: Any
    file: str
    path: tuple[str | int, ...] = ()
    figures: int = 0

    def __getitem__(self, key: str | int) -> "Cursor":
        return Cursor(self.raw[key], self.file, (*self.path, key))

    def __iter__(self) -> Iterator["Cursor"]:
        return (child for _, child in self.items())

    def items(self) -> Iterator[tuple[Any, "Cursor"]]:
        """Children by key or index; none of a null or a plain value."""
        keys = self.raw if isinstance(self.raw, Mapping) else range(len(self.raw)) if isinstance(self.raw, list) else ()
        return ((key, self[key]) for key in keys)

    def at(self, *keys: str | int) -> "Cursor | None":
        """The value further down, or None where there is none (also where it is null)."""
        here = self
        for key in keys:
            known = isinstance(here.raw, Mapping) and key in here.raw
            if not known and not (isinstance(here.raw, list) and isinstance(key, int) and key < len(here.raw)):
                return None
            here = here[key]
        return None if here.raw is None else here

    def get(self, *keys: str | int) -> Any:
        """What lies further down, or None."""
        found = self.at(*keys)
        return None if found is None else found.raw

    def number(self, *keys: str | int) -> "Cursor | None":
        """The number further down, or None where there is none; the value of a measured number may be null."""
        found = self.at(*keys)
        return found if found is not None and (is_measured(found.raw) or found.value is not None) else None

    def matching(self, pattern: str) -> Iterator[tuple["Cursor", tuple[str, ...]]]:
        """(value, keys that stars matched) for every place that a pattern leads to: `models/*/scales/$/n`.

        A dollar sign stands for the last key alone: the largest of the scales.
        """
        found: list[tuple[Cursor, tuple[str, ...]]] = [(self, ())]
        for part in pattern.split("/"):
            following = []
            for here, keys in found:
                if part in ("*", "$"):
                    children = [*here.items()][-1 if part == "$" else 0 :]
                    following += [(child, (*keys, str(key))) for key, child in children]
                elif (child := here.at(part)) is not None:
                    following.append((child, keys))
            found = following
        yield from found

    @property
    def value(self) -> float | None:
        """The number, without its interval; None for what is no number."""
        found = self.raw["value"] if is_measured(self.raw) else self.raw
        return found if isinstance(found, int | float) and not isinstance(found, bool) else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of its interval, whatever its level."""
        ends = interval_of(self.raw) if is_measured(self.raw) else None
        return None if ends is None or None in ends else ends

    @property
    def low(self) -> float | None:
        return self.interval[0] if self.interval else None

    @property
    def high(self) -> float | None:
        return self.interval[1] if self.interval else None

    @property
    def place(self) -> str:
        """The path as a JSON pointer has it (RFC 6901), without the slash before it: models/mvp_1_2~1flux/r2."""
        return "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in self.path)

    def said(self, number: float, digits: int = 3) -> str:
        """The number, or an end of its interval, as people are shown it."""
        return significant(number, self.figures) if self.figures else readable(number, digits)

    def text(self, digits: int = 3) -> str:
        """For people: value [low, high], or a dash where there is none; plain signs and no separators, for tables."""
        if self.value is None:
            return MISSING
        numbers = (self.value, *(self.interval or ()))
        shown = [self.said(number, digits).replace(",", "").replace("−", "-") for number in numbers]
        return shown[0] if len(shown) == 1 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


Cell = str | Cursor | None


@dataclass(frozen=True)
class Table:
    """A table of numbers; `file` is the artifact that it shows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    file: str
    note: str = ""


def fixed(value: float, digits: int = 3, sign: bool = False) -> str:
    """Text with so many decimals, counts with thousands separators; a true minus sign, which zero never carries."""
    if isinstance(value, int):
        text = f"{value:+,}" if sign else f"{value:,}"
    else:
        text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
        text = text if float(text) else text.lstrip("+-")
    return text.replace("-", "−")


def significant(value: float, figures: int) -> str:
    """Text with so many significant figures, at most four decimals and no needless zeros: 512, 0.25, 1,200, 0; a true minus
    sign, which zero never carries."""
    text = f"{float(f'{value:.{figures}g}'):,.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def readable(value: float, digits: int = 3, sign: bool = False) -> str:
    """Text of a number of unknown size: as `fixed` near one, significant digits far from it."""
    if isinstance(value, float) and value and not 10.0**-digits <= abs(value) < 10.0**4:
        return (f"{value:+.{digits}g}" if sign else f"{value:.{digits}g}").replace("-", "−")
    return fixed(value, digits, sign)
