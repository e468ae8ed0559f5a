"""R² under every condition that networks were not trained for: cut edges, moved starts, other grids."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.robustness import conditions, heading

TITLE = "R² when spectra are resampled or shifted"
CAPTION = "R² of every variant under conditions that it was not trained for."

_LOWEST = -0.5  # R² below which a bar is cut: worse than useless is all there is to see


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per variant and condition."""
    return conditions(evidence)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One group of bars per condition."""
    names, shown_at = list(table["variant"].unique()), list(table["condition"].unique())
    figure, axis = style.subplots(figsize=(11, 4.2))
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        part = table[table["variant"] == name].set_index("condition").reindex(shown_at)
        at = np.arange(len(shown_at)) + (k - (len(names) - 1) / 2) * width
        shown = part[["r2", "low", "high"]].clip(lower=_LOWEST)
        how = {"color": style.CYCLE[k % 8], "label": verdict["variants"][name]["label"], "error_kw": {"linewidth": 0.6}}
        axis.bar(at, shown["r2"], width, yerr=style.bars(shown, "r2"), **how)
    axis.axhline(0, color=style.BLACK, linewidth=0.7)
    axis.set_xticks(range(len(shown_at)), shown_at, rotation=60, ha="right", fontsize=8)
    axis.set_ylabel(f"R² of log g (cut at {_LOWEST:g})")
    axis.set_ylim(_LOWEST, 1)
    axis.grid(axis="y")
    axis.legend(fontsize=8, ncols=len(names), loc="lower left")
    figure.suptitle(heading(verdict, table, "R² under other conditions, nothing retrained"), fontsize=10)
    return figure
