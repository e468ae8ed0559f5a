"""Interactive figures from the tables that lie beside the printed figures: protocol, penalties, bounds, magnitudes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures.interactive import (
    COLOURS,
    SYMBOLS,
    Figure,
    Series,
    cell_of,
    csv_column,
    line_at,
    line_figure,
    packed,
    plain,
    pluck,
)
from logg1m.files import InputError, read_csv
from logg1m.observe.lines import FEATURES
from logg1m.results.artifacts import at
from logg1m.results.numbers import Cursor, Table
from logg1m.results.words import model_name


def _bars(table: pd.DataFrame, file: str, low: str, high: str, height: str, name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "bar", "name": plain(name), "x": ((table[low] + table[high]) / 2).tolist(), "y": table[height].tolist(),
        "width": (table[high] - table[low]).tolist(), "marker": {"color": colour, "line": {"width": 0}}, "opacity": 0.75,
        "meta": {"y": f"{file}#{height}"},
    }  # fmt: skip


def _values(title: str, table: pd.DataFrame, file: str, names: dict[str, str]) -> Table:
    """Columns of a CSV file as a table, for those who cannot see the figure."""
    columns = [csv_column(table, file, name) for name in names]
    rows = tuple(tuple(cell_of(c, k) for c in columns) for k in range(len(table)))
    return Table(title, tuple(names.values()), rows, file)


def snr_histogram(path: Path, file: str, protocol: Cursor | None) -> Figure:
    """How many spectra there are at each signal-to-noise, with the thresholds of the protocol."""
    table = read_csv(path, ("snr_low", "snr_high", "spectra"))
    shapes, notes = [], []
    threshold = protocol.at("low_noise", "threshold") if protocol else None
    quantiles = protocol.at("snr_definitions", "snr", "thresholds") if protocol else None
    for k, (name, value) in enumerate(quantiles.items() if quantiles else ()):
        shapes.append(line_at(value.raw, "@muted", "dot"))
        share = 100 * float(str(name).removeprefix("top_"))
        notes.append({"x": value.raw, "y": 0.99 - 0.08 * k, "yref": "paper", "text": f"top {share:g} %", "showarrow": False,
                      "xanchor": "left", "xshift": 3, "font": {"color": "@muted", "size": 11}})  # fmt: skip
    if threshold is not None:
        shapes.append(line_at(threshold.raw, "@red"))
        notes.append({"x": threshold.raw, "y": 0.7, "yref": "paper", "text": "low noise →", "showarrow": False, "xanchor": "left",
                      "xshift": 3, "font": {"color": "@red"}})  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "‖flux‖ / ‖error‖, noise-free flux"}}, "yaxis": {"title": {"text": "spectra per bin"}},
        "shapes": shapes, "annotations": notes, "bargap": 0, "showlegend": False,
    }  # fmt: skip
    bars = _bars(table, file, "snr_low", "snr_high", "spectra", "spectra", "@sky")
    n = protocol.at("n_spectra") if protocol else None
    low = protocol.at("low_noise", "n") if protocol else None
    note = f"{n.raw:,} spectra" + (f", of them {low.raw:,} low-noise" if low else "") + "." if n else ""
    per_pixel = protocol.at("snr_definitions", "snr_median", "thresholds", "top_0.2") if protocol else None
    if per_pixel is not None:
        note += f" The top 20 % by median SNR per pixel starts at {per_pixel.raw:.1f}."
    return Figure(
        "snr-histogram", "Signal-to-noise of all spectra", "Histogram of the signal-to-noise of all spectra with the thresholds "
        "of the low-noise protocol; counts in the table.", (bars,), layout, (file,), note=note,
        table=_values("Spectra per bin", table, file, {"snr_low": "SNR from", "snr_high": "SNR to", "spectra": "spectra"}),
    )  # fmt: skip


def ridge_penalties(path: Path, file: str) -> Figure:
    """Validation R² against the ridge penalty, every feature set at every scale."""
    table = read_csv(path, ("standardised", "features", "alpha", "validation_r2", "scale"))
    series = []
    scales = list(dict.fromkeys(table["scale"].astype(str)))
    features = list(dict.fromkeys(table["features"]))
    for (scale, name, standardised), part in table.groupby(["scale", "features", "standardised"], sort=False):
        k = features.index(str(name))
        style: dict[str, Any] = {
            "line": {"color": COLOURS[k % 6], "width": 1.6, "dash": "solid" if standardised else "dot"},
            "marker": {"color": COLOURS[k % 6], "symbol": SYMBOLS[k % 8], "size": 6},
        }
        series.append(
            Series(f"{_features(str(name))}{'' if standardised else ', raw'} ({scale})", csv_column(part, file, "alpha"),
                   csv_column(part, file, "validation_r2"), None, f"Scale {scale}",
                   str(scale) == scales[-1] and bool(standardised), style)
        )  # fmt: skip
    return line_figure(
        "ridge-penalties", "Ridge: validation R² against the penalty",
        "Validation R² of ridge regression against its penalty for every feature set and scale; values in the table.",
        series, "penalty α", "validation R² of log g", {"xaxis": {"type": "log", "exponentformat": "power"}}, plot="switches",
    )  # fmt: skip


def _features(name: str) -> str:
    return "full spectrum" if name == "full" else f"{name.removeprefix('pca_')} components"


def sigma_and_errors(path: Path, file: str, fisher: Mapping[str, Any] | None = None) -> Figure:
    """Cumulative distributions of the bound of each estimator and of the scaled error of each model."""
    table = read_csv(path, ("percentile",))
    series = []
    names = [str(c) for c in table.columns if c != "percentile"]
    for k, name in enumerate(names):
        bound = name.startswith("sigma_5d_")
        words = f"σ 5-D, {_ESTIMATORS.get(name.removeprefix('sigma_5d_'), name)}" if bound else (
            f"|error| / 0.6745, {model_name(name.removeprefix('error_'))}")  # fmt: skip
        style = {"mode": "lines", "line": {"color": "@ink" if bound else COLOURS[k % 6], "width": 2,
                 "dash": ("solid", "dash", "dot")[k % 3] if bound else "solid"}}  # fmt: skip
        series.append(Series(words, csv_column(table, file, name), csv_column(table, file, "percentile"),
                             None, "Bounds" if bound else "Models", True, style))  # fmt: skip
    return line_figure(
        "sigma-and-errors", "Bounds and errors of low-noise spectra",
        "Cumulative distributions of the Fisher bound and of model errors on low-noise spectra.",
        series, "σ(log g) or scaled error, dex", "percent of low-noise spectra below",
        {"xaxis": {"type": "log", "range": [-1.7, 0.7], "dtick": "D2"}}, plot="switches", note=_counts(fisher),
    )  # fmt: skip


def _counts(fisher: Mapping[str, Any] | None) -> str:
    """How many spectra the bounds and the models' errors rest on."""
    if not fisher or "n_spectra" not in fisher:
        return ""
    return f"Bounds of {fisher['n_spectra']:,} low-noise spectra; errors of the {fisher.get('n_test', 0):,} of them in the test pool."


