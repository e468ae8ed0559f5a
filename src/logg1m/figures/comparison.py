"""Metrics of every variant of an experiment side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from logg1m.figures import style
from logg1m.figures.interactive import Plot, Shown, line_at, plain
from logg1m.metrics import interval_of
from logg1m.results.numbers import Cursor
from logg1m.results.words import SUBSET

TITLE = "Variants beside one another"
CAPTION = "R² and MAE of every variant with intervals, on both tests."

_COLOUR = {"reference": style.BLACK, "candidate": style.BLUE, "control": style.RED}
_COLOUR_ON_PAGE = {"reference": "@ink", "candidate": "@blue", "control": "@red"}
_METRICS = {"r2": "R² of log g", "mae": "MAE of log g, dex"}


def values(verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per variant, test and metric."""
    rows = []
    for name, variant in verdict["variants"].items():
        about = {"variant": name} | {key: variant[key] for key in ("label", "role", "leaky")}
        for subset in SUBSET:
            for metric in _METRICS:
                entry = variant["metrics"][subset][metric]
                low, high = interval_of(entry)
                found = {"value": entry["value"], "low": low, "high": high}
                rows.append(about | {"subset": subset, "metric": metric} | found)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One row per variant with intervals, low-noise and full test; leaky variants and controls are marked."""
    names = list(verdict["variants"])
    figure, axes = style.subplots(1, 2, figsize=(10, 1.2 + 0.42 * len(names)), sharey=True)
    for axis, (metric, title) in zip(axes, _METRICS.items()):
        for subset, offset, marker in (("low_noise", -0.13, "o"), ("full", 0.13, "s")):
            of_both = table[(table["metric"] == metric) & (table["subset"] == subset)].set_index("variant")
            for k, name in enumerate(names):
                row = of_both.loc[[name]]
                colour = _COLOUR[row["role"].iloc[0]]
                how = {"marker": marker, "color": colour, "capsize": 2, "markersize": 5}
                how["markerfacecolor"] = colour if subset == "low_noise" else "white"
                axis.errorbar(row["value"], [k + offset], xerr=style.bars(row), **how)
        reference = verdict["variants"][verdict["reference"]]["metrics"]["low_noise"][metric]["value"]
        axis.axvline(reference, color=style.BLACK, linewidth=0.7, linestyle=":")
        axis.set_xlabel(title)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(names)), [_marked(verdict["variants"][n]) for n in names])
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", color=style.BLACK, label=f"{SUBSET['low_noise']}, n = {verdict['n_test_low_noise']:,}")
    axes[0].plot(
        [], [], "s", color=style.BLACK, markerfacecolor="white", label=f"{SUBSET['full']}, n = {verdict['n_test']:,}"
    )
    style.legend_below(figure, axes[0], 2)
    figure.suptitle(f"{style.experiment(verdict)}: {verdict['title']}", fontsize=10)
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """The same two halves; what no observer has is marked."""
    verdict = shown.verdict
    labels = [plain(_marked(entry.raw)) for entry in verdict["variants"]]
    traces = tuple(
        _point(place, k, f"{labels[k]}, {words}", axis, subset, entry.raw["role"])
        for metric, axis in zip(_METRICS, ("", "2"))
        for subset, words in SUBSET.items()
        for k, entry in enumerate(verdict["variants"])
        if (place := entry.at("metrics", subset, metric)) is not None
    )
    names = {"tickvals": list(range(len(labels))), "ticktext": labels, "range": [len(labels) - 0.4, -0.6]}
    layout = {
        "grid": {"rows": 1, "columns": 2, "subplots": [["xy", "x2y"]]},
        "xaxis": {"title": {"text": _METRICS["r2"]}, "domain": [0, 0.48]},
        "xaxis2": {"title": {"text": _METRICS["mae"]}, "domain": [0.54, 1]},
        "shapes": _references(verdict),
        "yaxis": names | {"automargin": True, "showgrid": False},
    }
    n, low = verdict.raw.get("n_test"), verdict.raw.get("n_test_low_noise")
    counts = f" {low:,} and {n:,} spectra." if n and low else ""
    alt = "R² and mean absolute error of every variant with intervals; the same numbers are in the table above."
    note = (
        f"Filled: low-noise test; open: full test.{counts} Black: reference; blue: candidate; red: control or leaky. "
        "Dotted: the reference on the low-noise test."
    )
    return Plot(key, TITLE, alt, traces, layout, (verdict.file,), note, height=150 + 46 * len(labels))


def _point(place: Cursor, k: int, name: str, axis: str, subset: str, role: str) -> dict[str, Any]:
    """A metric of the k-th variant on one test, with its interval."""
    value, (low, high) = place.raw["value"], interval_of(place.raw)
    shift, symbol = (-0.14, "circle") if subset == "low_noise" else (0.14, "circle-open")
    colour = _COLOUR_ON_PAGE.get(role, "@blue")
    bars = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [value],
        "y": [k + shift],
        "name": name,
        "xaxis": f"x{axis}",
        "yaxis": "y",
        "hovertemplate": "%{x:.4f}<extra>%{fullData.name}</extra>",
        "marker": {"color": colour, "size": 9, "symbol": symbol, "line": {"width": 2}},
        "error_x": bars | {"thickness": 1.5, "width": 3, "color": colour},
        "meta": {"x": f"{place.file}#/{place.place}/value"},
    }


def _references(verdict: Cursor) -> list[dict[str, Any]]:
    """A dotted line at the reference's low-noise value in both halves."""
    reference = verdict.at("variants", str(verdict.raw.get("reference")), "metrics", "low_noise")
    found = [(axis, reference.at(metric, "value") if reference else None) for metric, axis in zip(_METRICS, ("", "2"))]
    return [line_at(place.raw, "@muted", "dot", xref=f"x{axis}") for axis, place in found if place is not None]


def _marked(variant: Mapping[str, Any]) -> str:
    note = " (leaky)" if variant["leaky"] else " (control)" if variant["role"] == "control" else ""
    return f"{variant['label']}{note}"
