"""Predicted against true log g, and the residuals below."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import empty, style
from logg1m.figures.interactive import COLOURS, Plot, Series, Shown, csv_column, line_figure
from logg1m.files import read_csv
from logg1m.results.words import model_name

TITLE = "Predicted against true log g"
CAPTION = "Predicted against true log g of low-noise test stars, and median and 68 % range of the residuals below."

_MOST = 1_500  # stars of a model that are drawn
_WIDTH = 0.25  # dex, of the bins of the residuals
_FEWEST = 5  # stars in a bin that is shown
COLUMNS = ("model", "part", "truth", "predicted", "n", "residual", "low", "high")


def values(tested: dict[str, pd.DataFrame], members: pd.DataFrame) -> pd.DataFrame:
    """Stars (truth, predicted, dex) and bins of truth (middle, count, median residual and its 16–84 % range), by model.

    Parameters
    ----------
    tested : model → columns id, truth, predicted (dex), the best model first
    members : column low_noise, by spectrum id
    """
    parts = []
    for name, table in tested.items():
        low = table[members.loc[table["id"], "low_noise"].to_numpy(dtype=bool)].sort_values("id")
        stars = low.head(_MOST)
        about = {"model": name, "part": "star", "truth": stars["truth"], "predicted": stars["predicted"]}
        parts += [pd.DataFrame(about), _bins(name, low)]
    found = [part for part in parts if len(part)]
    if not found:
        raise empty.Nothing("no model was tested on a low-noise spectrum")
    return pd.concat(found, ignore_index=True).reindex(columns=list(COLUMNS))


def _bins(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Residuals, predicted − true, in bins of truth."""
    residual = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
    which = np.floor(table["truth"].to_numpy(dtype=np.float64) / _WIDTH).astype(int)
    rows = []
    for k in np.unique(which):
        inside = residual[which == k]
        if len(inside) >= _FEWEST:
            low, middle, high = np.percentile(inside, (16, 50, 84))
            about = {"model": name, "part": "bin", "truth": (k + 0.5) * _WIDTH, "n": len(inside)}
            rows.append(about | {"residual": middle, "low": low, "high": high})
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> style.Figure:
    """One column per model, at most three: stars on the line of equality, residuals below."""
    names = list(dict.fromkeys(table["model"]))[:3]
    how: dict[str, Any] = {"sharex": True, "sharey": "row", "squeeze": False, "height_ratios": (3, 1)}
    figure, axes = style.subplots(2, len(names), figsize=(1.2 + 3.2 * len(names), 4.8), **how)
    for k, name in enumerate(names):
        stars = table[(table["model"] == name) & (table["part"] == "star")]
        bins = table[(table["model"] == name) & (table["part"] == "bin")]
        upper, lower = axes[:, k]
        upper.plot(stars["truth"], stars["predicted"], ".", color=style.BLUE, alpha=0.35, markersize=4, linewidth=0)
        ends = [stars["truth"].min(), stars["truth"].max()]
        upper.plot(ends, ends, color=style.BLACK, linewidth=0.8)
        upper.set_title(f"{model_name(name)}, {len(stars):,} stars", fontsize=9)
        lower.axhline(0, color=style.BLACK, linewidth=0.7)
        lower.fill_between(bins["truth"], bins["low"], bins["high"], color=style.BLUE, alpha=0.25, linewidth=0)
        lower.plot(bins["truth"], bins["residual"], color=style.BLUE, linewidth=1.4)
        lower.set_xlabel("true log g, dex")
        lower.grid(axis="y")
    axes[0][0].set_ylabel("predicted log g, dex")
    axes[1][0].set_ylabel("predicted − true,\nmedian and 68 %")
    return figure


def plot(shown: Shown, key: str) -> Plot | None:
    """The same, every model with switches; the first one is shown."""
    table = read_csv(shown.table, ("model", "part", "truth", "predicted", "residual", "low", "high"))
    series = []
    for k, name in enumerate(dict.fromkeys(table["model"])):
        colour, words = COLOURS[k % len(COLOURS)], model_name(str(name))
        stars, bins = (table[(table["model"] == name) & (table["part"] == part)] for part in ("star", "bin"))
        marks = {"mode": "markers", "marker": {"color": colour, "size": 4, "opacity": 0.45}}
        true, predicted = (csv_column(stars, shown.table, column) for column in ("truth", "predicted"))
        series.append(Series(f"{words}, stars", true, predicted, None, "Models", k == 0, marks))
        line = {
            "mode": "lines+markers",
            "yaxis": "y2",
            "line": {"color": colour},
            "marker": {"color": colour, "size": 5},
        }
        truth, residual, low, high = (csv_column(bins, shown.table, c) for c in ("truth", "residual", "low", "high"))
        series.append(Series(f"{words}, residual", truth, residual, (low, high), "Residuals", k == 0, line))
    if not series:
        return None
    ends = [float(table["truth"].min()), float(table["truth"].max())]
    equal = {
        "type": "line",
        "x0": ends[0],
        "x1": ends[1],
        "y0": ends[0],
        "y1": ends[1],
        "line": {"color": "@ink", "width": 1},
    }
    flat = equal | {"y0": 0, "y1": 0, "yref": "y2", "layer": "below"}
    layout = {
        "yaxis": {"domain": [0.34, 1]},
        "yaxis2": {"domain": [0, 0.26], "title": {"text": "residual, dex"}},
        "xaxis": {"anchor": "y2"},
        "shapes": [equal, flat],
    }
    alt = "Predicted against true log g of low-noise test stars with the line of equality; residuals below."
    note = "Low-noise test stars; below, the median of predicted − true in bins of 0.25 dex and its 68 % range."
    axes = "true log g, dex", "predicted log g, dex"
    figure = line_figure(key, TITLE, alt, series, *axes, layout, note=note, plot="switches", height=460)
    return replace(figure, table=None)  # the CSV has every star