def ratio_histogram(path: Path, file: str, fisher: Mapping[str, Any]) -> Figure:
    """|error| / σ of the best model beside the half-normal of an efficient estimator, with its median."""
    table = read_csv(path, ("ratio", "density", "half_normal"))
    model = str(at(fisher, "verdict/model"))
    n, median = at(fisher, f"models/{model}/n"), at(fisher, f"models/{model}/ratio_median/value")
    x = table["ratio"].tolist()
    traces = (
        {"type": "bar", "name": plain(model_name(model)), "x": x, "y": table["density"].tolist(), "opacity": 0.75,
         "marker": {"color": "@sky", "line": {"width": 0}}, "meta": {"x": f"{file}#ratio", "y": f"{file}#density"}},
        {"type": "scatter", "mode": "lines", "name": "efficient estimator (half-normal)", "x": x,
         "y": table["half_normal"].tolist(), "line": {"color": "@ink", "width": 2},
         "meta": {"x": f"{file}#ratio", "y": f"{file}#half_normal"}},
    )  # fmt: skip
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "|Δ log g| / σ(log g), 5-D bound of the same spectrum"}},
        "yaxis": {"title": {"text": "density"}}, "bargap": 0,
    }  # fmt: skip
    note = f"{model_name(model)}" + (f", {n:,} low-noise test spectra" if n else "") + "."
    if median is not None:
        layout["shapes"] = [line_at(median * 0.6745, "@red")]
        note += f" Dashed: the median, {median:.2f} times that of an efficient estimator."
    return Figure(
        "ratio-histogram", "Model error over Fisher bound", "Histogram of the error of the best model in units of the "
        "bound, beside what an efficient estimator would give; values in the table.", traces, layout, (file,), note=note,
        table=_values("Densities", table, file, {"ratio": "ratio", "density": "model", "half_normal": "efficient estimator"}),
        plot="switches",
    )  # fmt: skip


