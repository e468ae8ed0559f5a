"""Excess over the exact posterior mean against what a training saw and took: stars, draws of noise, seconds."""

import json
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.metrics import interval_of

TITLE = "Excess over the exact posterior mean"
CAPTION = (
    "Squared distance from the exact posterior mean over the posterior's variance, low-noise test, against the different "
    "stars that a training saw, their draws of noise, and its seconds; a line joins trainings that differ in length alone."
)
SHOWS_TIMES = True

_AXES = {"stars": "different stars", "draws": "spectra with noise of their own", "seconds": "seconds of training"}


def values(evidence: Evidence) -> pd.DataFrame:
    """Columns variant, seed, alike (same number: the same recipe but for its length), excess, low, high, stars, draws, seconds."""
    rows, recipes = [], []
    for name, seeds in evidence.metrics.items():
        for seed, metrics in enumerate(seeds):
            found = (metrics.get("efficiency") or {}).get("excess")
            history = evidence.histories.get(name, [])
            if not found or seed >= len(history) or "epoch" not in history[seed]:
                continue
            recipe = json.dumps(metrics["recipe"] | {"supervised_epochs_factor": 0}, sort_keys=True)
            recipes += [recipe] * (recipe not in recipes)
            epochs, time = history[seed], evidence.times.get(name, [{}])[seed]
            low, high = interval_of(found)
            rows.append(
                {
                    "variant": name,
                    "seed": seed,
                    "alike": recipes.index(recipe),
                    "excess": found["value"],
                    "low": low,
                    "high": high,
                    "stars": epochs["stars"].iloc[-1] if "stars" in epochs else metrics["n_fit"],
                    "draws": len(epochs) * metrics["n_fit"],
                    "seconds": time.get("training_seconds", np.nan),
                }
            )
    if not rows:
        raise empty.Nothing("no model of this run is trained in epochs and compared with exact posteriors")
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One point per training with its interval, both axes logarithmic."""
    figure, axes = style.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    names = list(dict.fromkeys(table["variant"]))
    for axis, (quantity, title) in zip(axes, _AXES.items()):
        for _, alike in table.groupby(["alike", "seed"], sort=False):
            ordered = alike.sort_values(quantity)
            axis.plot(ordered[quantity], ordered["excess"], color=style.BLACK, linewidth=0.7, zorder=0)
        for (name, seed), point in table.groupby(["variant", "seed"], sort=False):
            label = verdict["variants"][name]["label"] if seed == 0 else None
            how = style.look(names.index(name)) | {"linestyle": "", "capsize": 2, "markersize": 6}
            axis.errorbar(point[quantity], point["excess"], yerr=style.bars(point, "excess"), label=label, **how)
        for scale, ticks in ((axis.set_xscale, axis.xaxis), (axis.set_yscale, axis.yaxis)):
            scale("log")
            ticks.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ticks.set_major_formatter(FuncFormatter(style.short))
            ticks.set_minor_locator(NullLocator())
        axis.set_xlabel(title)
        axis.grid()
    axes[0].set_ylabel("excess, low-noise test")
    style.legend_below(figure, axes[0], 3)
    style.titled(figure, verdict, "excess over the exact posterior mean")
    return figure
