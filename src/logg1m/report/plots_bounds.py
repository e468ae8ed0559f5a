"""Interactive figures from the tables that lie beside the printed figures: protocol, penalties, bounds, magnitudes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import InputError
from logg1m.observe.lines import FEATURES
from logg1m.report.page_trace import Traced
from logg1m.report.plots import COLOURS, SYMBOLS, Figure, Series, csv_column, line_figure, packed, plain, pluck


def read_values(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """The values of a figure.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a readable CSV file ({error}); delete it and run again") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"{path} lacks columns {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    return table


def _bars(table: pd.DataFrame, file: str, low: str, high: str, height: str, name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "bar", "name": plain(name), "x": ((table[low] + table[high]) / 2).tolist(), "y": table[height].tolist(),
        "width": (table[high] - table[low]).tolist(), "marker": {"color": colour, "line": {"width": 0}}, "opacity": 0.75,
        "meta": {"y": f"{file}#{height}"},
    }  # fmt: skip


def snr_histogram(path: Path, file: str, protocol: Traced | None) -> Figure:
    """How many spectra there are at each signal-to-noise, with the low-noise threshold."""
    table = read_values(path, ("snr_low", "snr_high", "spectra"))
    shapes, notes = [], []
    threshold = protocol.at("low_noise", "threshold") if protocol else None
    if threshold is not None:
        shapes.append({"type": "line", "x0": threshold.raw, "x1": threshold.raw, "y0": 0, "y1": 1, "yref": "paper",
                       "line": {"color": "@red", "dash": "dash", "width": 2}})  # fmt: skip
        notes.append({"x": threshold.raw, "y": 1, "yref": "paper", "text": "low noise →", "showarrow": False, "xanchor": "left",
                      "font": {"color": "@red"}})  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "‖flux‖ / ‖error‖, noise-free flux"}}, "yaxis": {"title": {"text": "spectra"}},
        "shapes": shapes, "annotations": notes, "bargap": 0, "showlegend": False,
    }  # fmt: skip
    bars = _bars(table, file, "snr_low", "snr_high", "spectra", "spectra", "@sky")
    return Figure("snr-histogram", "Signal-to-noise of all spectra", "Histogram of the signal-to-noise of all spectra "
                  "with the low-noise threshold.", (bars,), layout, (file,))  # fmt: skip


def ridge_penalties(path: Path, file: str) -> Figure:
    """Validation R² against the ridge penalty, every feature set at every scale."""
    table = read_values(path, ("standardised", "features", "alpha", "validation_r2", "scale"))
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
            Series(f"{name}{'' if standardised else ', raw'} ({scale})", csv_column(part, file, "alpha"),
                   csv_column(part, file, "validation_r2"), None, f"Scale {scale}",
                   str(scale) == scales[-1] and bool(standardised), style)
        )  # fmt: skip
    return line_figure(
        "ridge-penalties", "Ridge: validation R² against the penalty",
        "Validation R² of ridge regression against its penalty for every feature set and scale; values in the table.",
        series, "penalty α", "validation R² of log g", {"xaxis": {"type": "log", "exponentformat": "power"}}, plot="switches",
    )  # fmt: skip


def sigma_and_errors(path: Path, file: str) -> Figure:
    """Cumulative distributions of the bound of each estimator and of the scaled error of each model."""
    table = read_values(path, ("percentile",))
    series = []
    names = [str(c) for c in table.columns if c != "percentile"]
    for k, name in enumerate(names):
        bound = name.startswith("sigma_5d_")
        words = f"σ 5-D, {name.removeprefix('sigma_5d_').replace('_', ' ')}" if bound else (
            f"|error| / 0.6745, {name.removeprefix('error_')}")  # fmt: skip
        style = {"mode": "lines", "line": {"color": "@ink" if bound else COLOURS[k % 6], "width": 2,
                 "dash": ("solid", "dash", "dot")[k % 3] if bound else "solid"}}  # fmt: skip
        series.append(Series(words, csv_column(table, file, name), csv_column(table, file, "percentile"),
                             None, "Bounds" if bound else "Models", True, style))  # fmt: skip
    return line_figure(
        "sigma-and-errors", "Bounds and errors of low-noise spectra",
        "Cumulative distributions of the Fisher bound and of model errors on low-noise spectra.",
        series, "σ(log g) or scaled error, dex", "percent of low-noise spectra below",
        {"xaxis": {"type": "log", "range": [-1.7, 0.7], "dtick": "D2"}}, plot="switches",
    )  # fmt: skip


