"""Linear probes: log g from the pixels and from frozen encoders, random and pretrained, beside the trained model."""

from typing import Any

import pandas as pd

from logg1m.experiments.extras import linear_probe
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.results.words import SUBSET

TITLE = "Linear probe of the frozen encoder"
CAPTION = (
    "R² of a linear model on the pixels, and on the best layer of what the encoder makes of them before fine-tuning, "
    "each star's tokens over their rms."
)

_BARS = (
    ("pixels", style.ORANGE),
    ("pixels / rms", style.YELLOW),
    ("random", "0.7"),
    ("pretrained", style.BLUE),
    ("fine-tuned", style.BLACK),
)
_THICK = 0.16  # of a bar; a model has one row


def values(verdict: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """R² of ridge on the pixels and on the tokens of a frozen encoder, and of the whole model after fine-tuning."""
    rows = linear_probe.extra(evidence)
    if not rows:
        raise empty.Nothing("no model of this run was pretrained")
    table = pd.DataFrame(rows)
    for subset in SUBSET:
        trained = [verdict["variants"][name]["metrics"][subset].get("r2", {}).get("value") for name in table["variant"]]
        table[f"R² {subset}, fine-tuned"] = pd.Series(trained, dtype=float)
    return table


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One group of bars per model, one panel per test."""
    figure, axes = style.subplots(1, 2, figsize=(10, 1.6 + 0.6 * len(table)), sharey=True)
    for axis, (subset, words) in zip(axes, SUBSET.items()):
        for k, (name, colour) in enumerate(_BARS):
            place = [row + _THICK * (k - (len(_BARS) - 1) / 2) for row in range(len(table))]
            heights = table[f"R² {subset}, {name}"].astype(float)
            axis.barh(place, heights, height=0.9 * _THICK, color=colour, label=name)
        axis.set_xlabel(f"R² of log g, {words}")
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(table)), [verdict["variants"][name]["label"] for name in table["variant"]])
    axes[0].invert_yaxis()
    style.legend_below(figure, axes[0], len(_BARS))
    style.titled(figure, verdict, f"ridge on pixels and frozen encoders, {table['probe spectra'].max():,} labels")
    return figure
