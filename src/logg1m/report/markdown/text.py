"""Markdown from values: whatever comes out of data or configuration is shown as text, never obeyed as markup."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from logg1m.results.numbers import Cursor

# What CommonMark, its tables and the usual extensions (highlights, comments, maths, tags) would take for markup; an
# underscore inside a word, a lone equals sign or per cent sign, and an interval in brackets are none.
_INTERVAL = r"\[[-−+.\d]+, [-−+.\d]+\](?=$|[ ,;.)])"
_MARKUP = re.compile(
    rf"(?P<interval>{_INTERVAL})|"
    r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|==|%%|(?<!\w)#(?=\w)|^[-+](?![\d.])|^[=#]|^\d+[.)](?=\s|$)"
)

_PIPE = re.compile(r"(?<!\\)\|")  # would end a table's cell, even inside code


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def text(value: Any) -> str:
    """A value as Markdown that reads as the value itself, on one line; nothing becomes a dash."""
    if isinstance(value, Markdown):
        return value
    if value is None or value == "":
        return "–"
    if isinstance(value, Cursor):
        return value.text()
    plain = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(lambda match: match["interval"] or _escaped(match.group()), plain)


def _escaped(found: str) -> str:
    """Every punctuation mark of a match with a backslash before it."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", found)


def code(value: Any) -> Markdown:
    """A value as code."""
    plain = " ".join(str(value).split())
    if not plain:
        return Markdown("–")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return Markdown(f"{fence}{pad}{plain}{pad}{fence}")


def link(label: Any, target: str) -> Markdown:
    """A link to a file beside the document."""
    return Markdown(f"[{text(label)}]({_target(target)})")


def image(label: Any, target: str) -> Markdown:
    """A figure with its text for those who do not see it."""
    return Markdown(f"![{text(label)}]({_target(target)})")


def _target(path: str) -> str:
    return re.sub(r"[^\w./-]", lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()), path)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markdown:
    """A table; without rows the word None, so that nobody takes an empty table for a fault."""
    lines = [" | ".join(_PIPE.sub(r"\|", text(cell)) for cell in row) for row in rows]
    if not lines:
        return Markdown("None.")
    head = [" | ".join(text(column) for column in columns), " | ".join("---" for _ in columns)]
    return Markdown("\n".join(f"| {line} |" for line in head + lines))