def sigma_map(path: Path, file: str, fisher: Mapping[str, Any] | None = None) -> Figure:
    """Median bound over the (Teff, log g) plane, on a logarithmic colour scale."""
    table = read_csv(path, ("teff_low", "teff_high", "logg_low", "logg_high", "n", "sigma"))
    grid = table.pivot(index="logg_low", columns="teff_low", values="sigma")
    counts = table.pivot(index="logg_low", columns="teff_low", values="n")
    x = [*grid.columns, float(table["teff_high"].max())]
    y = [*grid.index, float(table["logg_high"].max())]
    sigma = grid.to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [[None if not np.isfinite(v) else float(v) for v in row] for row in np.log10(sigma)]
    hover = [[f"σ {v:.3f} dex<br>{n} spectra" for v, n in zip(*row)] for row in zip(sigma, counts.to_numpy())]
    seen = sigma[np.isfinite(sigma)]
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if len(seen) and seen.min() * 0.9 <= t <= seen.max() * 1.1]
    trace = {
        "type": "heatmap", "x": x, "y": y, "z": values, "text": hover, "colorscale": "Viridis",
        "hovertemplate": "Teff %{x:.0f} K<br>log g %{y:.2f}<br>%{text}<extra></extra>",
        "colorbar": {"title": {"text": "σ, dex (logarithmic)", "side": "right"}, "thickness": 14, "outlinewidth": 0,
                     "tickvals": [float(np.log10(t)) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]},
        "meta": {"z": f"{file}#sigma", "z_how": "log10"},
    }  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "Teff, K"}, "autorange": "reversed"},
        "yaxis": {"title": {"text": "log g, dex"}, "autorange": "reversed"},
    }
    names = {"teff_low": "Teff from, K", "teff_high": "to", "logg_low": "log g from, dex", "logg_high": "to", "n": "spectra",
             "sigma": "median σ, dex"}  # fmt: skip
    return Figure(
        "sigma-map", "Median σ(log g) over Teff and log g", "Map of the median Fisher bound of log g over Teff and log g; "
        "values in the table.", (trace,), layout, (file,), height=420, note=f"5-D bound. {_counts(fisher)}".strip(),
        table=_values("Median σ(log g)", table, file, names),
    )  # fmt: skip


def magnitude_sweep(rows: Cursor) -> Figure:
    """R²max against magnitude of the 3-D and 5-D bound, with its 10–90 % range over stars."""
    series = []
    for k, name in enumerate(dict.fromkeys(row.raw["set"] for _, row in rows.items())):
        places = [j for j, row in rows.items() if row.raw["set"] == name]
        mag, middle, p10, p90 = (
            pluck(rows, key).at(places) for key in ("mag", "r2_max_median", "r2_max_p10", "r2_max_p90")
        )
        style = {
            "line": {"color": COLOURS[k], "width": 2},
            "marker": {"color": COLOURS[k], "symbol": SYMBOLS[k], "size": 7},
        }
        series.append(
            Series(f"{str(name)[0]}-D, median of stars", mag, middle, (p10, p90), "Labels fitted", True, style)
        )
    return line_figure(
        "magnitude-sweep", "R² that the Fisher bound allows, against magnitude",
        "Largest R² of an unbiased estimator against magnitude; values in the table.",
        series, "HSC-i AB magnitude", "R²max = 1 − CRLB / Var(log g)", {"yaxis": {"range": [-0.03, 1.03]}},
        note=f"{max(row.raw['n'] for _, row in rows.items()):,} stars, the same at every magnitude; bars are the 10–90 % range "
        f"over stars. Median SNR per pixel: {_snr_per_pixel(rows)}.", plot="switches",
    )  # fmt: skip


