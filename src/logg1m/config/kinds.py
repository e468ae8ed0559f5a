"""Kinds that are files: of figures, and of what a verdict reports further. A new one is a file, in no list."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_PACKAGE = Path(__file__).parents[1]


def figures() -> list[str]:
    """Kinds of figures: the files in figures/ that have a TITLE."""
    return _files_with("figures", "TITLE = ")


def reports() -> list[str]:
    """What a verdict can report further: the files in experiments/extras/ that have a function `extra`."""
    return _files_with("experiments/extras", "def extra(")


def _files_with(room: str, beginning: str) -> list[str]:
    """Names of the files of a room that have a line which begins in this way."""
    files = sorted((_PACKAGE / room).glob("[a-z]*.py"))
    return [path.stem for path in files if f"\n{beginning}" in path.read_text(encoding="utf-8")]


def _one_of(known: Callable[[], list[str]]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        if value not in known():
            raise ValueError(f"expected one of {', '.join(known())}; each is a file of that name in src/logg1m")
        return value

    return checked


FigureKind = Annotated[str, AfterValidator(_one_of(figures)), WithJsonSchema({"type": "string", "enum": figures()})]
ReportKind = Annotated[str, AfterValidator(_one_of(reports)), WithJsonSchema({"type": "string", "enum": reports()})]
