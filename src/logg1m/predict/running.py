"""Files of spectra → one file of predictions: whole blocks in order, several at a time, in constant memory."""

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from logg1m import __version__
from logg1m.files import InputError, read_csv, read_parquet
from logg1m.jobs.progress import Progress
from logg1m.predict import writing
from logg1m.predict.predicting import Predictor
from logg1m.predict.reading import Options, Reader, open_spectra, spectra_of
from logg1m.predict.steps import Frame, Spectra, make_ready
from logg1m.sources.paths import expand

Estimator = Literal["network", "posterior", "both"]


@dataclass(frozen=True)
class Asking:
    """What a user wants of the spectra.

    v_los : one radial velocity for all, km/s; rv : table of them, columns v_los and objId or row (and input)
    rows : of all files together, start and stop; None: all
    layout : of the output, logg1m or pfsStarCatalog
    """

    estimator: Estimator = "network"
    frame: Frame = "observed"
    v_los: float | None = None
    rv: Path | None = None
    bound: bool = False
    amplitude: str = "median"
    options: Options = field(default_factory=Options)
    rows: tuple[int, int] | None = None
    layout: str = "logg1m"
    threads: int = 1


def open_all(paths: Sequence[str | Path], options: Options) -> list[Reader]:
    """Readers of files; patterns are expanded, in order.

    Raises
    ------
    InputError
        If a pattern matches nothing, or a file cannot be read.
    """
    return [open_spectra(path, options) for path in expand(tuple(map(str, paths)), "SPECTRA")]


def velocities(rv: Path) -> pd.DataFrame:
    """A table of radial velocities, with v_los and objId or row."""
    if rv.suffix.lower() in (".fits", ".ecsv"):
        from logg1m.predict.astropy_tools import read_table

        table = read_table(rv)
    else:
        table = read_parquet(rv) if rv.suffix.lower() == ".parquet" else read_csv(rv)
    key = next((name for name in ("objId", "row") if name in table), None)
    if "v_los" not in table or key is None:
        raise InputError(f"{rv} has the columns {', '.join(map(str, table))}; expected v_los (km/s) and objId or row")
    for name in (name for name in ("catId", key) if name in table):
        values = table[name]
        if not pd.api.types.is_integer_dtype(values.dtype) or values.isna().any():
            raise InputError(f"{rv}: {name} holds {values.dtype} or empty lines; expected an integer in every line")
    if not pd.api.types.is_numeric_dtype(table["v_los"].dtype):
        raise InputError(f"{rv}: v_los holds {table['v_los'].dtype}; expected numbers, km/s")
    if "input" in table:
        table["input"] = table["input"].astype(str)
    if table.duplicated(_keys(table)).any():
        raise InputError(f"{rv}: a spectrum stands there twice; expected every {key} once")
    return table


def _keys(table: pd.DataFrame) -> list[str]:
    """Columns by which spectra are found in a table of velocities."""
    return [name for name in ("input", "catId", "objId" if "objId" in table else "row") if name in table]


def require_unique(readers: Sequence[Reader], table: pd.DataFrame, rv: Path) -> None:
    """Stop if a line of the table could be about spectra of several files.

    Raises
    ------
    InputError
        Says what the table needs.
    """
    names = [reader.path.name for reader in readers]
    if len(names) > 1 and "input" not in table and "objId" not in table:
        raise InputError(f"{rv} numbers rows, and there are {len(names)} files; expected a column input, or objId")
    if "input" in table and len(set(names)) < len(names):
        raise InputError(f"{rv} names files, and two have the same name; predict them one by one")


def require_told_apart(identity: pd.DataFrame, table: pd.DataFrame, rv: Path, seen: dict[Any, int]) -> None:
    """Stop where a table that names no catalogue could mean several stars: an objId in two catalogues, or again where the
    spectra have no catId. `seen` holds what earlier blocks had, and is added to.

    Raises
    ------
    InputError
        Names the objId, and what would tell its stars apart.
    """
    keys = _keys(table)
    if "objId" not in keys or "catId" in keys:
        return
    for catalogue, name in zip(identity["catId"], identity[keys].itertuples(index=False, name=None)):
        if name in seen and (catalogue < 0 or catalogue != seen[name]):
            raise InputError(
                f"{rv} finds stars by objId, and objId {name[-1]} is there more than once, "
                + ("of spectra without catId" if catalogue < 0 else f"of the catalogues {seen[name]} and {catalogue}")
                + ": add a column catId, or number the lines by row"
            )
        seen[name] = catalogue


def with_velocity(spectra: Spectra, asking: Asking, table: pd.DataFrame | None) -> Spectra:
    """The velocity that the user gives, before that of the file."""
    if asking.v_los is not None:
        return replace(spectra, velocity=np.full(len(spectra), float(asking.v_los)))
    if table is None:
        return spectra
    keys = _keys(table)
    found = spectra.identity.merge(table[[*keys, "v_los"]], on=keys, how="left", validate="many_to_one")["v_los"]
    return replace(spectra, velocity=found.to_numpy(dtype=np.float64))


