"""Networks under conditions that they were not trained for: cut edges, moved starts, other grids."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.experiments.extras.robustness import PLAIN, extra
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.metrics import interval_of

_EDGES = {"crop": "at both edges", "crop_blue": "at the blue edge", "crop_red": "at the red edge"}
_LOWEST = -0.5  # R² below which a bar is cut: worse than useless is all there is to see


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """crop_robustness: R² against the share that is cut; condition_robustness: R² under every condition."""
    rows = extra(evidence)
    table = pd.DataFrame([_flat(row) for row in rows])
    if not len(table) or table["condition"].nunique() < 2:
        empty.draw({**verdict, "reason": "the models of this run cannot be put to other conditions"}, path)
        return
    (_crops if kind == "crop_robustness" else _all)(table, verdict, path)


def _crops(table: pd.DataFrame, verdict: dict[str, Any], path: Path) -> None:
    """One panel per edge, one line per variant."""
    figure, axes = plt.subplots(1, len(_EDGES), figsize=(10, 3.4), sharey=True)
    kept = []
    for axis, (kind, where) in zip(axes, _EDGES.items()):
        for k, (name, part) in enumerate(table.groupby("variant", sort=False)):
            cut = part[part["condition"].str.fullmatch(rf"{kind}_\d+|{PLAIN}")].copy()
            cut["percent"] = cut["condition"].str.extract(r"(\d+)$")[0].fillna("0").astype(int)
            cut = cut.sort_values("percent").assign(edge=where)
            kept.append(cut)
            axis.errorbar(
                cut["percent"] + 0.25 * (k - 0.5), cut["r2"], yerr=[cut["r2"] - cut["low"], cut["high"] - cut["r2"]],
                marker=style.MARKERS[k % 8], color=style.CYCLE[k % 8], markersize=4, linewidth=1, capsize=2,
                label=verdict["variants"][name]["label"],
            )  # fmt: skip
        axis.set_xlabel(f"% of the pixels hidden {where}", fontsize=9)
        axis.grid(axis="y")
    axes[0].set_ylabel("R² of log g")
    axes[0].legend(fontsize=8)
    figure.suptitle(_title(verdict, table, "R² with hidden edges, nothing retrained"), fontsize=10)
    style.save(figure, path, pd.concat(kept))


def _all(table: pd.DataFrame, verdict: dict[str, Any], path: Path) -> None:
    """One group of bars per condition."""
    names, conditions = list(table["variant"].unique()), list(table["condition"].unique())
    figure, axis = plt.subplots(figsize=(11, 4.2))
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        part = table[table["variant"] == name].set_index("condition").reindex(conditions)
        at = np.arange(len(conditions)) + (k - (len(names) - 1) / 2) * width
        shown, low, high = (part[c].clip(lower=_LOWEST) for c in ("r2", "low", "high"))
        axis.bar(at, shown, width, color=style.CYCLE[k % 8], label=verdict["variants"][name]["label"],
                 yerr=[shown - low, high - shown], error_kw={"linewidth": 0.6})  # fmt: skip
    axis.axhline(0, color=style.BLACK, linewidth=0.7)
    axis.set_xticks(range(len(conditions)), conditions, rotation=60, ha="right", fontsize=8)
    axis.set_ylabel(f"R² of log g (cut at {_LOWEST:g})")
    axis.set_ylim(_LOWEST, 1)
    axis.grid(axis="y")
    axis.legend(fontsize=8, ncols=len(names), loc="lower left")
    figure.suptitle(_title(verdict, table, "R² under other conditions, nothing retrained"), fontsize=10)
    style.save(figure, path, table)


def _title(verdict: dict[str, Any], table: pd.DataFrame, what: str) -> str:
    pooling = ", ".join(map(str, table["pooling"].unique()))
    return (
        f"MVP-{verdict['id']} ({verdict['model']}, pooling {pooling}): {what}; low-noise test, n = {table['n'].max():,}"
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    low, high = interval_of(row["r2"])
    return {
        **{k: row[k] for k in ("variant", "pooling", "condition", "n")},
        "r2": row["r2"]["value"],
        "low": low,
        "high": high,
    }
