"""Errors of log g against errors of Teff and [Fe/H], for every variant that predicts all three."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.experiments.judging.cross_talk import slopes
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

_LABELS = {"teff": "ΔTeff, K", "m_h": "Δ[Fe/H], dex"}
_SHOWN = 0.995  # quantile of |Δ| that the axes reach to


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """Low-noise test, first seed; lines: the two slopes of the joint regression."""
    runs = evidence.runs
    names = [n for n in runs.errors if all(n in runs.further.get(label, {}) for label in _LABELS)]
    if not names:
        empty.draw({**verdict, "reason": "no model of this run predicts Teff and [Fe/H]"}, path)
        return
    low, rows = runs.low_noise, []
    figure, axes = plt.subplots(
        2, len(names), figsize=(1 + 3 * len(names), 5.6), sharex="row", sharey=True, squeeze=False
    )
    for column, name in zip(axes.T, names):
        error = runs.errors[name][0][low]
        others = np.stack([runs.further[label][name][0][low] for label in _LABELS], axis=1)
        rows.append(pd.DataFrame({"variant": name, "logg": error, "teff": others[:, 0], "m_h": others[:, 1]}))
        for axis, other, slope, (key, label) in zip(column, others.T, slopes(error, others), _LABELS.items()):
            reach = max(float(np.quantile(np.abs(runs.further[key][n][0][low]), _SHOWN)) for n in names)
            axis.plot(other, error, ".", color=style.BLUE, markersize=2, alpha=0.4)
            axis.plot([-reach, reach], [-slope * reach, slope * reach], color=style.RED, linewidth=1)
            axis.set_xlim(-reach, reach)
            axis.set_xlabel(label)
        found = next(r for r in verdict["extra"]["cross_talk"] if r["variant"] == name)["share of the variance"][
            "value"
        ]
        column[0].set_title(f"{verdict['variants'][name]['label']}\nshare of the variance {found:.3f}", fontsize=8)
    limit = float(np.quantile(np.abs(pd.concat(rows)["logg"]), _SHOWN))
    axes[0, 0].set_ylim(-limit, limit)
    figure.supylabel("Δ log g, dex")
    figure.suptitle(
        f"MVP-{verdict['id']} ({verdict['model']}): cross-talk, low-noise test, n = {low.sum():,}", fontsize=10
    )
    style.save(figure, path, pd.concat(rows))
