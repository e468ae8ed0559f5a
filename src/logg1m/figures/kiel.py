"""The Kiel diagram, Teff against log g, coloured by the error of the best model."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import empty, style
from logg1m.figures.interactive import Plot, Shown, axes, counted, values_of
from logg1m.files import read_csv
from logg1m.results.words import model_name

TITLE = "Kiel diagram, coloured by error"
CAPTION = "RMSE of log g of the best model over Teff and log g, with counts, full test."

_WIDTHS = {"teff": 250.0, "logg": 0.5}  # K, dex
_SMALL = 2_000  # test spectra below which cells are twice as wide
_FEWEST = 5  # test spectra in a cell that is shown
_NAMES = {"teff_low": "Teff from, K", "teff_high": "to", "logg_low": "log g from, dex", "logg_high": "to "}
_COLUMNS = {**_NAMES, "n": "spectra", "rmse": "RMSE, dex", "bias": "bias, dex"}


def values(tested: dict[str, pd.DataFrame], labels: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of Teff and log g: its edges, test spectra in it, RMSE and mean residual (dex) of the best model.

    Parameters
    ----------
    tested : model → columns id, truth, predicted (dex), the best model first
    labels : columns teff (K), logg (dex), by spectrum id
    """
    if not tested:
        raise empty.Nothing("no model has been tested")
    name, table = next(iter(tested.items()))
    about = labels.loc[table["id"]]
    residual = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
    at = {label: about[label].to_numpy(dtype=np.float64) for label in _WIDTHS}
    wide = 2 if len(table) < _SMALL else 1
    edges = {label: _edges(at[label], wide * width) for label, width in _WIDTHS.items()}
    rows = []
    for g0, g1 in pairwise(edges["logg"]):
        for t0, t1 in pairwise(edges["teff"]):
            inside = (at["teff"] >= t0) & (at["teff"] < t1) & (at["logg"] >= g0) & (at["logg"] < g1)
            here, enough = residual[inside], inside.sum() >= _FEWEST
            found = (float(np.sqrt(np.mean(here**2))), float(here.mean())) if enough else (np.nan, np.nan)
            rows.append((t0, t1, g0, g1, int(inside.sum()), *found))
    return pd.DataFrame(rows, columns=list(_COLUMNS)).assign(model=name)


def _edges(at: np.ndarray, width: float) -> np.ndarray:
    first, last = np.floor(at.min() / width), np.floor(at.max() / width) + 1
    return np.arange(first, last + 0.5) * width


def draw(table: pd.DataFrame) -> style.Figure:
    """Cells with RMSE and count in words."""
    figure, axis = style.subplots(figsize=(7.4, 4.8))
    grid, x, y = _grid(table, "rmse")
    image = axis.pcolormesh(x, y, grid, cmap="viridis")
    figure.colorbar(image, ax=axis, label="RMSE of log g, dex")
    if len(table) <= 150:
        middle = np.nanmean(grid) if np.isfinite(grid).any() else 0.0
        for _, row in table[table["rmse"].notna()].iterrows():
            at = (row["teff_low"] + row["teff_high"]) / 2, (row["logg_low"] + row["logg_high"]) / 2
            colour = "#fefefe" if row["rmse"] < middle else style.KEPT_BLACK
            words = f"{row['rmse']:.2f}\nn = {row['n']:.0f}"
            axis.text(*at, words, ha="center", va="center", fontsize=6, color=colour)
    axis.invert_xaxis()
    axis.invert_yaxis()
    axis.set_xlabel("Teff, K")
    axis.set_ylabel("log g, dex")
    axis.set_title(f"{model_name(str(table['model'].iloc[0]))}, full test, n = {int(table['n'].sum()):,}")
    return figure


def plot(shown: Shown, key: str) -> Plot | None:
    """The same map."""
    table = read_csv(shown.table, tuple(_COLUMNS))
    grid, x, y = _grid(table, "rmse")
    counts, biases = _grid(table, "n")[0], _grid(table, "bias")[0]
    z = [[float(v) if np.isfinite(v) else None for v in row] for row in grid]
    words = [[f"{n:.0f} spectra<br>bias {b:+.3f} dex" for n, b in zip(*row)] for row in zip(counts, biases)]
    trace: dict[str, Any] = {"type": "heatmap", "x": x, "y": y, "z": z, "customdata": words, "colorscale": "Viridis"}
    trace |= counted(z, counts) | {"xgap": 1, "ygap": 1, "meta": {"z": f"{shown.table}#rmse"}}
    trace["hovertemplate"] = "Teff %{x:.0f} K<br>log g %{y:.2f}<br>RMSE %{z:.3f} dex<br>%{customdata}<extra></extra>"
    trace["colorbar"] = {"title": {"text": "RMSE, dex", "side": "right"}, "thickness": 14, "outlinewidth": 0}
    turned = {"autorange": "reversed"}
    layout = axes("Teff, K", "log g, dex", xaxis=turned, yaxis=turned)
    model = model_name(str(table["model"].iloc[0])) if "model" in table and len(table) else "best model"
    note = f"{model}, full test, {int(table['n'].sum()):,} spectra; counts in cells; those with fewer than {_FEWEST} are empty."
    alt = "Map of the RMSE of log g over Teff and log g; values in the table."
    cells = values_of("RMSE over Teff and log g", table, shown.table, _COLUMNS)
    return Plot(key, TITLE, alt, (trace,), layout, (shown.table,), note, height=400, table=cells)


def _grid(table: pd.DataFrame, column: str) -> tuple[np.ndarray, list[float], list[float]]:
    """A column as cells, log g down, Teff across, and the edges of both."""
    cells = table.pivot(index="logg_low", columns="teff_low", values=column)
    x = [*map(float, cells.columns), float(table["teff_high"].max())]
    y = [*map(float, cells.index), float(table["logg_high"].max())]
    return np.asarray(cells.to_numpy(dtype=np.float64)), x, y
