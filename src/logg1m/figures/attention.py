"""Attention along wavelength, layer by layer, with the windows that are sensitive to log g."""

from typing import Any

import pandas as pd

from logg1m.experiments.extras.attention_mass import WINDOWS
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.inputs.windows import windows

TITLE = "Attention along wavelength"
CAPTION = "Share of the attention that falls on each part of the spectrum, by layer."


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per variant, layer and token (first seed); over_uniform: 1 = attention without preference."""
    rows = [
        tokens.assign(variant=name, over_uniform=tokens["attention"] * len(tokens))
        for name, seeds in evidence.attention.items()
        for _, tokens in seeds[0].sort_values("low").groupby("layer")
    ]
    if not rows:
        raise empty.Nothing("the models of this run have no attention")
    return pd.concat(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any], evidence: Evidence) -> style.Figure:
    """One panel per variant, one line per layer."""
    shown = dict(list(table.groupby("variant", sort=False)))
    wave = evidence.store.wave
    inside = windows(WINDOWS, wave, evidence.sensitivity)[0]
    size = (11, 1 + 1.5 * len(shown))
    figure, axes = style.subplots(len(shown), 1, figsize=size, sharex=True, sharey=True, squeeze=False)
    for axis, (name, part) in zip(axes[:, 0], shown.items()):
        style.shade(axis, wave, inside)
        for k, (layer, tokens) in enumerate(part.groupby("layer")):
            middle = (tokens["low"] + tokens["high"]) / 2
            line = {"drawstyle": "steps-mid", "color": style.CYCLE[k % 8], "linewidth": 1}
            axis.plot(middle, tokens["over_uniform"], label=f"layer {layer:g}", **line)
        axis.axhline(1, color=style.BLACK, linewidth=0.6, linestyle=":")
        axis.set_title(verdict["variants"][name]["label"], fontsize=8, pad=2)
    axes[0, 0].legend(fontsize=7, ncols=6)
    style.along(axes[-1, 0], wave, "shaded: windows of guidance")
    figure.supylabel("attention received over the mean", fontsize=8)
    style.titled(figure, verdict, "attention of tokens, low-noise test")
    return figure
