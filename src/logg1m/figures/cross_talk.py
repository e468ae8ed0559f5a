"""Errors of log g against errors of Teff and [Fe/H], for every variant that predicts all three."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.cross_talk import slopes
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

TITLE = "Errors of log g that go with other labels"
CAPTION = "Error of log g against errors of Teff and [Fe/H] for every variant."

_LABELS = {"teff": "ΔTeff, K", "m_h": "Δ[Fe/H], dex"}
_SHOWN = 0.995  # quantile of |Δ| that the axes reach to


def values(evidence: Evidence) -> pd.DataFrame:
    """Errors of the three labels, low-noise test, first seed."""
    runs = evidence.runs
    names = [n for n in runs.errors if all(n in runs.further.get(label, {}) for label in _LABELS)]
    if not names:
        raise empty.Nothing("no model of this run predicts Teff and [Fe/H]")
    low, tables = runs.low_noise, []
    for name in names:
        others = {label: runs.further[label][name][0][low] for label in _LABELS}
        tables.append(pd.DataFrame({"variant": name, "logg": runs.errors[name][0][low], **others}))
    return pd.concat(tables)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One column per variant; lines: the two slopes of the joint regression."""
    parts = dict(list(table.groupby("variant", sort=False)))
    size = (1 + 3 * len(parts), 5.6)
    figure, axes = style.subplots(2, len(parts), figsize=size, sharex="row", sharey=True, squeeze=False)
    for column, (name, part) in zip(axes.T, parts.items()):
        error, others = part["logg"].to_numpy(), part[list(_LABELS)].to_numpy()
        for axis, other, slope, (key, label) in zip(column, others.T, slopes(error, others), _LABELS.items()):
            reach = max(float(np.quantile(np.abs(one[key]), _SHOWN)) for one in parts.values())
            axis.plot(other, error, ".", color=style.BLUE, markersize=2, alpha=0.4)
            axis.plot([-reach, reach], [-slope * reach, slope * reach], color=style.RED, linewidth=1)
            axis.set_xlim(-reach, reach)
            axis.set_xlabel(label)
        shares = {row["variant"]: row["share of the variance"]["value"] for row in verdict["extra"]["cross_talk"]}
        label = verdict["variants"][name]["label"]
        column[0].set_title(f"{label}\nshare of the variance {shares[name]:.3f}", fontsize=8)
    limit = float(np.quantile(np.abs(table["logg"]), _SHOWN))
    axes[0, 0].set_ylim(-limit, limit)
    figure.supylabel("Δ log g, dex")
    style.titled(figure, verdict, f"cross-talk, low-noise test, n = {len(next(iter(parts.values()))):,}")
    return figure
