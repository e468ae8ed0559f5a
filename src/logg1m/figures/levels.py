"""Error and outliers along log g, in the levels of the ordinal regression."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.experiments.extras.levels import WIDTH, level_of
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

_FEWEST = 3  # spectra in a level that is shown


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """Mean error, mean absolute error and outlier rate per true level with three spectra; low-noise test, first seed."""
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
    drawn = pd.DataFrame(rows, columns=["variant", "logg", "n", "mean", "mae", "outlier_rate"])
    if not len(drawn):
        empty.draw({**verdict, "reason": f"no level has {_FEWEST} low-noise test spectra"}, path)
        return
    titles = {"mean": "mean Δ log g, dex", "mae": "MAE of log g, dex", "outlier_rate": "outlier rate (|Δ| > 0.5 dex)"}
    figure, axes = plt.subplots(1, len(titles), figsize=(11, 3.4))
    for axis, (column, title) in zip(axes, titles.items()):
        for k, (name, part) in enumerate(drawn.groupby("variant", sort=False)):
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
    style.save(figure, path, drawn)