def blocks(readers: Sequence[Reader], rows: tuple[int, int] | None) -> Iterator[Spectra]:
    """Blocks of all files in order, or of some rows of them together."""
    start, stop = rows or (0, sum(reader.n_spectra for reader in readers))
    before = 0
    for reader in readers:
        low, high = max(start - before, 0), min(stop - before, reader.n_spectra)
        if low < high:
            with spectra_of(reader.path):
                yield from reader.blocks(low, high)
        before += reader.n_spectra


@contextmanager
def _short_turns() -> Iterator[None]:
    """Threads that leave torch or numpy wait 0.3 ms for the interpreter, not 5: blocks are many short calls."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(3e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def predict_blocks(
    predictor: Predictor, spectra: Iterator[Spectra], asking: Asking, count: int
) -> tuple[pd.DataFrame, list[str]]:
    """Rows of all spectra in order, and the steps that were taken."""
    table = velocities(asking.rv) if asking.rv else None
    steps, seen = dict[str, None](), dict[Any, int]()
    sampler = None
    if asking.estimator != "network":
        from logg1m.predict.posterior import Sampler

        sampler = Sampler.of(predictor)

    def work(block: Spectra) -> tuple[pd.DataFrame, tuple[str, ...]]:
        block = with_velocity(block, asking, table)
        ready = make_ready(block, predictor.model.wave, asking.frame, asking.amplitude)
        rows = predictor.rows(ready, block.identity, asking.bound)
        if sampler is not None:
            rows = sampler.beside(rows, ready, replaces=asking.estimator == "posterior")
        return writing.compact(rows), ready.steps

    parts, waiting = [], deque[Future[tuple[pd.DataFrame, tuple[str, ...]]]]()
    progress = Progress("predictions", count, "spectra")

    def take() -> None:
        rows, done = waiting.popleft().result()
        parts.append(rows)
        steps.update(dict.fromkeys(done))
        progress.add(len(rows))

    with _short_turns(), ThreadPoolExecutor(max(asking.threads, 1)) as pool:
        try:
            for block in spectra:
                if table is not None and asking.rv:
                    require_told_apart(block.identity, table, asking.rv, seen)
                waiting.append(pool.submit(work, block))
                if len(waiting) > asking.threads + 1:
                    take()
            while waiting:
                take()
        except BaseException:  # an error, or Ctrl-C: what has not begun need not begin
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not parts:
        raise InputError("there is no spectrum in the files")
    return writing.joined(parts), list(steps)


def require_room(asking: Asking) -> None:
    """Stop if the layout of the output has no column for what is asked.

    Raises
    ------
    InputError
        Says what to leave out.
    """
    if asking.layout == "pfsStarCatalog" and (asking.estimator == "both" or asking.bound):
        what = "--estimator both" if asking.estimator == "both" else "--bound"
        raise InputError(f"pfsStarCatalog has one log_g and no bound: {what} asks for more than it holds; leave it out")


def predict_files(
    paths: Sequence[str | Path], predictor: Predictor, out: Path, asking: Asking, overwrite: bool = False
) -> tuple[int, int]:
    """Predict and write; the number of spectra, and of those that must not be used.

    Raises
    ------
    InputError
        What is wrong with a file, an option, or the output, which is then left as it was.
    """
    writing.require_writable(out, overwrite, layout=asking.layout)
    require_room(asking)
    readers = open_all(paths, asking.options)
    writing.require_writable(out, overwrite, [reader.path for reader in readers] + [asking.rv] * bool(asking.rv))  # type: ignore[list-item]
    if asking.rv:
        require_unique(readers, velocities(asking.rv), asking.rv)
    total = sum(reader.n_spectra for reader in readers)
    count = total if asking.rows is None else max(min(asking.rows[1], total) - asking.rows[0], 0)
    frame, steps = predict_blocks(predictor, blocks(readers, asking.rows), asking, count)
    recipe = predictor.model.recipe
    steps.append(f"recipe: normalisation {recipe.normalisation}, channels {', '.join(recipe.channels)}, {recipe.model}")
    about = {
        "model_id": predictor.model.identity,
        "version": __version__,
        "estimator": asking.estimator,
        "frame": asking.frame,
        "inputs": [reader.path.name for reader in readers],
    }
    writing.write(out, frame, steps, about, asking.layout)
    return len(frame), int(frame["flag"].sum())


def dry_run(paths: Sequence[str | Path], predictor: Predictor, asking: Asking) -> list[str]:
    """What would be done: one line per file, and the steps; the first block of every file is prepared."""
    lines = []
    table = velocities(asking.rv) if asking.rv else None
    for reader in open_all(paths, asking.options):
        with spectra_of(reader.path):
            block = next(iter(reader.blocks(0, min(reader.n_spectra, 16))), None)
        if block is None:
            raise InputError(f"{reader.path}: there is no spectrum in it")
        block = with_velocity(block, asking, table)
        ready = make_ready(block, predictor.model.wave, asking.frame, asking.amplitude)
        lines.append(f"{reader.path}: {reader.n_spectra:,} spectra; " + "; ".join(ready.steps))
    return lines