def ratio_histogram(path: Path, file: str, model: str) -> Figure:
    """|error| / σ of the best model beside the half-normal of an efficient estimator."""
    table = read_values(path, ("ratio", "density", "half_normal"))
    x = table["ratio"].tolist()
    traces = (
        {"type": "bar", "name": plain(model), "x": x, "y": table["density"].tolist(), "opacity": 0.75,
         "marker": {"color": "@sky", "line": {"width": 0}}, "meta": {"x": f"{file}#ratio", "y": f"{file}#density"}},
        {"type": "scatter", "mode": "lines", "name": "efficient estimator (half-normal)", "x": x,
         "y": table["half_normal"].tolist(), "line": {"color": "@ink", "width": 2},
         "meta": {"x": f"{file}#ratio", "y": f"{file}#half_normal"}},
    )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "|Δ log g| / σ(log g), 5-D bound of the same spectrum"}},
        "yaxis": {"title": {"text": "density"}}, "bargap": 0,
    }  # fmt: skip
    return Figure("ratio-histogram", "Model error over Fisher bound", "Histogram of the error of the best model in units of the "
                  "bound, beside what an efficient estimator would give.", traces, layout, (file,))  # fmt: skip


def sigma_map(path: Path, file: str) -> Figure:
    """Median bound over the (Teff, log g) plane, on a logarithmic colour scale."""
    table = read_values(path, ("teff_low", "teff_high", "logg_low", "logg_high", "n", "sigma"))
    grid = table.pivot(index="logg_low", columns="teff_low", values="sigma")
    counts = table.pivot(index="logg_low", columns="teff_low", values="n")
    x = [*grid.columns, float(table["teff_high"].max())]
    y = [*grid.index, float(table["logg_high"].max())]
    values = [[None if pd.isna(v) else float(v) for v in row] for row in grid.to_numpy()]
    trace = {
        "type": "heatmap", "x": x, "y": y, "z": values, "customdata": counts.to_numpy().tolist(), "colorscale": "Viridis",
        "hovertemplate": "Teff %{x:.0f} K<br>log g %{y:.2f}<br>σ %{z:.3f} dex<br>%{customdata} spectra<extra></extra>",
        "colorbar": {"title": {"text": "σ, dex", "side": "right"}, "thickness": 14}, "meta": {"z": f"{file}#sigma"},
    }  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "Teff, K"}, "autorange": "reversed"},
        "yaxis": {"title": {"text": "log g, dex"}, "autorange": "reversed"},
    }
    return Figure("sigma-map", "Median σ(log g) over Teff and log g", "Map of the median Fisher bound of log g over Teff and log g.",
                  (trace,), layout, (file,), height=420)  # fmt: skip


def magnitude_sweep(rows: Traced) -> Figure:
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
        note="The same stars at every magnitude; bars are the 10–90 % range over stars.", plot="switches",
    )  # fmt: skip


def convergence(rows: Traced) -> Figure | None:
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
                str(name),
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
    table = read_values(path, ("wave",))
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
        traces, layout, (file,), plot="switches", note=f"Mean over low-noise spectra; estimator: {best.replace('_', ' ')}; "
        f"out of range: {out}.",
    )  # fmt: skip


# Figures that the page draws itself from the values beside them; others are shown as the pictures they are.
FROM_VALUES: dict[str, Callable[[Path, str], Figure]] = {
    "fisher_sensitivity_map": sensitivity,
    "ridge_alpha": ridge_penalties,
    "sigma_vs_error": sigma_and_errors,
    "sigma_map": sigma_map,
}
