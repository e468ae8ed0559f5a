"""Bias maps: the mean residual of log g in bins of another label."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """Mean residual of log g in bins of another label, every variant."""
    label = kind.removeprefix("bias_")
    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    rows = []
    for k, (name, variant) in enumerate(verdict["variants"].items()):
        part = pd.DataFrame(variant["bias"][label]).assign(variant=name)
        rows.append(part)
        middle = (part["low"] + part["high"]) / 2 + 0.04 * (k - 0.5) * (part["high"] - part["low"])
        axis.errorbar(middle, part["mean"], yerr=part["standard_error"], marker=style.MARKERS[k % 8], markersize=4,
                      color=style.CYCLE[k % 8], linewidth=1, capsize=2, label=variant["label"])  # fmt: skip
    axis.axhline(0, color=style.BLACK, linewidth=0.7)
    axis.set_xlabel({"teff": "Teff, K", "m_h": "[Fe/H], dex"}[label])
    axis.set_ylabel("mean Δ log g, dex")
    axis.set_title(f"MVP-{verdict['id']} ({verdict['model']}), full test, n = {verdict['n_test']:,}")
    axis.legend(fontsize=8)
    style.save(figure, path, pd.concat(rows))
