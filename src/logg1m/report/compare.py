"""Runs side by side: their answers, the verdicts, decisions and settings that differ; as text and as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from logg1m.config.places import place
from logg1m.experiments import catalogue
from logg1m.files import InputError, read_json
from logg1m.report.collect import Context, collect
from logg1m.report.roadmap import Roadmap
from logg1m.report.templates import PAGE
from logg1m.results.numbers import MISSING, Cursor, fixed

CONFIGURATION = "configuration.json"


@dataclass(frozen=True)
class Run:
    """One run: its name, what documents show of it, and its settings."""

    name: str
    roadmap: Roadmap
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A table with a column per run; rows are (what, one cell per run)."""

    title: str
    runs: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    nothing: str  # what is said where there are no rows


def read(folder: Path) -> Run:
    """A run from its folder.

    Raises
    ------
    InputError
        If it holds no results, or an artifact is not readable.
    """
    results = folder / "results"
    if not results.is_dir():
        raise InputError(f"{results} is no folder: {folder} is not the folder of a run, or nothing has run there yet")
    files = [path for path in sorted(results.rglob("*.json")) if not path.relative_to(results).parts[0].startswith(".")]
    roadmap = collect(files, catalogue.load(place("experiments", folder)), Context(), results)
    known = results / CONFIGURATION
    return Run(str(folder), roadmap, read_json(known) if known.exists() else {})


def tables(runs: Sequence[Run]) -> list[Side]:
    """Answers, and what differs of verdicts, decisions and settings."""
    names = tuple(run.name for run in runs)
    return [
        Side("Answer", names, tuple(_answer(runs)), "no model has been scored"),
        Side("Verdicts that differ", names, tuple(_verdicts(runs)), "none"),
        Side("Decisions that differ", names, tuple(_decisions(runs)), "none"),
        Side("Settings that differ", names, tuple(_settings(runs)), "none that was recorded"),
    ]


def _answer(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    answers = [run.roadmap.answer for run in runs]
    if not any(answer.best for answer in answers):
        return
    for what, cells in (
        ("best model", [answer.model or MISSING for answer in answers]),
        ("error, RMSE, dex", [_number(answer.best_rmse) for answer in answers]),
        ("MAE, dex", [_number(answer.best_mae) for answer in answers]),
        ("R²", [_number(answer.best) for answer in answers]),
        ("low-noise test spectra", [f"{answer.n_test:,}" if answer.n_test else MISSING for answer in answers]),
        (
            "what the data allow on stars with a posterior, RMSE, dex",
            [_number(answer.ceiling_rmse) for answer in answers],
        ),
        ("left to gain on the same stars, dex", [_number(answer.gap_rmse) for answer in answers]),
        ("efficiency", [_number(answer.efficiency) for answer in answers]),
    ):
        yield (what, *cells)


def _verdicts(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    found = [{mvp.id: mvp for mvp in run.roadmap.mvps} for run in runs]
    for key in dict.fromkeys(key for of_run in found for key in of_run):
        here = [of_run.get(key) for of_run in found]
        words = [(mvp.word or mvp.state) if mvp else "not in it" for mvp in here]
        if len(set(words)) > 1:
            title = next(mvp.title for mvp in here if mvp)
            yield (f"MVP-{key} {title}", *words)


def _decisions(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    found = [{d.name: d for d in run.roadmap.decisions} for run in runs]
    for name in found[0]:
        outcomes = [of_run[name].outcome or "not made" for of_run in found]
        if len(set(outcomes)) > 1:
            yield (f"{name.upper()} {found[0][name].title}", *outcomes)


def _settings(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    flat = [dict(_flat(run.settings)) for run in runs]
    for key in dict.fromkeys(key for of_run in flat for key in of_run):
        values = [of_run.get(key, MISSING) for of_run in flat]
        if len(set(values)) > 1:
            yield (key, *values)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Settings as (network.training.epochs, value)."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield path, {"None": "none", "True": "yes", "False": "no", "": "none"}.get(said, said)


def _number(number: Cursor | None) -> str:
    if number is None or number.value is None:
        return MISSING
    ends = number.interval
    return fixed(number.value) + (f" [{fixed(ends[0])}, {fixed(ends[1])}]" if ends else "")


def text(sides: Sequence[Side], width: int | None = None) -> str:
    """The tables for a terminal; cells that are too long for it are cut."""
    lines: list[str] = []
    for side in sides:
        lines += ["", side.title] if lines else [side.title]
        if not side.rows:
            lines.append(f"  {side.nothing}")
            continue
        rows = [("", *side.runs), *side.rows]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        if width:
            most = max((width - 2 - min(widths[0], width // 3)) // (len(widths) - 1) - 2, 8)
            widths = [min(widths[0], width // 3), *(min(w, most) for w in widths[1:])]
        for row in rows:
            cells = [_cut(cell, w).ljust(w) for cell, w in zip(row, widths)]
            lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)


def _cut(words: str, width: int) -> str:
    return words if len(words) <= width else f"{words[: width - 1]}…"


def page(sides: Sequence[Side]) -> str:
    """The tables as a page of its own."""
    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    css = Markup((PAGE / "page.css").read_text(encoding="utf-8"))
    return environment.get_template("compare.html.j2").render(sides=sides, css=css)
