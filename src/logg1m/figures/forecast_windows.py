"""Forecast: what every window of the spectrum is worth."""

from typing import Any

import pandas as pd

from logg1m.figures import empty, style
from logg1m.metrics import interval_of

TITLE = "What every window of the spectrum is worth"
CAPTION = (
    "R² that is lost without a window, and R² of the window alone, low-noise test stars, by the prior-aware bound."
)
_KINDS = {"without": "lost without it", "only": "reached by it alone"}


def values(forecast: dict[str, Any]) -> pd.DataFrame:
    """One row per window (its first Å) and kind: R² with its interval."""
    part = forecast["levers"]["subsets"].get("low_noise")
    if part is None:
        raise empty.Nothing("no low-noise star is in the test pool")
    whole, rows = part["base"]["r2"]["value"], []
    for row in part["rows"]:
        if row["group"] == "window":
            kind, start = row["lever"].split("_")
            change, (low, high) = row["r2"]["value"], interval_of(row["r2"])
            found = [-change, -high, -low] if kind == "without" else [whole + x for x in (change, low, high)]
            rows.append(
                {"kind": kind, "start": float(start), "n": row["n"]} | dict(zip(("value", "low", "high"), found))
            )
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> style.Figure:
    """Two panels over wavelength."""
    figure, axes = style.subplots(2, 1, figsize=(9, 5), sharex=True)
    for axis, (kind, words) in zip(axes, _KINDS.items()):
        part = table[table["kind"] == kind].sort_values("start")
        width = part["start"].diff().median()
        axis.bar(
            part["start"] + width / 2,
            part["value"],
            width * 0.9,
            yerr=style.bars(part),
            color=style.SKY,
            ecolor=style.BLACK,
        )
        axis.set_ylabel(f"R² {words}", fontsize=8)
        axis.grid(axis="y")
    axes[0].set_title(f"{int(table['n'].max()):,} low-noise test stars", fontsize=9)
    axes[1].set_xlabel("vacuum wavelength, Å")
    return figure
