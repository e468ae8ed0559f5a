"""What an interactive figure of the page is: series whose every value is traced, and the plotly.js description of them.

Colours are names (`@blue`) that the page turns into the colours of its light, dark or printed face; Okabe & Ito (2008)
in hues that readers with any colour vision tell apart. Words from data or configuration pass through `plain`, since
plotly.js reads a little markup.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from logg1m.metrics import interval_key
from logg1m.results.numbers import Cell, Cursor, Table

COLOURS = ("@blue", "@orange", "@green", "@red", "@purple", "@sky", "@ink", "@yellow")
MODEL_COLOURS = ("@blue", "@orange", "@green", "@purple", "@sky", "@yellow")  # beside ceilings in ink and red
BARS = {"color": "@sky", "line": {"width": 0}}  # of a histogram
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")


def plain(text: str) -> str:
    """Text that plotly.js shows as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True)
class Column:
    """Values of one quantity, each with its place, and their pattern: `file.json#/…/*/…`, `file.csv#column`."""

    cells: tuple[Cursor, ...]
    source: str

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(cell.raw for cell in self.cells)

    @property
    def file(self) -> str:
        return self.source.partition("#")[0]

    def at(self, rows: Sequence[int]) -> "Column":
        """Some of the values."""
        return Column(tuple(self.cells[k] for k in rows), self.source)


def pluck(rows: Cursor, *keys: str | int) -> Column:
    """The same place in every row of a list; null where a row has none."""
    cells = tuple(row.at(*keys) or Cursor(None, row.file, (*row.path, *keys)) for row in rows)
    return Column(cells, f"{rows.file}#/{rows.place}/*/{'/'.join(map(str, keys))}")


def bounds_of(rows: Cursor, *keys: str | int) -> tuple[Column, Column] | None:
    """Lower and upper ends of the interval of an estimate in every row, or None where rows have none."""
    first = next((found for row in rows if (found := row.at(*keys)) is not None), None)
    entry = first.raw if first is not None and isinstance(first.raw, dict) else {}
    key = interval_key(entry)
    return None if not key else (pluck(rows, *keys, key, 0), pluck(rows, *keys, key, 1))


def csv_column(table: pd.DataFrame, file: str, name: str) -> Column:
    """A column of a CSV file; rows keep their numbers in the file, also in a part of the table."""
    values = zip(table.index, table[name].tolist())
    return Column(tuple(Cursor(None if pd.isna(v) else v, file, (name, k)) for k, v in values), f"{file}#{name}")


@dataclass(frozen=True)
class Series:
    """One line, set of points or histogram; `group` is where its switch stands, `style` more plotly.js attributes."""

    name: str
    x: Column
    y: Column
    bounds: tuple[Column, Column] | None = None
    group: str = ""
    shown: bool = True
    style: dict[str, Any] = field(default_factory=dict)
    x_words: tuple[str, ...] = ()  # what the table says in place of x, where x is made from several numbers
    x_how: str = ""  # how x is made from what stands at its source

    def trace(self) -> dict[str, Any]:
        y = list(self.y.values)
        meta = {"x": self.x.source, "y": self.y.source, "group": self.group}
        more = {}
        if self.bounds:
            low, high = self.bounds
            up = [None if h is None or v is None else h - v for v, h in zip(y, high.values)]
            down = [None if lo is None or v is None else v - lo for v, lo in zip(y, low.values)]
            more["error_y"] = {"type": "data", "symmetric": False, "array": up, "arrayminus": down}
            more["error_y"] |= {"thickness": 1, "width": 2}
            meta |= {"low": low.source, "high": high.source}
        if self.x_how:
            meta["x_how"] = self.x_how
        trace = {"type": "scatter", "mode": "lines+markers", "name": plain(self.name), "visible": self.shown}
        return trace | {"x": list(self.x.values), "y": y, "meta": meta} | more | self.style


@dataclass(frozen=True)
class Shown:
    """What the page has at hand for a figure of an experiment.

    table : path of the CSV with its values
    verdict : of the experiment
    artifact : name inside results/ → its content, or None
    """

    table: str
    verdict: Cursor
    artifact: Callable[[str], Cursor | None]


@dataclass(frozen=True)
class Plot:
    """A figure of the page.

    alt : what it shows in one sentence, for those who cannot see it
    plot : kind of controls that the page's script puts above it
    """

    key: str
    title: str
    alt: str
    traces: tuple[dict[str, Any], ...]
    layout: dict[str, Any]
    files: tuple[str, ...]
    note: str = ""
    plot: str = "plain"
    height: int = 380
    table: Table | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        return {"data": list(self.traces), "layout": self.layout, "plot": self.plot, "height": self.height} | self.extra


