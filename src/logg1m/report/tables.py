"""Tables of an experiment: views of artifacts that have rules of their own, and further numbers of a verdict."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.metrics import is_measured
from logg1m.results.numbers import MISSING, Cell, Cursor, Table
from logg1m.results.words import ESTIMATOR, condition_name, model_name


@dataclass(frozen=True)
class View:
    """A table as a path with stars (one row per match, the matched keys first) and columns as paths below it.

    rows : see `Cursor.matching`; figures : column → significant figures of its numbers
    """

    title: str
    rows: str
    keys: tuple[str, ...]
    columns: Mapping[str, str]
    note: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)


_WORDS = ESTIMATOR | {
    "1d": "log g alone",
    "3d": "Teff, log g, [M/H]",
    "5d": "all labels that vary",
    "snr": "‖flux‖/‖error‖",
    "snr_observer": "the same from noisy flux",
    "snr_median": "median per pixel",
    "snr_p95": "95th percentile per pixel",
    "simulator_snr": "the simulator's own",
    "low_noise": "low-noise",
    "bayes": "posterior mean",
    "teff": "Teff",
    "logg": "log g",
    "m_h": "[M/H]",
    "mag": "magnitude",
    "model_dwarfs": "best model, dwarfs",
    "model_giants": "best model, giants",
    "bayes_dwarfs": "posterior mean, dwarfs",
    "bayes_giants": "posterior mean, giants",
    "ebv": "reddening E(B−V), mag",
    "calibration": "flux calibration",
    "velocity_km_s": "velocity, km/s",
}
_KEY = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_LONGEST = 12  # values of a list that a cell shows


def of(views: Iterable[View], content: Cursor, experiments: Mapping[str, Experiment] | None = None) -> Iterator[Table]:
    """The tables of an artifact; none for a view that nothing in it matches.

    experiments : by key; their variants are called by their labels
    """
    for view in views:
        rows = tuple(
            (
                *(_label(what, key, experiments) for what, key in zip(view.keys, keys)),
                *(cell(row.at(*place.split("/")), view.figures.get(name, 0)) for name, place in view.columns.items()),
            )
            for row, keys in content.matching(view.rows)
        )
        if rows:
            yield Table(view.title, (*view.keys, *view.columns), rows, content.file, view.note)


def _label(what: str, key: str, experiments: Mapping[str, Experiment] | None) -> str:
    """Words for a key of a row."""
    if what == "model":
        return model_name(key, experiments)
    return _WORDS.get(key, _words(key) if what in ("estimator", "definition") else key)


def cell(found: Cursor | None, figures: int = 0) -> Cell:
    """A value for a table: a number with its interval where it has one, whole counts and text as they are.

    figures : significant ones of a number; 0: as all numbers
    """
    if found is None or found.number():
        return replace(found, figures=figures) if found and figures else found
    if isinstance(found.raw, bool):
        return "yes" if found.raw else "no"
    if isinstance(found.raw, str):
        return called(found.raw)
    if isinstance(found.raw, list) and found.raw and not _nested(found.raw):
        first = found.raw[:_LONGEST]
        shown = [MISSING if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in first]
        return ", ".join(shown) + (f" … ({len(found.raw)} values)" if len(found.raw) > _LONGEST else "")
    return None


def further(content: Cursor, title: str = "Further numbers", names: Mapping[str, str] | None = None) -> list[Table]:
    """Tables of whatever a part of a verdict holds: records become rows, single values a list, the rest goes deeper.

    names : key → words, of variants
    """
    known = names or {}

    def words(key: Any) -> str:
        return known.get(str(key)) or condition_name(str(key))

    def said(found: Cursor | None) -> Cell:
        return words(found.raw) if found is not None and isinstance(found.raw, str) else cell(found)

    single: list[tuple[Cell, ...]] = []
    tables: list[Table] = []
    for name, item in content.items():
        if _is_leaf(item.raw):
            single.append((words(name), said(item)))
            continue
        heading = f"{title}: {words(name)}"
        if item.raw and all(_is_record(record.raw) for record in item):
            columns = tuple(dict.fromkeys(column for record in item for column in record.raw))
            key = () if isinstance(item.raw, list) else ("name",)
            rows = tuple(
                (*((words(one),) if key else ()), *(said(record.at(column)) for column in columns))
                for one, record in item.items()
            )
            tables.append(Table(heading, (*key, *map(words, columns)), rows, content.file))
        else:
            tables += further(item, heading, names)
    if single:
        tables.insert(0, Table(title, ("name", "value"), tuple(single), content.file))
    return tables


def called(said: str) -> str:
    """Words for a text of an artifact: what artifacts call by a key, as people call it; all other text as it is."""
    known = _WORDS.get(said) or model_name(said)
    return known.replace("_", " ") if _KEY.fullmatch(known) else known


def _is_leaf(value: Any) -> bool:
    nested = _nested(value) if isinstance(value, list) else isinstance(value, Mapping)
    return is_measured(value) or not nested


def _nested(value: list[Any]) -> bool:
    return any(isinstance(item, Mapping | list) for item in value)


def _is_record(value: Any) -> bool:
    """Whether it is a row of plain values and numbers."""
    return isinstance(value, Mapping) and not is_measured(value) and all(map(_is_leaf, value.values()))


def _words(name: Any) -> str:
    return str(name).replace("_", " ")
