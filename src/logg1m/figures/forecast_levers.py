"""Forecast: what every lever brings, as ΔR² with its interval and in exposure time."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import empty, style
from logg1m.metrics import interval_of

TITLE = "What else would help, and how much"
CAPTION = "ΔR² of every lever on low-noise test stars, by the prior-aware bound, and the exposure factor that brings the same."
_LEFT_OUT = ("window", "caveat")


def values(forecast: dict[str, Any]) -> pd.DataFrame:
    """One row per lever, the best first: ΔR² with its interval, ΔMSE (dex²), exposure factor."""
    part = forecast["levers"]["subsets"].get("low_noise")
    if part is None:
        raise empty.Nothing("no low-noise star is in the test pool")
    rows = []
    for row in part["rows"]:
        if row["group"] not in _LEFT_OUT:
            low, high = interval_of(row["r2"])
            about = {name: row[name] for name in ("lever", "group", "words", "n")}
            gain = {"value": row["r2"]["value"], "low": low, "high": high}
            about["beyond"] = row["beyond"]
            rows.append(about | gain | {"mse": row["mse"]["value"], "exposure": row["exposure"]["value"]})
    return pd.DataFrame(rows).sort_values("value", ascending=False, kind="stable", ignore_index=True)


def draw(table: pd.DataFrame) -> style.Figure:
    """Points with intervals, the best on top, and the exposure factor beside each."""
    figure, axis = style.subplots(figsize=(9, 0.26 * len(table) + 1.2))
    for group, part in table.groupby("group", sort=False):
        k = list(table["group"].unique()).index(group)
        axis.errorbar(
            part["value"], -part.index, xerr=style.bars(part), fmt=style.MARKERS[k], color=style.CYCLE[k], label=group
        )
    words = [fill(text, 66) for text in table["words"]]
    axis.set_yticks(-np.arange(len(table)), words, fontsize=7)
    for k, (factor, beyond) in enumerate(zip(table["exposure"], table["beyond"])):
        axis.annotate(
            "× ∞" if beyond else f"× {factor:.3g}",
            (1.01, -k),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            va="center",
        )
    axis.axvline(0, color=style.BLACK, linewidth=0.8)
    axis.set_xlabel("ΔR² (right: the factor in exposure time that brings the same)")
    axis.set_title(f"{int(table['n'].max()):,} low-noise test stars", fontsize=9)
    axis.legend(fontsize=7)
    axis.grid(axis="x")
    return figure
