"""R² under every condition that networks were not trained for: cut edges, moved starts, other grids."""

from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.robustness import conditions, heading
from logg1m.results.words import condition_name

TITLE = "R² when spectra are resampled or shifted"
CAPTION = "R² of every variant under conditions that it was not trained for."

_LOWEST = -0.5  # R² below which a point is cut: worse than useless is all there is to see


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per variant and condition."""
    return conditions(evidence)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One row per condition, the mildest on top, with a point for every variant."""
    names = list(table["variant"].unique())
    mean = table.groupby("condition")["r2"].mean().sort_values()
    figure, axis = style.subplots(figsize=(8.4, 1.4 + 0.27 * len(mean)))
    for k, name in enumerate(names):
        part = table[table["variant"] == name].set_index("condition").reindex(mean.index)
        at = [row + 0.5 * ((k + 0.5) / len(names) - 0.5) for row in range(len(mean))]
        shown = part[["r2", "low", "high"]].clip(lower=_LOWEST)
        how = style.look(k) | {"linestyle": "none", "label": verdict["variants"][name]["label"]}
        axis.errorbar(shown["r2"], at, xerr=style.bars(shown, "r2"), elinewidth=0.8, **how)
    axis.axvline(0, color=style.BLACK, linewidth=0.7)
    axis.set_yticks(range(len(mean)), [condition_name(str(name)) for name in mean.index], fontsize=8)
    axis.set_xlabel(f"R² of log g (cut at {_LOWEST:g})".replace("-", "−"))
    axis.set_xlim(_LOWEST - 0.03, 1)
    axis.grid(axis="both")
    style.legend_below(figure, axis, 2)
    figure.suptitle(heading(verdict, table, "R² under other conditions, nothing retrained"), fontsize=10)
    return figure
