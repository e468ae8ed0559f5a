"""Figures of models beside one another: R² against signal-to-noise, against training size, variants, bias."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from logg1m.figures.interactive import (
    COLOURS,
    MODEL_COLOURS,
    SYMBOLS,
    Figure,
    Series,
    bounds_of,
    line_at,
    line_figure,
    plain,
    pluck,
)
from logg1m.metrics import interval_of
from logg1m.results.numbers import Cursor
from logg1m.results.words import model_name

CEILINGS = "Ceilings"
_ROLE_COLOUR = {"reference": "@ink", "candidate": "@blue", "control": "@red"}
_SUBSETS = (("low_noise", "low-noise test"), ("full", "full test"))


@dataclass(frozen=True)
class Model:
    """A trained model that figures can show: its name, the group of its switch, its rows per bin of SNR."""

    name: str
    group: str
    snr_bins: Cursor
    shown: bool


def r2_against_snr(fisher: Cursor | None, models: Sequence[Model]) -> Figure | None:
    """R² in bins of ‖flux‖/‖error‖: what the data allow, and every model, each with a switch of its own."""
    series = _ceilings(fisher) if fisher else []
    shown = [model for model in models if len(model.snr_bins.raw)]
    for k, model in enumerate(shown):
        bins = model.snr_bins
        style: dict[str, Any] = {
            "line": {"color": MODEL_COLOURS[k % 6], "width": 1.8, "dash": ("solid", "dash", "dot")[k // 6 % 3]},
            "marker": {"color": MODEL_COLOURS[k % 6], "symbol": SYMBOLS[k % 8], "size": 7},
        }
        series.append(
            Series(model.name, pluck(bins, "snr_median"), pluck(bins, "r2", "value"), bounds_of(bins, "r2"),
                   model.group, model.shown, style)
        )  # fmt: skip
    if not series:
        return None
    return line_figure(
        "r2-against-snr", "R² of log g against signal-to-noise",
        "R² of log g in bins of signal-to-noise for the ceilings and for every model of this run; values in the table.",
        series, "‖flux‖ / ‖error‖ (median of the bin)", "R² of log g",
        {"xaxis": {"type": "log", "tickvals": [1, 1.5, 2, 3, 4, 5, 6, 8], "ticktext": ["1", "1.5", "2", "3", "4", "5", "6", "8"]},
         "yaxis": {"range": [_lowest(series), 1.02]}},
        note=f"Every model on its own test spectra{_tested(shown)}; bars are bootstrap intervals. No estimator can lie above the Bayes-optimal "
        "ceiling by more than chance; a biased one can pass the Fisher bound.",
        plot="switches", height=460, extra={"adapts": True},
    )  # fmt: skip


def _tested(models: Sequence[Model]) -> str:
    """How many spectra they were tested on, all bins together."""
    sizes = sorted({sum(row["n"] for row in model.snr_bins.raw if row.get("n")) for model in models})
    if not sizes:
        return ""
    return f" ({sizes[0]:,})" if len(sizes) == 1 else f" ({sizes[0]:,} to {sizes[-1]:,})"


def _lowest(series: Sequence[Series]) -> float:
    """Lower end of an axis of R²: 0, or as far below it as what is shown at first goes, at most −1."""
    values = [v for s in series if s.shown for v in s.y.values if v is not None]
    return max(-1.0, min([0.0, *map(float, values)]) - 0.05)


def _ceilings(fisher: Cursor) -> list[Series]:
    series = []
    bayes, bins = fisher.at("ceilings", "bayes_bins"), fisher.at("ceilings", "snr_bins")
    if bayes is not None and bayes.raw:
        style: dict[str, Any] = {"line": {"color": "@red", "width": 2.6}, "marker": {"color": "@red", "size": 6}}
        series.append(
            Series("Bayes-optimal ceiling", pluck(bayes, "snr_median"), pluck(bayes, "r2", "value"),
                   bounds_of(bayes, "r2"), CEILINGS, True, style)
        )  # fmt: skip
    if bins is not None and bins.raw:
        for key, dash, name in (
            ("crlb_median_r2", "solid", "Fisher bound, median star"),
            ("crlb_mean_r2", "dash", "Fisher bound, mean over stars"),
        ):
            style = {"mode": "lines", "line": {"color": "@ink", "width": 2, "dash": dash}}
            series.append(
                Series(name, pluck(bins, "snr_median"), pluck(bins, key), None, CEILINGS, dash == "solid", style)
            )
    return series


def scaling_curve(scaling: Cursor, networks: Cursor | None = None) -> Figure | None:
    """R² against training size on the common test, low-noise and full; networks as single points beside the curves."""
    series = []
    for k, (name, entry) in enumerate(scaling["models"].items()):
        rows = entry["scales"]
        for subset, words in _SUBSETS:
            reached = pluck(rows, "common_test", subset, "r2", "value")
            if all(value is None for value in reached.values):
                continue
            style: dict[str, Any] = {
                "line": {"color": COLOURS[k % 6], "width": 1.8},
                "marker": {"color": COLOURS[k % 6], "symbol": SYMBOLS[k % 8], "size": 8},
            }
            series.append(
                Series(f"{model_name(name)}, {words}", pluck(rows, "n_train"), reached,
                       bounds_of(rows, "common_test", subset, "r2"), words, subset == "low_noise", style)
            )  # fmt: skip
    series += _network_points(networks) if networks else []
    if not series:
        return None
    sizes = sorted({n for one in series for n in one.x.values})
    return line_figure(
        "scaling", "R² against the number of training spectra",
        "R² of log g on the common test for every classical model at every training size; values in the table.",
        series, "training spectra", "R² of log g",
        {"xaxis": {"type": "log", "tickvals": sizes, "ticktext": [f"{n:,}" for n in sizes]}},
        note="All sizes of one model are scored on the same test spectra; networks on those of the experiments.", plot="switches", height=420,
    )  # fmt: skip


def _network_points(rows: Cursor) -> list[Series]:
    """One point for every network and test."""
    series = []
    for k, row in rows.items():
        for subset, words in _SUBSETS:
            if row.at(subset, "r2") is None:
                continue
            ends = bounds_of(rows, subset, "r2")
            style = {"mode": "markers", "marker": {"color": "@ink", "symbol": SYMBOLS[(k + 2) % 8], "size": 11}}
            series.append(
                Series(f"{row.raw['label']}, {words}", pluck(rows, "n_fit").at([k]),
                       pluck(rows, subset, "r2", "value").at([k]),
                       (ends[0].at([k]), ends[1].at([k])) if ends else None, words, subset == "low_noise", style)
            )  # fmt: skip
    return series


def _mark_references(verdict: Cursor, layout: dict[str, Any]) -> None:
    """A dotted line at the reference's low-noise value in both halves."""
    for metric, axis in (("r2", ""), ("mae", "2")):
        place = verdict.at("variants", str(verdict.raw.get("reference")), "metrics", "low_noise", metric, "value")
        if place is not None:
            layout["shapes"].append(line_at(place.raw, "@muted", "dot", xref=f"x{axis}"))


