"""MVP-1.1: bias of log g against every label, with the line of the posterior mean, which shrinks too."""

from typing import Any

import pandas as pd

from logg1m.figures import empty, style
from logg1m.metrics import interval_of
from logg1m.results.words import model_name

TITLE = "Bias of log g against log g, Teff, [M/H] and magnitude"
CAPTION = (
    "Mean residual of log g of the best model in bins of every label, and that of the posterior mean, low-noise test."
)

_LABELS = {"logg": "true log g, dex", "teff": "Teff, K", "m_h": "[M/H], dex", "mag": "HSC-i AB magnitude"}
_LOOKS = {"model": (style.BLUE, "o", "-"), "bayes": (style.RED, "s", "--")}


def values(errors: dict[str, Any]) -> pd.DataFrame:
    """One row per estimator, label and bin: edges, count, mean residual and its standard error, dex."""
    if "low_noise" not in errors:
        raise empty.Nothing("no best model, or it was tested on no low-noise spectrum")
    rows = [
        {"estimator": name, "label": label, **row}
        for name, labels in errors["low_noise"]["bias"].items()
        for label, found in labels.items()
        for row in found
    ]
    return pd.DataFrame(rows, columns=["estimator", "label", "low", "high", "n", "mean", "standard_error"])


def draw(table: pd.DataFrame, errors: dict[str, Any]) -> style.Figure:
    """One panel per label."""
    shown = [label for label in _LABELS if label in set(table["label"])]
    figure, axes = style.subplots(
        1, max(len(shown), 1), figsize=(3.1 * max(len(shown), 1), 3.4), sharey=True, squeeze=False
    )
    for axis, label in zip(axes[0], shown):
        for name, (colour, marker, line) in _LOOKS.items():
            part = table[(table["label"] == label) & (table["estimator"] == name)]
            if len(part):
                how = {"color": colour, "marker": marker, "linestyle": line, "markersize": 4, "linewidth": 1.2}
                middle, bars = (part["low"] + part["high"]) / 2, part["standard_error"]
                axis.errorbar(middle, part["mean"], yerr=bars, capsize=2, label=_named(name, errors), **how)
        axis.axhline(0, color=style.BLACK, linewidth=0.7)
        axis.set_xlabel(_LABELS[label])
        axis.grid(axis="y")
    axes[0][0].set_ylabel("mean of predicted − true log g, dex")
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, fontsize=8, loc="outside upper left", ncols=2)
    return figure


def _named(name: str, errors: dict[str, Any]) -> str:
    """The estimator with its number of stars and its slope on log g."""
    found = errors["low_noise"]["shrinkage"][name]["slope"]
    low, high = interval_of(found)
    words = "posterior mean" if name == "bayes" else model_name(errors["model"])
    slope = f"slope on log g {found['value']:.2f} [{low:.2f}, {high:.2f}]"
    said = f"{words}, {errors['low_noise'][f'n_{name}']:,} stars; {slope}"
    return said.replace("-", "−")
