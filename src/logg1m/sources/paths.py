"""Paths of the users' own files: variables and patterns expanded, and a plain word where one names no file."""

import glob
import os
import re
from pathlib import Path
from typing import Any

from logg1m.files import InputError

_LISTED = 3  # names that a message gives as examples


def place(text: str, key: str) -> str:
    """A path with ~ and ${VARIABLE} expanded; one that exists as it is written stays as it is.

    Raises
    ------
    InputError
        If a variable is not set (or empty), or ~name is no user; `key` says where the path stands.
    """
    if os.path.lexists(text):
        return text
    missing = [name for name in re.findall(r"\$\{?(\w+)\}?", text) if not os.environ.get(name)]
    if missing:
        raise InputError(
            f"{key}: '{text}' names the environment variable {missing[0]}, which is not set; export it, or write the "
            "path out"
        )
    found = os.path.expanduser(os.path.expandvars(text))
    if found.startswith("~"):
        raise InputError(
            f"{key}: '{text}' begins with {found.split('/')[0]}, which is no user here; write the path out"
        )
    return found


def expand(patterns: tuple[str, ...], key: str) -> list[Path]:
    """Files of a list of paths and glob patterns; matches of one pattern in natural order (2 before 10).

    A path that exists is that file, whatever characters are in it; everything else is a pattern.

    Raises
    ------
    InputError
        If an entry names a folder, or no file.
    """
    files: list[Path] = []
    for pattern in patterns:
        text = place(pattern, key)
        found = [text] if os.path.lexists(text) else glob.glob(text, recursive=True)
        matches = sorted((Path(name) for name in found if os.path.isfile(name)), key=_natural)
        if not matches:
            raise InputError(f"{key}: {_nothing(pattern, text, sorted(map(Path, found), key=_natural))}")
        files += matches
    return files


def one_file(text: str, key: str) -> Path:
    """The one file that a path names; it is no pattern, and InputError says what else it is."""
    path = Path(place(text, key))
    if path.is_file():
        return path
    raise InputError(f"{key}: {_nothing(text, str(path), [path] if os.path.lexists(path) else [])}")


def _nothing(pattern: str, text: str, found: list[Path]) -> str:
    """Why an entry gives no file, and what to write instead."""
    if found and found[0].is_dir():
        inside = [path for folder in found for path in sorted(folder.glob("*.h5"), key=_natural)]
        named = ", ".join(f"'{path}'" for path in inside[:_LISTED]) or "no *.h5 file lies in it"
        what = "a folder" if len(found) == 1 else f"{len(found)} folders"
        return f"'{pattern}' is {what}; name the file in it: {named}"
    if found and found[0].is_symlink():
        return f"'{pattern}' is a link to {os.readlink(found[0])}, which does not exist; mend the link"
    if found:
        return f"'{pattern}' is neither a file nor a folder; expected a file on disk"
    message = f"no file matches '{pattern}' (looked from {Path.cwd()}"
    missing = _first_missing(text)
    message += f"; {missing} does not exist); check the path" if missing else "); check the path"
    if "[" in text:
        literal = text.replace("[", "[[]")
        hits = sum(os.path.isfile(name) for name in glob.glob(literal, recursive=True))
        instead = f"write '{literal}'" + (f", which matches {hits} files" if hits else "")
        message += (
            "; brackets are a pattern that stands for one of the characters in them: for a path with brackets in its "
            f"name {instead}"
        )
    return message


def _first_missing(text: str) -> str | None:
    """The first part of a path, before any pattern, that does not exist."""
    parts = Path(text).parts
    for count in range(1, len(parts) + 1):
        if glob.has_magic(parts[count - 1]):
            return None
        if not os.path.lexists(os.path.join(*parts[:count])):
            return os.path.join(*parts[:count])
    return None


def _natural(path: Path) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]
