"""MVP-1.1: median bound over the (Teff, log g) plane."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import style
from logg1m.figures.fisher import NUMBERS, counts, dimensions, size
from logg1m.figures.interactive import Plot, Shown, axes, counted, values_of
from logg1m.files import read_csv
from logg1m.results.words import ESTIMATOR

TITLE = "Median σ(log g) over Teff and log g"
CAPTION = "Median Fisher bound of log g over Teff and log g."

_FEWEST = 3  # spectra in a cell that is shown
_EDGES = {"teff": 13, "logg": 11}
_OF_TEFF, _OF_LOGG = {"teff_low": "Teff from, K", "teff_high": "to"}, {"logg_low": "log g from, dex", "logg_high": "to"}
_COLUMNS = {**_OF_TEFF, **_OF_LOGG, "n": "spectra", "sigma": "median σ, dex"}


def values(fisher: dict[str, Any], stars: pd.DataFrame) -> pd.DataFrame:
    """One row per cell: its edges, spectra in it, and the median σ(log g), dex."""
    sigma = stars[f"{fisher['reference_estimator']}_sigma_5d"].to_numpy()
    teff_edges, logg_edges = _edges(stars)
    rows = []
    for g0, g1 in pairwise(logg_edges):
        for t0, t1 in pairwise(teff_edges):
            inside = stars["logg"].between(g0, g1) & stars["teff"].between(t0, t1) & np.isfinite(sigma)
            middle = np.median(sigma[inside]) if inside.sum() >= _FEWEST else np.nan
            rows.append((t0, t1, g0, g1, int(inside.sum()), middle))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def draw(table: pd.DataFrame, fisher: dict[str, Any], stars: pd.DataFrame) -> style.Figure:
    """On a logarithmic colour scale."""
    teff_edges, logg_edges = _edges(stars)
    grid = table["sigma"].to_numpy().reshape(len(logg_edges) - 1, len(teff_edges) - 1)
    figure, axis = style.subplots(figsize=(6, 4.2))
    image = axis.pcolormesh(teff_edges, logg_edges, np.log10(grid), cmap="viridis")
    bar = figure.colorbar(image, ax=axis, label="median σ(log g), dex")
    filled = grid[np.isfinite(grid)]
    if len(filled):
        ticks = [t for t in (0.03, 0.05, 0.1, 0.2, 0.5, 1, 2) if filled.min() * 0.9 <= t <= filled.max() * 1.1]
        bar.set_ticks(np.log10(ticks), labels=[f"{t:g}" for t in ticks])
    for _, row in table[table["sigma"].notna()].iterrows():
        at = (row["teff_low"] + row["teff_high"]) / 2, (row["logg_low"] + row["logg_high"]) / 2
        bright = np.log10(row["sigma"]) > np.log10(filled).mean()
        words = {"fontsize": 5.5, "ha": "center", "va": "center", "color": style.KEPT_BLACK if bright else "#fefefe"}
        axis.text(*at, f"{row['n']:.0f}", **words)
    axis.invert_xaxis()
    axis.invert_yaxis()
    axis.set_xlabel("Teff, K")
    axis.set_ylabel("log g, dex")
    reference = fisher["reference_estimator"]
    known = f"{int(stars[f'{reference}_sigma_5d'].notna().sum()):,} of {len(stars):,} low-noise spectra"
    axis.set_title(f"{dimensions(stars)}-D bound, {ESTIMATOR[reference]}, {known} (counts in cells)")
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """The same map."""
    table = read_csv(shown.table, tuple(_COLUMNS))
    x = [*sorted(table["teff_low"].unique()), float(table["teff_high"].max())]
    y = [*sorted(table["logg_low"].unique()), float(table["logg_high"].max())]
    sigma, n = _grid(table, "sigma"), _grid(table, "n")
    with np.errstate(divide="ignore", invalid="ignore"):
        shown_values = [[None if not np.isfinite(v) else float(v) for v in row] for row in np.log10(sigma)]
    hover = [[f"σ {v:.3f} dex<br>{n:.0f} spectra" for v, n in zip(*row)] for row in zip(sigma, n)]
    seen = sigma[np.isfinite(sigma)]
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if len(seen) and seen.min() * 0.9 <= t <= seen.max() * 1.1]
    bar = {"title": {"text": "σ, dex (logarithmic)", "side": "right"}, "thickness": 14, "outlinewidth": 0}
    bar |= {"tickvals": [float(np.log10(t)) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]}
    trace = {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": shown_values,
        "customdata": hover,
        "colorscale": "Viridis",
        "hovertemplate": "Teff %{x:.0f} K<br>log g %{y:.2f}<br>%{customdata}<extra></extra>",
        "colorbar": bar,
        "meta": {"z": f"{shown.table}#sigma", "z_how": "log10"},
    } | counted(shown_values, n)
    reversed_ = {"autorange": "reversed"}
    layout = axes("Teff, K", "log g, dex", xaxis=reversed_, yaxis=reversed_)
    alt = "Map of the median Fisher bound of log g over Teff and log g; values in the table."
    note = f"{size(shown.artifact(NUMBERS))} bound. Counts in cells. {counts(shown.artifact(NUMBERS))}".strip()
    medians = values_of("Median σ(log g)", table, shown.table, _COLUMNS)
    return Plot(key, TITLE, alt, (trace,), layout, (shown.table,), note, height=420, table=medians)


def _edges(stars: pd.DataFrame) -> list[np.ndarray]:
    """Edges between cells, of Teff and of log g; around the one value of a label that does not vary."""
    ends = {name: (float(stars[name].min()), float(stars[name].max())) for name in _EDGES}
    wide = {name: (low, high) if low < high else (low - 0.5, high + 0.5) for name, (low, high) in ends.items()}
    return [np.linspace(*wide[name], n) for name, n in _EDGES.items()]


def _grid(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as cells, log g down, Teff across."""
    cells = table.pivot(index="logg_low", columns="teff_low", values=column)
    return np.asarray(cells.to_numpy(dtype=np.float64))
