"""R² when the edges of spectra are hidden, nothing retrained."""

from typing import Any

import pandas as pd

from logg1m.experiments.extras.robustness import PLAIN
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.robustness import conditions, heading

TITLE = "R² when the edges are cropped"
CAPTION = "R² of every variant with a growing share of the spectrum hidden at each edge."

_EDGES = {"crop": "at both edges", "crop_blue": "at the blue edge", "crop_red": "at the red edge"}


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per edge, variant and share that is hidden (percent of the pixels)."""
    table, kept = conditions(evidence), []
    for kind, where in _EDGES.items():
        for _, part in table.groupby("variant", sort=False):
            cut = part[part["condition"].str.fullmatch(rf"{kind}_\d+|{PLAIN}")].copy()
            cut["percent"] = cut["condition"].str.extract(r"(\d+)$")[0].fillna("0").astype(int)
            kept.append(cut.sort_values("percent").assign(edge=where))
    return pd.concat(kept)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per edge, one line per variant."""
    figure, axes = style.subplots(1, len(_EDGES), figsize=(10, 3.4), sharey=True)
    for axis, where in zip(axes, _EDGES.values()):
        for k, (name, cut) in enumerate(table[table["edge"] == where].groupby("variant", sort=False)):
            how = style.look(k) | {"capsize": 2, "label": verdict["variants"][name]["label"]}
            axis.errorbar(cut["percent"] + 0.25 * (k - 0.5), cut["r2"], yerr=style.bars(cut, "r2"), **how)
        axis.set_xlabel(f"% of the pixels hidden {where}", fontsize=9)
        axis.grid(axis="y")
    axes[0].set_ylabel("R² of log g")
    style.legend_below(figure, axes[0], 2)
    figure.suptitle(heading(verdict, table, "R² with hidden edges, nothing retrained"), fontsize=10)
    return figure
