"""Figures of MVP-0.B: R² against training size, and against the ridge penalty."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.report import style


def _ci(entry: dict[str, Any]) -> list[float]:
    found: list[float] = next(v for k, v in entry.items() if k.startswith("ci"))
    return found


def scaling(scaling: dict[str, Any], path: Path) -> None:
    """R² on the common test against training size, full and low-noise, every model."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True)
    rows = []
    for k, (name, entry) in enumerate(scaling["models"].items()):
        for axis, subset in zip(axes, ("full", "low_noise")):
            points = []
            for scale, at in entry["scales"].items():
                measured = at["common_test"][subset]
                if measured is None:
                    continue
                low, high = _ci(measured["r2"])
                points.append((at["n_train"], measured["r2"]["value"], low, high))
                rows.append({"model": name, "scale": scale, "subset": subset, "n_train": at["n_train"], "n_test": measured["n"],
                             "r2": measured["r2"]["value"], "r2_low": low, "r2_high": high})  # fmt: skip
            if points:
                n, value, low, high = np.array(points).T
                axis.errorbar(n, value, yerr=[value - low, high - value], marker=style.MARKERS[k % 8], capsize=2,
                              linewidth=1.2, markersize=5, label=name)  # fmt: skip
    for axis, title in zip(axes, ("full test", "low-noise test")):
        count = next((r["n_test"] for r in rows if r["subset"] == title.replace(" test", "").replace("-", "_")), 0)
        axis.set_xscale("log")
        axis.set_xlabel("training spectra")
        axis.set_title(f"{title}, n = {count:,}")
        axis.grid(axis="y")
    axes[0].set_ylabel("R² of log g")
    axes[1].legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(f"common test, noise level {scaling['noise_level']:g}, bars: 95 % bootstrap", fontsize=9, x=0.4)
    style.save(figure, path, pd.DataFrame(rows))


def alpha_curves(ridge: dict[str, Any], path: Path) -> None:
    """Validation R² against α, one panel per scale, every feature set; the chosen α is ringed."""
    scales = ridge["scales"]
    figure, axes = plt.subplots(1, len(scales), figsize=(1.2 + 3.4 * len(scales), 3.4), sharey=True, squeeze=False)
    rows = []
    for axis, (name, scale) in zip(axes[0], scales.items()):
        curve = pd.DataFrame(scale["alpha_curve"]).assign(scale=name)
        rows.append(curve)
        curve = curve[curve["standardised"]]
        for k, (features, part) in enumerate(curve.groupby("features", sort=False)):
            axis.plot(part["alpha"], part["validation_r2"], marker=style.MARKERS[k % 8], markersize=4, label=features)
            best = part.loc[part["validation_r2"].idxmax()]
            axis.plot(
                best["alpha"], best["validation_r2"], "o", markersize=11, markerfacecolor="none", color=style.BLACK
            )
        axis.set_xscale("log")
        axis.set_xlabel("penalty α")
        axis.set_title(f"scale {name}")
        axis.grid(axis="y")
    values = pd.concat(rows)
    top = values.loc[values["standardised"], "validation_r2"].max()
    axes[0, 0].set_ylim(max(-0.1, values["validation_r2"].quantile(0.1) - 0.05), top + 0.05)
    axes[0, 0].set_ylabel("validation R² of log g")
    axes[0, -1].legend(fontsize=8)
    style.save(figure, path, values)
