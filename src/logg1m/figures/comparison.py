"""Metrics of every variant of an experiment side by side."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.metrics import interval_of

_ROLE_COLOUR = {"reference": style.BLACK, "candidate": style.BLUE, "control": style.RED}


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """R² and MAE of every variant with intervals, low-noise and full test; leaky variants and controls are marked."""
    rows = []
    for name, variant in verdict["variants"].items():
        for subset in ("low_noise", "full"):
            for metric in ("r2", "mae"):
                entry = variant["metrics"][subset][metric]
                low, high = interval_of(entry)
                rows.append({"variant": name, "label": variant["label"], "role": variant["role"], "leaky": variant["leaky"],
                             "subset": subset, "metric": metric, "value": entry["value"], "low": low, "high": high})  # fmt: skip
    table = pd.DataFrame(rows)
    names = list(verdict["variants"])
    figure, axes = plt.subplots(1, 2, figsize=(10, 1.2 + 0.42 * len(names)), sharey=True)
    for axis, metric, title in zip(axes, ("r2", "mae"), ("R² of log g", "MAE of log g, dex")):
        for subset, offset, marker in (("low_noise", -0.13, "o"), ("full", 0.13, "s")):
            for k, name in enumerate(names):
                row = table[
                    (table["variant"] == name) & (table["metric"] == metric) & (table["subset"] == subset)
                ].iloc[0]
                colour = _ROLE_COLOUR[row["role"]]
                axis.errorbar(row["value"], k + offset, xerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                              marker=marker, color=colour, markerfacecolor=colour if subset == "low_noise" else "white",
                              capsize=2, markersize=5)  # fmt: skip
        reference = verdict["variants"][verdict["reference"]]["metrics"]["low_noise"][metric]["value"]
        axis.axvline(reference, color=style.BLACK, linewidth=0.7, linestyle=":")
        axis.set_xlabel(title)
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(names)), [_marked(verdict["variants"][n]) for n in names])
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", color=style.BLACK, label=f"low-noise test, n = {verdict['n_test_low_noise']:,}")
    axes[0].plot([], [], "s", color=style.BLACK, markerfacecolor="white", label=f"full test, n = {verdict['n_test']:,}")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']} {verdict['title']} ({verdict['model']}): {verdict['outcome']}", fontsize=10)
    style.save(figure, path, table)


def _marked(variant: dict[str, Any]) -> str:
    note = " (leaky)" if variant["leaky"] else " (control)" if variant["role"] == "control" else ""
    return f"{variant['label']}{note}"
