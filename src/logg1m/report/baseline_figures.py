"""Figures of MVP-0.B: R² against training size, and against the ridge penalty."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from logg1m.figures import style
from logg1m.metrics import interval_key, interval_of, is_measured


def scaling(scaling: dict[str, Any], path: Path) -> None:
    """R² on the common test against training size, full and low-noise, every model."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True)
    rows: list[dict[str, Any]] = []
    drawn = False
    for k, (name, entry) in enumerate(scaling["models"].items()):
        again = {"linestyle": "--", "markerfacecolor": "white"} if k >= len(style.CYCLE) else {}
        drawn |= _limit(axes[0], k, name, entry, rows)
        for axis, subset in zip(axes, ("full", "low_noise")):
            points = []
            for scale, at in entry["scales"].items():
                measured = at["common_test"][subset]
                if measured is None:
                    continue
                low, high = interval_of(measured["r2"])
                points.append((at["n_train"], measured["r2"]["value"], low, high))
                rows.append({"model": name, "scale": scale, "subset": subset, "n_train": at["n_train"], "n_test": measured["n"],
                             "r2": measured["r2"]["value"], "r2_low": low, "r2_high": high})  # fmt: skip
            if points:
                n, value, low, high = np.array(points).T
                axis.errorbar(n, value, yerr=[value - low, high - value], marker=style.MARKERS[k % 8], capsize=2,
                              color=style.CYCLE[k % 8], linewidth=1.2, markersize=5, label=_named(name, entry), **again)  # fmt: skip
    for axis, title in zip(axes, ("full test", "low-noise test")):
        subset = title.replace(" test", "").replace("-", "_")
        count = next((r["n_test"] for r in rows if r["subset"] == subset and "n_test" in r), 0)
        axis.set_xscale("log")
        axis.set_xlabel("training spectra")
        axis.set_title(f"{title}, n = {count:,}")
        axis.grid(axis="y")
    axes[0].set_ylabel("R² of log g")
    axes[1].legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    level = f"{_level(scaling)} % " if rows else ""
    figure.suptitle(
        f"common test, noise level {scaling['noise_level']:g}; bars: {level}bootstrap intervals" + _limits_named(drawn),
        fontsize=9,
        x=0.4,
    )
    style.save(figure, path, pd.DataFrame(rows))


def _named(name: str, entry: dict[str, Any]) -> str:
    """A model's name with what limits it: its setting, a best iteration that is the last, an earlier largest scale."""
    fits = [at.get("fit", {}) for at in entry["scales"].values()]
    words = list(dict.fromkeys(fit["setting"] for fit in fits if "setting" in fit))
    if any(fit.get("best_iteration_is_last") for fit in fits):
        words.append("best iteration is the last")
    if "stops_at" in entry:
        words.append(f"stops at {entry['stops_at']}")
    return f"{name} ({', '.join(words)})" if words else name


def _limit(axis: Any, k: int, name: str, entry: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Where a model's curve levels off, as a bar right of the largest scale; True if there is one to draw."""
    law = entry.get("saturation", {}).get("power_law", {})
    limit = law.get("limit", {})
    if not is_measured(limit):
        return False
    low, high = interval_of(limit)
    right = max(at["n_train"] for at in entry["scales"].values()) * (2.2 + 0.25 * (k % 8))
    axis.errorbar([right], [limit["value"]], yerr=[[max(limit["value"] - low, 0)], [max(high - limit["value"], 0)]],
                  marker="_", markersize=9, capsize=2, linestyle="none", color=style.CYCLE[k % 8])  # fmt: skip
    rows.append(
        {"model": name, "scale": "limit", "subset": "full", "r2": limit["value"], "r2_low": low, "r2_high": high}
    )
    return True


def _limits_named(drawn: bool) -> str:
    return "; dashes right of the curves: limit of a power law for ever more spectra" if drawn else ""


def _level(scaling: dict[str, Any]) -> str:
    """The level of the intervals in the table, in %."""
    entry = next(iter(next(iter(scaling["models"].values()))["scales"].values()))
    return interval_key(entry["common_test"]["full"]["r2"]).removeprefix("ci")


def alpha_curves(ridge: dict[str, Any], path: Path) -> None:
    """Validation R² against α, one panel per scale, every feature set; the chosen α is ringed, in red on an edge of
    the grid, where the optimum may lie outside."""
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
            edge = best["alpha"] in (part["alpha"].min(), part["alpha"].max())
            axis.plot(
                best["alpha"],
                best["validation_r2"],
                "o",
                markersize=11,
                markerfacecolor="none",
                color=style.RED if edge else style.BLACK,
            )
        axis.set_xscale("log")
        axis.set_xlabel("penalty α")
        held_out = f", n = {scale['n_validation']:,}" if "n_validation" in scale else ""
        axis.set_title(f"scale {name}; validation{held_out}")
        axis.grid(axis="y")
    values = pd.concat(rows)
    top = values.loc[values["standardised"], "validation_r2"].max()
    axes[0, 0].set_ylim(max(-0.1, values["validation_r2"].quantile(0.1) - 0.05), top + 0.05)
    axes[0, 0].set_ylabel("validation R² of log g")
    rings = [
        Line2D([], [], linestyle="none", marker="o", markersize=8, markerfacecolor="none", color=colour, label=words)
        for colour, words in ((style.BLACK, "chosen α"), (style.RED, "chosen α, on an edge of the grid"))
    ]
    shown = axes[0, -1].get_legend_handles_labels()[0]
    axes[0, -1].legend(handles=[*shown, *rings], fontsize=7)
    style.save(figure, path, values)
