"""A predicted σ: is it calibrated, is it near the bound of each star, and does it tell outliers."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from logg1m import metrics
from logg1m.experiments.extras.calibration import pit, standardised, with_bound
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

_BINS = 20
_REJECTED = np.arange(0, 0.51, 0.05)


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """calibration: PIT, z-scores and coverage; sigma: σ against the Fisher σ, and outliers left after rejecting by σ.

    The first variant with σ and its first seed; low-noise and full test.
    """
    name = next((n for n, seeds in evidence.predictions.items() if "sigma" in seeds[0]), None)
    if name is None:
        empty.draw({**verdict, "reason": "no model of this run predicts σ"}, path)
        return
    table = evidence.predictions[name][0]
    low = evidence.members.loc[table["id"], "low_noise"].to_numpy(dtype=bool)
    parts = {"low-noise test": table[low], "full test": table}
    figure, axes = plt.subplots(1, 3 if kind == "calibration" else 2, figsize=(11 if kind == "calibration" else 9, 3.6))
    rows = _calibration(axes, parts) if kind == "calibration" else _sigma(axes, parts, evidence)
    sizes = ", ".join(f"{what} n = {len(part):,}" for what, part in parts.items())
    label = verdict["variants"][name]["label"]
    figure.suptitle(f"MVP-{verdict['id']} ({verdict['model']}), {label}: {sizes}", fontsize=10)
    style.save(figure, path, pd.DataFrame(rows))


def _calibration(axes: list[Axes], parts: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = []
    levels = np.linspace(0.05, 0.95, 19)
    grid = np.linspace(-4, 4, 41)
    for k, (what, part) in enumerate(parts.items()):
        colour = (style.BLUE, style.ORANGE)[k]
        z = standardised(part)
        density, edges = np.histogram(pit(part), bins=_BINS, range=(0, 1), density=True)
        axes[0].stairs(density, edges, color=colour, label=what)
        heights, _ = np.histogram(np.clip(z, -4, 4), bins=grid, density=True)
        axes[1].stairs(heights, grid, color=colour, label=what)
        reached = [float((np.abs(z) <= norm.ppf((1 + level) / 2)).mean()) for level in levels]
        axes[2].plot(levels, reached, marker=style.MARKERS[k], markersize=3, color=colour, label=what)
        for series, x, y in (("pit", edges[:-1], density), ("z", grid[:-1], heights), ("coverage", levels, reached)):
            rows += [{"subset": what, "series": series, "x": a, "y": b} for a, b in zip(x, y)]
    axes[0].axhline(1, color=style.BLACK, linewidth=0.7, linestyle=":")
    axes[1].plot(grid, norm.pdf(grid), color=style.BLACK, linewidth=0.7, linestyle=":", label="N(0, 1)")
    axes[2].plot([0, 1], [0, 1], color=style.BLACK, linewidth=0.7, linestyle=":")
    axes[0].set_xlabel("probability integral transform Φ(z)")
    axes[1].set_xlabel("z = (truth − prediction)/σ, beyond ±4 in the last bins")
    axes[2].set_xlabel("level of the central interval")
    axes[2].set_ylabel("share of the spectra inside")
    for axis in axes[:2]:
        axis.set_ylabel("density")
    for axis in axes:
        axis.legend(fontsize=7)
    return rows


def _sigma(axes: list[Axes], parts: dict[str, pd.DataFrame], evidence: Evidence) -> list[dict[str, Any]]:
    joined = with_bound(parts["full test"], evidence.stars)
    axes[0].loglog(joined["bound"], joined["sigma"], ".", color=style.BLUE, markersize=3, alpha=0.6)
    both = joined[["bound", "sigma"]].to_numpy()
    if len(both):
        ends = [both.min(), both.max()]
        axes[0].plot(ends, ends, color=style.BLACK, linewidth=0.7, linestyle=":", label="σ = Fisher σ")
        axes[0].legend(fontsize=8)
    axes[0].set_xlabel("Fisher σ of the star (5-D marginalised), dex")
    axes[0].set_ylabel("predicted σ, dex")
    axes[0].set_title(f"{len(joined):,} test stars with a bound", fontsize=8)
    rows = [{"series": "bound", "x": x, "y": y} for x, y in both]
    for k, (what, part) in enumerate(parts.items()):
        outlier = np.abs((part["predicted"] - part["truth"]).to_numpy()) > metrics.OUTLIER
        order = np.argsort(part["sigma"].to_numpy(), kind="stable")
        left = [float(outlier[order[: max(1, round((1 - share) * len(order)))]].mean()) for share in _REJECTED]
        axes[1].plot(100 * _REJECTED, left, marker=style.MARKERS[k], color=(style.BLUE, style.ORANGE)[k], markersize=4, label=what)  # fmt: skip
        rows += [{"series": f"outliers, {what}", "x": x, "y": y} for x, y in zip(_REJECTED, left)]
    axes[1].set_xlabel("spectra with the largest σ left out, %")
    axes[1].set_ylabel("outlier rate of the rest (|Δ| > 0.5 dex)")
    axes[1].set_ylim(bottom=0)
    axes[1].legend(fontsize=8)
    return rows
