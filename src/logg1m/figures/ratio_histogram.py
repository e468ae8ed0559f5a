"""MVP-1.1: error of the best model over the bound of the same spectrum."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.bounds.comparison import GAUSSIAN_MEDIAN
from logg1m.figures import style
from logg1m.figures.fisher import NUMBERS, dimensions, size
from logg1m.figures.interactive import BARS, Plot, Shown, axes, line_at, of_columns, plain, values_of
from logg1m.files import read_csv
from logg1m.results.words import model_name

TITLE = "Model error over Fisher bound"
CAPTION = "Error of the best model in units of the bound of the same spectrum."


def values(fisher: dict[str, Any], stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Density of |error| / σ beside the half-normal of an efficient estimator, at the middle of each bin."""
    ratio, _ = _ratio(fisher, stars, predictions)
    edges = _edges(ratio)
    counts, _ = np.histogram(ratio, bins=edges)
    density = counts / np.diff(edges) / max(counts.sum(), 1)
    middle = (edges[:-1] + edges[1:]) / 2
    efficient = np.sqrt(2 / np.pi) * np.exp(-(middle**2) / 2)
    return pd.DataFrame({"ratio": middle, "density": density, "half_normal": efficient})


def draw(
    table: pd.DataFrame, fisher: dict[str, Any], stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]
) -> style.Figure:
    """The histogram with its median."""
    ratio, tested = _ratio(fisher, stars, predictions)
    figure, axis = style.subplots(figsize=(6, 3.6))
    label = f"{model_name(fisher['verdict']['model'])}, n = {len(ratio):,} of {tested:,}"
    axis.stairs(table["density"], _edges(ratio), fill=True, color=style.SKY, alpha=0.6, label=label)
    axis.plot(table["ratio"], table["half_normal"], color=style.BLACK, label="efficient estimator (half-normal)")
    if len(ratio):
        words = f"median {np.median(ratio):.2f} (efficient: {GAUSSIAN_MEDIAN:.2f})"
        axis.axvline(np.median(ratio), color=style.RED, linestyle="--", label=words)
    axis.set_xlabel(f"|Δ log g| / σ(log g), {dimensions(stars)}-D bound of the same spectrum")
    axis.set_ylabel("density")
    axis.legend(fontsize=8)
    axis.set_title("model error over Fisher bound, low-noise test")
    return figure


def plot(shown: Shown, key: str) -> Plot | None:
    """The same histogram."""
    fisher = shown.artifact(NUMBERS)
    if fisher is None:
        return None
    table = read_csv(shown.table, ("ratio", "density", "half_normal"))
    best = fisher.at("verdict", "model")
    model = str(best.raw if best else None)
    n, median = fisher.at("models", model, "n"), fisher.at("models", model, "ratio_median", "value")
    bars = {"type": "bar", "name": plain(model_name(model)), "opacity": 0.75, "marker": BARS}
    name = "efficient estimator (half-normal)"
    line = {"type": "scatter", "mode": "lines", "name": name, "line": {"color": "@ink", "width": 2}}
    traces = (
        of_columns(table, shown.table, "ratio", "density", **bars),
        of_columns(table, shown.table, "ratio", "half_normal", **line),
    )
    layout = axes(f"|Δ log g| / σ(log g), {size(fisher)} bound of the same spectrum", "density", bargap=0)
    note = f"{model_name(model)}" + (f", {n.raw:,} low-noise test spectra" if n else "") + "."
    if median is not None:
        layout["shapes"] = [line_at(median.raw * GAUSSIAN_MEDIAN, "@red")]
        note += f" Dashed: the median, {median.raw:.2f} times that of an efficient estimator."
    names = {"ratio": "ratio", "density": "model", "half_normal": "efficient estimator"}
    densities = values_of("Densities", table, shown.table, names)
    alt = (
        "Histogram of the error of the best model in units of the bound, beside what an efficient estimator would "
        "give; values in the table."
    )
    return Plot(key, TITLE, alt, traces, layout, (shown.table,), note, "switches", table=densities)


def _ratio(fisher: dict[str, Any], stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> tuple[np.ndarray, int]:
    """|error| / σ of the best model on every spectrum that has both, and how many have an error."""
    sigma = stars.set_index("id")[f"{fisher['reference_estimator']}_sigma_5d"]
    table = predictions[fisher["verdict"]["model"]]
    rows = table[table["id"].isin(sigma.index)]
    ratio = np.abs(rows["predicted"].to_numpy() - rows["truth"].to_numpy()) / sigma.loc[rows["id"]].to_numpy()
    return np.asarray(ratio[np.isfinite(ratio)]), len(rows)


def _edges(ratio: np.ndarray) -> np.ndarray:
    return np.linspace(0, max(6.0, float(np.percentile(ratio, 99))) if len(ratio) else 6.0, 61)
