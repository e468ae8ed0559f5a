"""The artifacts that the workflow's graph hands to the documents, by their names inside results/."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from logg1m import blame
from logg1m.config.experiments import Experiment
from logg1m.files import read_json, read_parquet
from logg1m.results.numbers import Cursor
from logg1m.results.run import METRICS


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

    def __getitem__(self, name: str) -> Cursor:
        """Top of a JSON artifact; there is nothing in it if it was not handed or is gone."""
        return Cursor(self.json(name), self.files.get(name, f"results/{name}"))

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

    def parquet(self, name: str, columns: tuple[str, ...] = ()) -> pd.DataFrame:
        """A table with at least these columns; see `files.read_parquet`."""
        return read_parquet(self.files[name], columns)

    def under(self, folder: str, suffix: str) -> list[str]:
        """Names of handed files in a folder, by how they end, in order."""
        return sorted(name for name in self.files if name.startswith(f"{folder}/") and name.endswith(suffix))

    def of_runs(self, folder: str, file: str = METRICS, seeds: int | None = None) -> list[Cursor]:
        """Metrics (or another JSON file) of the runs in a folder, seed after seed: of the first so many, or of all.

        A folder may hold more seeds than one verdict reads: another one asked for them.
        """
        if seeds is None:
            return [self[name] for name in self.under(folder, f"/{file}")]
        names = (f"{folder}/seed_{k}/{file}" for k in range(seeds))
        return [self[name] for name in names if name in self.files]

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Show what artifacts hold: an error in code that had a part of one in hand names that one; see `blame`."""
        try:
            yield
        except blame.KINDS as error:
            if (damaged := blame.blamed(error)) is None:
                raise
            raise damaged from error

    @cached_property
    def _read(self) -> dict[str, dict[str, Any] | None]:
        return {}


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def own_artifact(experiment: Experiment) -> str:
    """Name inside the results folder of the artifact that an experiment is judged by; empty where its runs are."""
    return experiment.artifact.file.removeprefix("results/") if experiment.artifact else ""


def at(value: Any, path: str) -> Any:
    """What stands at a path of a JSON value ('models/ridge/r2', 'rows/0'), or None; an empty path is the value."""
    for part in (key.replace("~1", "/").replace("~0", "~") for key in path.split("/") if key):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping):
            value = value.get(part)
        else:
            return None
    return value
