"""Error and outliers along log g, in the levels of the ordinal regression."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.experiments.extras.levels import WIDTH, level_of
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

TITLE = "Errors by level of log g"
CAPTION = "Error and predicted level in bins of the true log g."

_FEWEST = 3  # spectra in a level that is shown
_SHOWN = {
    "mean": "mean of predicted − true, dex",
    "mae": "MAE of log g, dex",
    "outlier_rate": "outlier rate (|Δ| > 0.5 dex)",
}


def values(evidence: Evidence) -> pd.DataFrame:
    """Per variant and true level with three spectra; low-noise test, first seed."""
    rows = []
    for name, seeds in evidence.predictions.items():
        table = evidence.tests(seeds[0])["low_noise"]
        error = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
        level = level_of(table["truth"])
        for k in np.unique(level):
            part = error[level == k]
            if len(part) >= _FEWEST:
                found = part.mean(), np.abs(part).mean(), (np.abs(part) > metrics.OUTLIER).mean()
                rows.append({"variant": name, "logg": (k + 0.5) * WIDTH, "n": len(part)} | dict(zip(_SHOWN, found)))
    if not rows:
        raise empty.Nothing(f"no level has {_FEWEST} low-noise test spectra")
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per quantity, one line per variant."""
    figure, axes = style.subplots(1, len(_SHOWN), figsize=(11, 3.4))
    for axis, (column, title) in zip(axes, _SHOWN.items()):
        for k, (name, part) in enumerate(table.groupby("variant", sort=False)):
            axis.plot(part["logg"], part[column], label=verdict["variants"][name]["label"], **style.look(k))
        axis.set_xlabel("true log g, dex (levels of 0.25 dex)")
        axis.set_ylabel(title)
        axis.axhline(0, color=style.BLACK, linewidth=0.6)
    style.legend_below(figure, axes[0], 2)
    style.titled(figure, verdict, f"errors by level, low-noise test, n = {verdict['n_test_low_noise']:,}")
    return figure
