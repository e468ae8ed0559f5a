"""MVP-0.B: validation R² of ridge regression against its penalty."""

from typing import Any

import pandas as pd

from logg1m.figures import style
from logg1m.figures.interactive import Plot, Series, Shown, csv_column, line_figure, look
from logg1m.files import read_csv

TITLE = "Ridge: validation R² against the penalty"
CAPTION = "Validation R² of Ridge against its penalty, by scale and features."


def values(ridge: dict[str, Any]) -> pd.DataFrame:
    """Every point of every curve."""
    return pd.concat([pd.DataFrame(scale["alpha_curve"]).assign(scale=name) for name, scale in ridge["scales"].items()])


def draw(table: pd.DataFrame, ridge: dict[str, Any]) -> style.Figure:
    """One panel per scale, every feature set; the chosen α is ringed, in red on an edge of the grid: the optimum may
    lie outside."""
    scales = ridge["scales"]
    figure, axes = style.subplots(1, len(scales), figsize=(1.2 + 3.4 * len(scales), 4), sharey=True, squeeze=False)
    for axis, (name, scale) in zip(axes[0], scales.items()):
        curve = table[(table["scale"] == name) & table["standardised"]]
        for k, (features, part) in enumerate(curve.groupby("features", sort=False)):
            axis.plot(
                part["alpha"],
                part["validation_r2"],
                marker=style.MARKERS[k % 8],
                markersize=4,
                label=_features(str(features)),
            )
            best = part.loc[part["validation_r2"].idxmax()]
            edge = best["alpha"] in (part["alpha"].min(), part["alpha"].max())
            ring = {"markersize": 11, "markerfacecolor": "none", "color": style.RED if edge else style.BLACK}
            axis.plot(best["alpha"], best["validation_r2"], "o", **ring)
        axis.set_xscale("log")
        axis.set_xlabel("penalty α")
        held_out = f", n = {scale['n_validation']:,}" if "n_validation" in scale else ""
        axis.set_title(f"scale {name}; validation{held_out}")
        axis.grid(axis="y")
    top = table.loc[table["standardised"], "validation_r2"].max()
    axes[0, 0].set_ylim(
        max(top - 0.3, table["validation_r2"].min() - 0.02), top + 0.03
    )  # what is far below is lost anyway
    axes[0, 0].set_ylabel("validation R² of log g")
    for colour, words in ((style.BLACK, "chosen α"), (style.RED, "chosen α, on an edge of the grid")):
        axes[0, -1].plot([], [], "o", markersize=8, markerfacecolor="none", color=colour, label=words)
    figure.legend(*axes[0, -1].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4)
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """Every feature set at every scale with a switch."""
    table = read_csv(shown.table, ("standardised", "features", "alpha", "validation_r2", "scale"))
    series = []
    scales = list(dict.fromkeys(table["scale"].astype(str)))
    features = list(dict.fromkeys(table["features"]))
    for (scale, name, standardised), part in table.groupby(["scale", "features", "standardised"], sort=False):
        k = features.index(str(name))
        how = look(k, 6, 1.6, "solid" if standardised else "dot")
        words = f"{_features(str(name))}{'' if standardised else ', raw'} ({scale})"
        alpha, r2 = (csv_column(part, shown.table, column) for column in ("alpha", "validation_r2"))
        at_first = str(scale) == scales[-1] and bool(standardised)
        series.append(Series(words, alpha, r2, None, f"Scale {scale}", at_first, how))
    alt = "Validation R² of ridge regression against its penalty for every feature set and scale; values in the table."
    layout = {"xaxis": {"type": "log", "exponentformat": "power"}}
    return line_figure(key, TITLE, alt, series, "penalty α", "validation R² of log g", layout, plot="switches")


def _features(name: str) -> str:
    return "full spectrum" if name == "full" else f"{name.removeprefix('pca_')} components"
