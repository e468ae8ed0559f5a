"""Is a predicted σ calibrated: probability integral transform, z-scores and coverage."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from logg1m.experiments.extras.calibration import pit, standardised
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.predicted_sigma import COLOURS, heading, tests, variant_of

TITLE = "Calibration of the predicted σ"
CAPTION = "Share of errors inside the predicted intervals against the share that should be."

_BINS = 20
_GRID = np.linspace(-4, 4, 41)  # edges of the bins of z
_LEVELS = np.linspace(0.05, 0.95, 19)


def values(evidence: Evidence) -> pd.DataFrame:
    """Columns variant, subset and its spectra n, series (pit, z: lower edge and density; coverage: level and share
    inside), x, y."""
    rows: list[dict[str, Any]] = []
    for what, part in tests(evidence).items():
        z = standardised(part)
        density, edges = np.histogram(pit(part), bins=_BINS, range=(0, 1), density=True)
        heights, _ = np.histogram(np.clip(z, -4, 4), bins=_GRID, density=True)
        reached = [float((np.abs(z) <= norm.ppf((1 + level) / 2)).mean()) for level in _LEVELS]
        for series, x, y in (("pit", edges[:-1], density), ("z", _GRID[:-1], heights), ("coverage", _LEVELS, reached)):
            about = {"variant": variant_of(evidence), "subset": what, "n": len(part), "series": series}
            rows += [about | {"x": a, "y": b} for a, b in zip(x, y)]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per series, both tests in each."""
    figure, axes = style.subplots(1, 3, figsize=(11, 3.6))
    for k, (what, part) in enumerate(table.groupby("subset", sort=False)):
        y = {series: rows["y"].to_numpy() for series, rows in part.groupby("series", sort=False)}
        axes[0].stairs(y["pit"], np.linspace(0, 1, _BINS + 1), color=COLOURS[k], label=what)
        axes[1].stairs(y["z"], _GRID, color=COLOURS[k], label=what)
        axes[2].plot(_LEVELS, y["coverage"], marker=style.MARKERS[k], markersize=3, color=COLOURS[k], label=what)
    axes[0].axhline(1, color=style.BLACK, linewidth=0.7, linestyle=":")
    axes[1].plot(_GRID, norm.pdf(_GRID), color=style.BLACK, linewidth=0.7, linestyle=":", label="N(0, 1)")
    axes[2].plot([0, 1], [0, 1], color=style.BLACK, linewidth=0.7, linestyle=":")
    axes[0].set_xlabel("probability integral transform Φ(z)")
    axes[1].set_xlabel("z = (truth − prediction)/σ, beyond ±4 in the last bins")
    axes[2].set_xlabel("level of the central interval")
    axes[2].set_ylabel("share of the spectra inside")
    for axis in axes[:2]:
        axis.set_ylabel("density")
    for axis in axes:
        axis.legend(fontsize=7)
    sizes = table.groupby("subset", sort=False)["n"].first().to_dict()
    figure.suptitle(heading(verdict, str(table["variant"].iloc[0]), sizes), fontsize=10)
    return figure
