"""Error and outliers along log g, in the levels of the ordinal regression."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from logg1m import metrics
from logg1m.experiments.extras.levels import WIDTH, level_of
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

TITLE = "Errors by level of log g"
CAPTION = "Error and predicted level in bins of the true log g."

_FEWEST = 3  # spectra in a level that is shown
_SHOWN = {"mean": "mean Δ log g, dex", "mae": "MAE of log g, dex", "outlier_rate": "outlier rate (|Δ| > 0.5 dex)"}


def values(evidence: Evidence) -> pd.DataFrame:
    """Per variant and true level with three spectra; low-noise test, first seed."""
    rows: list[dict[str, Any]] = []
    for name, seeds in evidence.predictions.items():
        table = seeds[0][evidence.members.loc[seeds[0]["id"], "low_noise"].to_numpy(dtype=bool)]
        error = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
        level = level_of(table["truth"])
        for k in np.unique(level):
            part = error[level == k]
            if len(part) >= _FEWEST:
                rows.append({"variant": name, "logg": (k + 0.5) * WIDTH, "n": len(part), "mean": part.mean(),
                             "mae": np.abs(part).mean(), "outlier_rate": (np.abs(part) > metrics.OUTLIER).mean()})  # fmt: skip
    if not rows:
        raise empty.Nothing(f"no level has {_FEWEST} low-noise test spectra")
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    """One panel per quantity, one line per variant."""
    figure, axes = plt.subplots(1, len(_SHOWN), figsize=(11, 3.4))
    for axis, (column, title) in zip(axes, _SHOWN.items()):
        for k, (name, part) in enumerate(table.groupby("variant", sort=False)):
            axis.plot(part["logg"], part[column], marker=style.MARKERS[k % 8], color=style.CYCLE[k % 8], markersize=4,
                      linewidth=1, label=verdict["variants"][name]["label"])  # fmt: skip
        axis.set_xlabel("true log g, dex (levels of 0.25 dex)")
        axis.set_ylabel(title)
        axis.axhline(0, color=style.BLACK, linewidth=0.6)
    axes[0].legend(fontsize=8)
    n = verdict["n_test_low_noise"]
    figure.suptitle(
        f"MVP-{verdict['id']} ({verdict['model']}): errors by level, low-noise test, n = {n:,}", fontsize=10
    )
    return figure