def values_table(series: Sequence[Series], x_name: str, y_name: str) -> Table:
    """All points of all series as rows: series, x, y with interval."""
    rows: list[tuple[Cell, ...]] = []
    for one in series:
        for k in range(len(one.x.values)):
            x: Cell = one.x_words[k] if one.x_words else cell_of(one.x, k)
            rows.append((one.name, x, cell_of(one.y, k, one.bounds)))
    return Table(f"{y_name} against {x_name}", ("series", x_name, y_name), tuple(rows), "")


def values_of(title: str, table: pd.DataFrame, file: str, names: dict[str, str]) -> Table:
    """Columns of a CSV file as a table, for those who cannot see the figure; names: column → heading."""
    columns = [csv_column(table, file, name) for name in names]
    rows = tuple(tuple(cell_of(c, k) for c in columns) for k in range(len(table)))
    return Table(title, tuple(names.values()), rows, file)


def cell_of(column: Column, k: int, bounds: tuple[Column, Column] | None = None) -> Cell:
    """One value of a column; of an estimate (…/value) with its interval."""
    cell = column.cells[k]
    if not isinstance(cell.raw, int | float):
        return None if cell.raw is None else str(cell.raw)
    if bounds and cell.path[-1] == "value":
        ends = [bounds[0].values[k], bounds[1].values[k]]
        return Cursor({"value": cell.raw, "ci": ends}, cell.file, cell.path[:-1])
    return cell


def line_figure(
    key: str,
    title: str,
    alt: str,
    series: Sequence[Series],
    x_name: str,
    y_name: str,
    layout: dict[str, Any] | None = None,
    **more: Any,
) -> Plot:
    """A figure of lines with its table of values."""
    files = tuple(dict.fromkeys(s.y.file for s in series))
    table = values_table(series, x_name, y_name)
    traces = tuple(s.trace() for s in series)
    return Plot(key, title, alt, traces, axes(x_name, y_name, **layout or {}), files, table=table, **more)


def axes(x: str, y: str, **layout: Any) -> dict[str, Any]:
    """A layout with titles of both axes; what it says of an axis beside that is added."""
    titled = {"xaxis": {"title": {"text": plain(x)}}, "yaxis": {"title": {"text": plain(y)}}}
    return titled | {name: titled[name] | value if name in titled else value for name, value in layout.items()}


def look(
    k: int, size: int = 7, width: float = 1.8, dash: str = "solid", colours: Sequence[str] = COLOURS[:6]
) -> dict[str, Any]:
    """Line and marker of the k-th series."""
    colour = colours[k % len(colours)]
    line = {"color": colour, "width": width, "dash": dash}
    return {"line": line, "marker": {"color": colour, "symbol": SYMBOLS[k % 8], "size": size}}


def words_at(x: float, y: float, text: str, colour: str, **more: Any) -> dict[str, Any]:
    """Words in a figure at a value of x and a height between 0 and 1."""
    return {"x": x, "y": y, "yref": "paper", "text": text, "showarrow": False, "font": {"color": colour}} | more


def of_columns(table: pd.DataFrame, file: str, x: str, y: str, **how: Any) -> dict[str, Any]:
    """A trace of two columns of a CSV."""
    meta = {"x": f"{file}#{x}", "y": f"{file}#{y}"}
    return {"x": table[x].tolist(), "y": table[y].tolist(), "meta": meta} | how


def counted(z: Sequence[Sequence[float | None]], n: np.ndarray) -> dict[str, Any]:
    """Counts in the cells of a map that have a value."""
    text = [["" if v is None else f"{k:.0f}" for v, k in zip(*row)] for row in zip(z, n)]
    return {"text": text, "texttemplate": "%{text}"}


def line_at(x: float, colour: str, dash: str = "dash", axis: str = "x", **more: Any) -> dict[str, Any]:
    """An upright line across the figure, or a level one with axis="y"."""
    other = "y" if axis == "x" else "x"
    place = {f"{axis}0": x, f"{axis}1": x, f"{axis}ref": axis}
    place |= {f"{other}0": 0, f"{other}1": 1, f"{other}ref": f"{other} domain"}
    return {"type": "line", **place, "line": {"color": colour, "dash": dash, "width": 1.4}} | more


def packed(values: np.ndarray) -> dict[str, str]:
    """An array as plotly.js reads it from base64: float32 (or int16), a quarter of the size of its digits."""
    array = np.ascontiguousarray(values)
    kind = {"float32": "f4", "int16": "i2", "float64": "f8"}[str(array.dtype)]
    data = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return {"dtype": kind, "bdata": base64.b64encode(data.tobytes()).decode()}
