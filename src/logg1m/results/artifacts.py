"""The artifacts that the workflow's graph hands to the documents, by their names inside results/."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from logg1m.files import read_json
from logg1m.results.numbers import Number


@dataclass(frozen=True)
class Artifacts:
    """Files by name inside the results folder, for example mvp_1_1/fisher.json; nothing else is ever looked at."""

    files: Mapping[str, str]

    @classmethod
    def of(cls, paths: Iterable[str | Path], results: str | Path = "results") -> "Artifacts":
        """From the inputs of a rule; paths outside `results` keep their whole name."""
        root = Path(results)
        return cls({_name(Path(path), root): str(path) for path in paths})

    def given(self, name: str) -> bool:
        """Whether the graph hands this file (it may still be gone from the disk)."""
        return name in self.files

    def there(self, name: str) -> bool:
        """Whether the file was handed and lies on the disk."""
        return name in self.files and Path(self.files[name]).exists()

    def json(self, name: str) -> dict[str, Any] | None:
        """Content of a JSON artifact, or None if it was not handed or is gone.

        Raises
        ------
        InputError
            If it is there and not readable.
        """
        if name not in self._read:
            self._read[name] = read_json(self.files[name]) if self.there(name) else None
        return self._read[name]

    def under(self, folder: str, suffix: str) -> list[str]:
        """Names of handed files in a folder, by how they end, in order."""
        return sorted(name for name in self.files if name.startswith(f"{folder}/") and name.endswith(suffix))

    @cached_property
    def _read(self) -> dict[str, dict[str, Any] | None]:
        return {}


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def step(name: str) -> str:
    """A key as a step of a path: a slash in it is written ~1, as in JSON pointers (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def at(value: Any, path: str) -> Any:
    """What stands at a path of a JSON value ('models/ridge/r2', 'rows/0'), or None; an empty path is the value itself."""
    for part in (key.replace("~1", "/").replace("~0", "~") for key in path.split("/") if key):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping):
            value = value.get(part)
        else:
            return None
    return value


def is_measured(value: Any) -> bool:
    """Whether a JSON value is a number with an interval, as `metrics.with_interval` writes them."""
    return isinstance(value, Mapping) and "value" in value and any(str(k).startswith("ci") for k in value)


def number(content: Mapping[str, Any] | None, path: str, file: str) -> Number | None:
    """The number at a path, with its interval where it has one; None if nothing is there."""
    found = at(content, path)
    if is_measured(found):
        low, high = next(v for k, v in found.items() if str(k).startswith("ci"))
        return Number(found["value"], low, high, file, path)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return Number(found, None, None, file, path)
    return None
