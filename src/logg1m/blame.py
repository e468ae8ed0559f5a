"""Whose fault an error is: a JSON artifact is named if the code that failed had a part of it in hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb, walk_tb
from typing import Any

from logg1m.files import READ, InputError

KINDS = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, StopIteration)


class Held:
    """A part of an artifact that knows its file, whatever it is."""

    file: str


def blamed(error: Exception) -> InputError | None:
    """What is not there, or is of another kind, as one error that names the artifact in hand when the code failed.

    That is the one from which the code at fault had something in hand, the innermost code first. An error in code that
    had nothing of an artifact in hand is no artifact's fault: None. A script has all its inputs in hand, so it counts
    only where it fails itself.
    """
    path = _in_hand(error) if isinstance(error, KINDS) else None
    if path is None:
        return None
    return _wrong(path, error)


@contextmanager
def understood(path: str | Path) -> Iterator[None]:
    """The same for code that takes its values from this artifact alone, which is named whatever was in hand."""
    try:
        yield
    except KINDS as error:
        raise _wrong(path, error) from error


def _wrong(path: str | Path, error: Exception) -> InputError:
    found = f"{type(error).__name__}: {error}".splitlines()[0]
    last = extract_tb(error.__traceback__)[-1]
    place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
    return InputError(
        f"{path} does not hold what its rule writes ({found}, in {place}); delete it and run again, and report it if "
        "the new one fails too"
    )


def _in_hand(error: Exception) -> str | None:
    """The file of which the innermost code that had any in hand held a part, when it failed."""
    owners = {id(part): path for path, content in READ.items() for part in _parts(content)}
    frames = [frame for frame, _ in walk_tb(error.__traceback__)][::-1]
    for frame in (f for f in frames if f is frames[0] or f.f_code.co_name != "<module>"):
        for value in reversed(list(frame.f_locals.values())):
            if isinstance(value, Held):
                return value.file
            inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
            of = {owners[id(part)] for part in (value, *inside) if id(part) in owners}
            if of:  # parts of several are nobody's fault
                return of.pop() if len(of) == 1 else None
    return None


def _parts(value: Any) -> Iterator[Any]:
    """A JSON value's mappings and lists, itself first."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part)
