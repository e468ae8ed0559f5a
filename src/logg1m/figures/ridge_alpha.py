"""MVP-0.B: validation R² of ridge regression against its penalty."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from logg1m.figures import style
from logg1m.figures.interactive import COLOURS, SYMBOLS, Plot, Series, Shown, csv_column, line_figure
from logg1m.files import read_csv

TITLE = "Ridge: validation R² against the penalty"
CAPTION = "Validation R² of Ridge against its penalty, by scale and features."


def values(ridge: dict[str, Any]) -> pd.DataFrame:
    """Every point of every curve."""
    return pd.concat([pd.DataFrame(scale["alpha_curve"]).assign(scale=name) for name, scale in ridge["scales"].items()])


def draw(table: pd.DataFrame, ridge: dict[str, Any]) -> Figure:
    """One panel per scale, every feature set; the chosen α is ringed, in red on an edge of the grid, where the optimum may
    lie outside."""
    scales = ridge["scales"]
    figure, axes = plt.subplots(1, len(scales), figsize=(1.2 + 3.4 * len(scales), 3.4), sharey=True, squeeze=False)
    for axis, (name, scale) in zip(axes[0], scales.items()):
        curve = table[(table["scale"] == name) & table["standardised"]]
        for k, (features, part) in enumerate(curve.groupby("features", sort=False)):
            axis.plot(part["alpha"], part["validation_r2"], marker=style.MARKERS[k % 8], markersize=4, label=features)
            best = part.loc[part["validation_r2"].idxmax()]
            edge = best["alpha"] in (part["alpha"].min(), part["alpha"].max())
            axis.plot(
                best["alpha"],
                best["validation_r2"],
                "o",
                markersize=11,
                markerfacecolor="none",
                color=style.RED if edge else style.BLACK,
            )
        axis.set_xscale("log")
        axis.set_xlabel("penalty α")
        held_out = f", n = {scale['n_validation']:,}" if "n_validation" in scale else ""
        axis.set_title(f"scale {name}; validation{held_out}")
        axis.grid(axis="y")
    top = table.loc[table["standardised"], "validation_r2"].max()
    axes[0, 0].set_ylim(max(-0.1, table["validation_r2"].quantile(0.1) - 0.05), top + 0.05)
    axes[0, 0].set_ylabel("validation R² of log g")
    rings = [
        Line2D([], [], linestyle="none", marker="o", markersize=8, markerfacecolor="none", color=colour, label=words)
        for colour, words in ((style.BLACK, "chosen α"), (style.RED, "chosen α, on an edge of the grid"))
    ]
    shown = axes[0, -1].get_legend_handles_labels()[0]
    axes[0, -1].legend(handles=[*shown, *rings], fontsize=7)
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """Every feature set at every scale with a switch."""
    table = read_csv(shown.table, ("standardised", "features", "alpha", "validation_r2", "scale"))
    series = []
    scales = list(dict.fromkeys(table["scale"].astype(str)))
    features = list(dict.fromkeys(table["features"]))
    for (scale, name, standardised), part in table.groupby(["scale", "features", "standardised"], sort=False):
        k = features.index(str(name))
        look: dict[str, Any] = {
            "line": {"color": COLOURS[k % 6], "width": 1.6, "dash": "solid" if standardised else "dot"},
            "marker": {"color": COLOURS[k % 6], "symbol": SYMBOLS[k % 8], "size": 6},
        }
        series.append(
            Series(f"{_features(str(name))}{'' if standardised else ', raw'} ({scale})", csv_column(part, shown.table, "alpha"),
                   csv_column(part, shown.table, "validation_r2"), None, f"Scale {scale}",
                   str(scale) == scales[-1] and bool(standardised), look)
        )  # fmt: skip
    return line_figure(
        key, TITLE, "Validation R² of ridge regression against its penalty for every feature set and scale; values in the table.",
        series, "penalty α", "validation R² of log g", {"xaxis": {"type": "log", "exponentformat": "power"}}, plot="switches",
    )  # fmt: skip


def _features(name: str) -> str:
    return "full spectrum" if name == "full" else f"{name.removeprefix('pca_')} components"