def comparison(verdict: Cursor, key: str, title: str) -> Figure:
    """R² and MAE of every variant of an experiment with intervals; what no observer has is marked."""
    variants = [(name, entry) for name, entry in verdict["variants"].items()]
    labels = [_marked(entry.raw) for _, entry in variants]
    traces = []
    for metric, axis in (("r2", ""), ("mae", "2")):
        for subset, words in _SUBSETS:
            for k, (_, entry) in enumerate(variants):
                place = entry.at("metrics", subset, metric)
                if place is None:
                    continue
                value, (low, high) = place.raw["value"], interval_of(place.raw)
                colour = _ROLE_COLOUR.get(entry.raw["role"], "@blue")
                traces.append(
                    {
                        "type": "scatter", "mode": "markers", "x": [value], "y": [k + (-0.14 if subset == "low_noise" else 0.14)],
                        "name": plain(f"{labels[k]}, {words}"), "xaxis": f"x{axis}", "yaxis": "y",
                        "hovertemplate": "%{x:.4f}<extra>%{fullData.name}</extra>",
                        "marker": {"color": colour, "size": 9, "symbol": "circle" if subset == "low_noise" else "circle-open",
                                   "line": {"width": 2}},
                        "error_x": {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
                                    "thickness": 1.5, "width": 3, "color": colour},
                        "meta": {"x": f"{place.file}#/{place.place}/value"},
                    }
                )  # fmt: skip
    layout = {
        "grid": {"rows": 1, "columns": 2, "subplots": [["xy", "x2y"]]},
        "xaxis": {"title": {"text": "R² of log g"}, "domain": [0, 0.48]},
        "xaxis2": {"title": {"text": "MAE of log g, dex"}, "domain": [0.54, 1]},
        "shapes": [],
        "yaxis": {
            "tickvals": list(range(len(labels))), "ticktext": [plain(t) for t in labels],
            "range": [len(labels) - 0.4, -0.6], "automargin": True, "showgrid": False,
        },
    }  # fmt: skip
    _mark_references(verdict, layout)
    n, low = verdict.raw.get("n_test"), verdict.raw.get("n_test_low_noise")
    counts = f" {low:,} and {n:,} spectra." if n and low else ""
    return Figure(
        key, title, "R² and mean absolute error of every variant with intervals; the same numbers are in the table above.",
        tuple(traces), layout, (verdict.file,), height=150 + 46 * len(labels),
        note=f"Filled: low-noise test; open: full test.{counts} Black: reference; blue: candidate; red: control or leaky. Dotted: "
        "the reference on the low-noise test.",
    )  # fmt: skip