def _snr_per_pixel(rows: Cursor) -> str:
    """Magnitude → SNR per pixel, for those who think in one of them."""
    known = {row.raw["mag"]: row.raw["snr_pixel"] for _, row in rows.items() if row.raw.get("snr_pixel") is not None}
    return ", ".join(f"{snr:.1f} at {mag:g}" for mag, snr in sorted(known.items())) or "not recorded"


_ESTIMATORS = {
    "exact": "exact derivatives",
    "local_linear": "local linear regression",
    "knn": "nearest-neighbour differences",
}


def convergence(rows: Cursor) -> Figure | None:
    """How the median bound of each estimator settles with the number of spectra."""
    series = []
    for k, name in enumerate(dict.fromkeys(row.raw["estimator"] for _, row in rows.items())):
        places = [j for j, row in rows.items() if row.raw["estimator"] == name]
        style = {
            "line": {"color": COLOURS[k % 6]},
            "marker": {"color": COLOURS[k % 6], "symbol": SYMBOLS[k % 8], "size": 7},
        }
        series.append(
            Series(
                _ESTIMATORS.get(str(name), str(name)),
                pluck(rows, "n").at(places),
                pluck(rows, "median_sigma_5d").at(places),
                None,
                "Estimators",
                True,
                style,
            )
        )
    if not series:
        return None
    return line_figure(
        "convergence", "Convergence of the bounds", "Median bound of each estimator against the number of spectra.",
        series, "spectra", "median σ(log g), 5-D, dex", {"xaxis": {"type": "log"}}, plot="switches",
    )  # fmt: skip


def sensitivity(path: Path, file: str) -> Figure:
    """Mean |∂F/∂log g| / σ along wavelength: all of it, and what no other label imitates, with lines named."""
    table = read_csv(path, ("wave",))
    best = next((name for name in ("exact", "local_linear", "knn") if name in table), None)
    if best is None:
        raise InputError(f"{path} has no column of an estimator (exact, local_linear or knn)")
    wave = packed(table["wave"].to_numpy(dtype=np.float32))
    traces = tuple(
        {"type": "scatter", "mode": "lines", "name": words, "x": wave, "line": {"color": colour, "width": 1},
         "y": packed(table[column].to_numpy(dtype=np.float32)), "meta": {"y": f"{file}#{column}", "group": "Shown"}}
        for column, words, colour in (
            (best, "∂F/∂log g alone", "@muted"), (f"{best}_marginalised", "not imitated by other labels", "@blue")
        ) if column in table
    )  # fmt: skip
    lines = [f for f in FEATURES if f.in_range]
    layout = {
        "xaxis": {"title": {"text": "vacuum wavelength, Å"}}, "yaxis": {"title": {"text": "mean |∂F/∂log g| / σ, per dex"}},
        "margin": {"l": 56, "r": 14, "t": 40, "b": 52},
        "shapes": [{"type": "line", "x0": f.vacuum, "x1": f.vacuum, "y0": 0, "y1": 1, "yref": "paper",
                    "line": {"color": "@red", "width": 0.8, "dash": "dot"}} for f in lines],
        "annotations": [{"x": f.vacuum, "y": 1.01 + 0.05 * (k % 2), "yref": "paper", "yanchor": "bottom", "text": f.name,
                         "showarrow": False, "font": {"size": 10.5, "color": "@red"}} for k, f in enumerate(lines)],
    }  # fmt: skip
    out = ", ".join(f.name for f in FEATURES if not f.in_range)
    return Figure(
        "sensitivity", "Sensitivity of the flux to log g", "Sensitivity of the flux to log g along wavelength, with lines named.",
        traces, layout, (file,), plot="switches", note=f"Mean over low-noise spectra; estimator: {_ESTIMATORS[best]}; "
        f"out of range: {out}.",
    )  # fmt: skip


# Figures that the page draws itself from the values beside them; others are shown as the pictures they are.
FROM_VALUES: dict[str, Callable[[Path, str], Figure]] = {
    "fisher_sensitivity_map": sensitivity,
    "ridge_alpha": ridge_penalties,
}
# The same with the counts that MVP-1.1 has beside them.
FROM_BOUNDS: dict[str, Callable[[Path, str, Mapping[str, Any] | None], Figure]] = {
    "sigma_vs_error": sigma_and_errors,
    "sigma_map": sigma_map,
}
