"""Forecast: what every lever brings, as squared error (and R²) with its interval and in exposure time."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import empty, style
from logg1m.metrics import interval_of

TITLE = "What else would help, and how much"
CAPTION = (
    "By how much every lever lowers the squared error of log g, and ΔR², on low-noise test stars, by the prior-aware bound, and "
    "the exposure factor that brings the same."
)
_LEFT_OUT = ("window", "caveat")
_GROUPS = {
    "exposure": "exposure time",
    "prior": "priors from photometry",
    "sky": "sky subtraction",
    "calibration": "flux calibration",
    "line_spread": "line spread not known exactly",
    "resolution": "resolution of the red arm",
    "arms": "other arms",
}
_MOST = 512  # the largest factor that is looked at


def values(forecast: dict[str, Any]) -> pd.DataFrame:
    """One row per lever, the best first: by how much the MSE falls, with its interval, dex², ΔR², exposure factor."""
    part = forecast["levers"]["subsets"].get("low_noise")
    if part is None:
        raise empty.Nothing("no low-noise star is in the test pool")
    rows = []
    for row in part["rows"]:
        if row["group"] not in _LEFT_OUT:
            low, high = interval_of(row["mse"])
            about = {name: row[name] for name in ("lever", "group", "words", "n")}
            gain = {"value": -row["mse"]["value"], "low": -high, "high": -low}
            rest = {"r2": row["r2"]["value"], "exposure": row["exposure"]["value"], "beyond": row["beyond"]}
            rows.append(about | gain | rest)
    return pd.DataFrame(rows).sort_values("value", ascending=False, kind="stable", ignore_index=True)


def draw(table: pd.DataFrame) -> style.Figure:
    """Points with intervals, the best on top, and the exposure factor beside each."""
    figure, axis = style.subplots(figsize=(10, 0.3 * len(table) + 1.6))
    for group, part in table.groupby("group", sort=False):
        k = [*_GROUPS].index(group)
        axis.errorbar(
            part["value"],
            -part.index,
            xerr=style.bars(part),
            fmt=style.MARKERS[k],
            color=style.CYCLE[k],
            label=_GROUPS[group],
        )
    words = [fill(text, 66) for text in table["words"]]
    axis.set_yticks(-np.arange(len(table)), words, fontsize=7)
    for k, row in table.iterrows():
        axis.annotate(_same(row), (1.01, -k), xycoords=("axes fraction", "data"), fontsize=7, va="center")
    axis.axvline(0, color=style.BLACK, linewidth=0.8)
    axis.margins(y=0.02)
    axis.set_xlabel("MSE of log g lowered by, dex² (right: the factor in exposure time that brings the same)")
    largest = table.loc[table["value"].abs().idxmax()]
    scale = largest["r2"] / largest["value"]  # one over the variance of log g
    axis.secondary_xaxis("top", functions=(lambda x: x * scale, lambda x: x / scale)).set_xlabel("ΔR²", fontsize=9)
    figure.suptitle(f"{int(table['n'].max()):,} low-noise test stars", fontsize=9)
    style.legend_below(figure, axis, 4)
    axis.grid(axis="x")
    return figure


def _same(row: pd.Series) -> str:
    """The exposure that brings the same, in words."""
    if row["beyond"]:
        return "endless" if row["group"] == "exposure" else "more than any"
    return f"× {row['exposure']:.3g}" + (" or more" if row["exposure"] >= _MOST else "")