def _marked(variant: Mapping[str, Any]) -> str:
    note = " (leaky)" if variant["leaky"] else " (control)" if variant["role"] == "control" else ""
    return f"{variant['label']}{note}"


def bias(verdict: Cursor, label: str, key: str, title: str) -> Figure | None:
    """Mean residual of log g in bins of another label, every variant with a switch."""
    series = []
    for k, (_, entry) in enumerate(verdict["variants"].items()):
        rows = entry.at("bias", label)
        if rows is None or not rows.raw:
            continue
        mean, spread = pluck(rows, "mean"), pluck(rows, "standard_error")
        style = {
            "line": {"color": COLOURS[k % 8], "width": 1.6},
            "marker": {"color": COLOURS[k % 8], "symbol": SYMBOLS[k % 8], "size": 7},
            "error_y": {"type": "data", "array": list(spread.values), "thickness": 1, "width": 2},
        }
        low, high = pluck(rows, "low"), pluck(rows, "high")
        centres = replace(low, values=tuple((a + b) / 2 for a, b in zip(low.values, high.values)))
        words = tuple(f"{a:g} to {b:g}".replace("-", "−") for a, b in zip(low.values, high.values))
        series.append(Series(entry.raw["label"], centres, mean, None, "Variants", True, style, words, "centre"))
    if not series:
        return None
    name, n = {"teff": "Teff, K", "m_h": "[Fe/H], dex"}.get(label, label), verdict.raw.get("n_test")
    return line_figure(
        key, title, f"Mean residual of log g in bins of {name} for every variant; values in the table.",
        series, f"{name} (middle of the bin)", "mean of predicted − true log g, dex",
        {"shapes": [line_at(0, "@muted", "solid", "y")]},
        note=f"Bars are standard errors; full test{f', {n:,} spectra' if n else ''}.", plot="switches",
    )  # fmt: skip
