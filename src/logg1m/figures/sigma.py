"""Is a predicted σ near the bound of each star, and does it tell outliers."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.experiments.extras.calibration import with_bound
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.fisher import dimensions
from logg1m.figures.predicted_sigma import COLOURS, heading, tests, variant_of
from logg1m.results.words import SUBSET

TITLE = "Predicted σ, errors and outliers"
CAPTION = "Errors and outliers in bins of the predicted σ."

_REJECTED = np.arange(0, 0.51, 0.05)


def values(evidence: Evidence) -> pd.DataFrame:
    """Columns series (bound: Fisher σ and predicted σ, dex; outliers: share rejected and rate of the rest), x, y."""
    parts = tests(evidence)
    both = with_bound(parts[SUBSET["full"]], evidence.stars)[["bound", "sigma"]].to_numpy()
    rows = [{"series": "bound", "x": x, "y": y} for x, y in both]
    for what, part in parts.items():
        outlier = np.abs((part["predicted"] - part["truth"]).to_numpy()) > metrics.OUTLIER
        order = np.argsort(part["sigma"].to_numpy(), kind="stable")
        left = [float(outlier[order[: max(1, round((1 - share) * len(order)))]].mean()) for share in _REJECTED]
        rows += [{"series": f"outliers, {what}", "x": x, "y": y} for x, y in zip(_REJECTED, left)]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any], evidence: Evidence) -> style.Figure:
    """Left: σ against the bound; right: outliers left, both tests."""
    figure, axes = style.subplots(1, 2, figsize=(9, 3.6))
    bound = table[table["series"] == "bound"]
    style.plain_log(axes[0], "x")
    style.plain_log(axes[0])
    axes[0].plot(bound["x"], bound["y"], ".", color=style.BLUE, markersize=3, alpha=0.6)
    both = bound[["x", "y"]].to_numpy()
    if len(both):
        ends = [both.min(), both.max()]
        axes[0].plot(ends, ends, color=style.BLACK, linewidth=0.7, linestyle=":", label="σ = Fisher σ")
        axes[0].legend(fontsize=8)
    axes[0].set_xlabel(f"Fisher σ of the star ({dimensions(evidence.stars)}-D marginalised), dex")
    axes[0].set_ylabel("predicted σ, dex")
    axes[0].set_title(f"{len(both):,} test stars with a bound", fontsize=8)
    for k, (series, part) in enumerate(table[table["series"] != "bound"].groupby("series", sort=False)):
        what = str(series).removeprefix("outliers, ")
        axes[1].plot(100 * part["x"], part["y"], marker=style.MARKERS[k], color=COLOURS[k], markersize=4, label=what)
    axes[1].set_xlabel("spectra with the largest σ left out, %")
    axes[1].set_ylabel("outlier rate of the rest (|Δ| > 0.5 dex)")
    axes[1].set_ylim(bottom=0)
    axes[1].legend(fontsize=8)
    sizes = {what: len(part) for what, part in tests(evidence).items()}
    figure.suptitle(heading(verdict, variant_of(evidence), sizes), fontsize=10)
    return figure
