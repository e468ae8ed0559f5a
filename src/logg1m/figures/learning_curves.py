"""Learning curves: validation R² against epochs, against the operations of all trainings, and against seconds."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from logg1m.experiments.judging.evidence import Evidence, pretraining_passes
from logg1m.figures import empty, style

TITLE = "Learning curves"
CAPTION = "Validation score against epochs and time, from scratch and pretrained."
SHOWS_TIMES = True

_AXES = {
    "epochs": "supervised epochs",
    "passes": "passes of one spectrum, pretraining included",
    "seconds": "seconds, pretraining included",
}


def values(evidence: Evidence) -> pd.DataFrame:
    """Columns variant, seed, epochs, passes, seconds, r2; seconds are spread evenly over the epochs of a training."""
    parts = []
    for name, scores in evidence.runs.scores.items():
        for seed, curve in enumerate(scores):
            epochs = np.arange(1, len(curve) + 1)
            time = evidence.times[name][seed]
            each = time.get("training_seconds", np.nan) / max(len(curve), 1)
            columns = {
                "variant": name,
                "seed": seed,
                "epochs": epochs,
                "passes": pretraining_passes(evidence.metrics[name][0])
                + epochs * evidence.metrics[name][seed]["n_fit"],
                "seconds": time.get("pretraining_seconds", 0.0) + epochs * each,
                "r2": curve,
            }
            parts.append(pd.DataFrame(columns))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        raise empty.Nothing("the models of this run are not trained in epochs")
    return table


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """Every variant and seed; dotted: the best that the reference reaches. Seconds are of the machine that ran."""
    figure, axes = style.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    names = list(dict.fromkeys(table["variant"]))
    level = table.loc[table["variant"] == verdict["reference"]].groupby("seed")["r2"].max().mean()
    for axis, (quantity, title) in zip(axes, _AXES.items()):
        for (name, seed), part in table.groupby(["variant", "seed"], sort=False):
            k = names.index(name)
            label = verdict["variants"][name]["label"] if seed == 0 else None
            axis.plot(part[quantity], part["r2"], label=label, **style.look(k) | {"markersize": 3})
        axis.axhline(level, color=style.BLACK, linewidth=0.7, linestyle=":")
        axis.set_xlabel(title)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axis.xaxis.set_major_formatter(FuncFormatter(style.short))
        axis.grid()
    low = table["r2"].quantile(0.1)
    axes[0].set_ylim(max(low - 0.05, -0.1), min(table["r2"].max() + 0.03, 1))
    axes[0].set_ylabel("validation R² of log g (all spectra)")
    style.legend_below(figure, axes[0], 3)
    style.titled(figure, verdict, "learning curves; dotted: the best that the reference reaches")
    return figure
