"""Scatter and bias of log g in bins of another quantity. The kinds `error_snr` and `error_mag` draw it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.figures import empty, style
from logg1m.figures.interactive import Plot, Series, Shown, csv_column, line_figure, look
from logg1m.files import read_csv
from logg1m.results.words import model_name

NAMES = {"snr": "‖flux‖ / ‖error‖", "mag": "HSC-i AB magnitude"}
_FEWEST = 20  # test spectra in a bin that is shown
_MAG_WIDTH = 0.25
_TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)
COLUMNS = ("model", "low", "high", "middle", "n", "bias", "bias_error", "scatter", "rmse", "snr_pixel")


def values(tested: dict[str, pd.DataFrame], snr: pd.DataFrame, labels: pd.DataFrame, against: str) -> pd.DataFrame:
    """One row per model and bin of the full test: edges, median, count, mean residual with its standard error,
    1.4826 × median |residual − median|, RMSE (dex), and the median S/N per pixel.

    Parameters
    ----------
    tested : model → columns id, truth, predicted (dex), the best model first
    snr : columns id, snr, snr_median
    labels : of every spectrum, by id
    against : snr or mag
    """
    of_id = snr.set_index("id")
    quantity = of_id["snr"] if against == "snr" else labels.get("mag")
    if quantity is None:
        raise empty.Nothing("these spectra come without a magnitude")
    rows: list[dict[str, Any]] = []
    for name, table in tested.items():
        at = quantity.loc[table["id"]].to_numpy(dtype=np.float64)
        per_pixel = of_id.loc[table["id"], "snr_median"].to_numpy(dtype=np.float64)
        residual = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
        for low, high in pairwise(_edges(at, against)):
            inside = (at >= low) & (at < high)
            if (n := int(inside.sum())) < _FEWEST:
                continue
            here = residual[inside]
            about = {"model": name, "low": low, "high": high, "middle": float(np.median(at[inside])), "n": n}
            spread = 1.4826 * float(np.median(np.abs(here - np.median(here))))
            found = {"bias": float(here.mean()), "bias_error": float(here.std(ddof=1) / np.sqrt(n)), "scatter": spread}
            pixel = float(np.median(per_pixel[inside]))
            rows.append(about | found | {"rmse": float(np.sqrt(np.mean(here**2))), "snr_pixel": pixel})
    if not rows:
        raise empty.Nothing("no bin has enough test spectra")
    return pd.DataFrame(rows, columns=list(COLUMNS)).replace([np.inf, -np.inf], np.nan)


def _edges(at: np.ndarray, against: str) -> list[float]:
    if against == "snr":
        return [float(edge) for edge in metrics.SNR_EDGES]
    first = np.floor(at.min() / _MAG_WIDTH) * _MAG_WIDTH
    return [float(v) for v in np.arange(first, at.max() + _MAG_WIDTH, _MAG_WIDTH)]


def draw(table: pd.DataFrame, against: str) -> style.Figure:
    """RMSE and bias of every model; above, the median S/N per pixel."""
    figure, axes = style.subplots(2, 1, figsize=(6.4, 5), sharex=True, height_ratios=(2, 1))
    for k, (name, part) in enumerate(table.groupby("model", sort=False)):
        axes[0].plot(part["middle"], part["rmse"], label=model_name(str(name)), **style.look(k))
        axes[0].plot(part["middle"], part["scatter"], **style.look(k) | {"linestyle": ":", "marker": ""})
        axes[1].errorbar(part["middle"], part["bias"], yerr=part["bias_error"], capsize=2, **style.look(k))
    axes[1].axhline(0, color=style.BLACK, linewidth=0.7)
    axes[0].set_ylabel("error of log g, dex")
    axes[1].set_ylabel("predicted − true,\nmean, dex")
    axes[1].set_xlabel(NAMES[against])
    axes[0].set_ylim(bottom=0)
    for axis in axes:
        axis.grid(axis="y")
    if against == "snr":
        axes[1].set_xscale("log")
        axes[1].minorticks_off()
        axes[1].set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    first = table[table["model"] == table["model"].iloc[0]]
    style.per_pixel(axes[0], first["middle"].tolist(), first["snr_pixel"].tolist())
    axes[0].legend(fontsize=8, title="solid: RMSE; dotted: scatter without outliers (NMAD)", title_fontsize=7)
    return figure


def plot(shown: Shown, key: str, against: str, title: str) -> Plot | None:
    """RMSE above, bias below, every model with a switch."""
    table = read_csv(shown.table, ("model", "middle", "rmse", "scatter", "bias", "bias_error", "snr_pixel"))
    series = []
    for k, (name, part) in enumerate(table.groupby("model", sort=False)):
        words, how = model_name(str(name)), look(k, width=2)
        middle, rmse, spread, bias = (csv_column(part, shown.table, c) for c in ("middle", "rmse", "scatter", "bias"))
        series.append(Series(f"{words}, RMSE", middle, rmse, None, "RMSE", True, how))
        dotted = look(k, 4, 1.4, "dot")
        series.append(Series(f"{words}, NMAD", middle, spread, None, "Scatter without outliers", False, dotted))
        bars = {"type": "data", "array": part["bias_error"].tolist(), "thickness": 1, "width": 2}
        series.append(
            Series(f"{words}, bias", middle, bias, None, "Bias", True, how | {"yaxis": "y2", "error_y": bars})
        )
    if not series:
        return None
    first = table[table["model"] == table["model"].iloc[0]]
    text = [f"{at:.3g}<br>{pixel:.1f}" for at, pixel in zip(first["middle"], first["snr_pixel"])]
    axis: dict[str, Any] = {"anchor": "y2", "tickvals": first["middle"].tolist(), "ticktext": text}
    axis |= {"type": "log"} if against == "snr" else {}
    zero = {
        "type": "line",
        "x0": 0,
        "x1": 1,
        "xref": "paper",
        "y0": 0,
        "y1": 0,
        "yref": "y2",
        "line": {"color": "@muted", "width": 1},
    }
    layout = {
        "xaxis": axis,
        "yaxis": {"domain": [0.42, 1], "rangemode": "tozero"},
        "yaxis2": {"domain": [0, 0.32], "title": {"text": "bias, dex"}},
        "shapes": [zero],
    }
    alt = f"RMSE and bias of log g in bins of {NAMES[against]}; values in the table."
    note = "Full test; below, the mean of predicted − true with its standard error. Second line of the axis: median S/N per pixel."
    names = f"{NAMES[against]} (median of the bin), and S/N per pixel", "RMSE of log g, dex"
    return line_figure(key, title, alt, series, *names, layout, note=note, plot="switches", height=400)
