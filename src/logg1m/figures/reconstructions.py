"""What masked modelling reconstructs: validation spectra with the parts that were hidden from the network."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

TITLE = "Reconstructions of hidden parts"
CAPTION = "A spectrum with hidden parts and what pretraining made of them."


def values(evidence: Evidence) -> pd.DataFrame:
    """Two spectra per pretrained variant, with small and with median noise; the first seed, the first channel."""
    tables = [seeds[0].assign(variant=name) for name, seeds in evidence.reconstructions.items() if len(seeds[0])]
    if not tables:
        raise empty.Nothing("no model of this run was pretrained")
    return pd.concat(tables, ignore_index=True)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per spectrum, what was hidden shaded."""
    variants = table.groupby("variant", sort=False)
    examples = [(name, part) for name, rows in variants for _, part in rows.groupby("example")]
    figure, axes = style.subplots(len(examples), 1, figsize=(11, 1.0 + 1.9 * len(examples)), sharex=True, squeeze=False)
    for axis, (name, part) in zip(axes[:, 0], examples):
        hidden = part["hidden"].to_numpy(dtype=bool)
        style.shade(axis, part["wave"], hidden, alpha=0.35, step="mid", label="hidden")
        axis.plot(part["wave"], part["seen"], color="0.7", linewidth=0.4, label="with noise")
        axis.plot(part["wave"], part["noise_free"], color=style.BLACK, linewidth=0.8, label="without noise")
        made = np.where(hidden, part["reconstructed"], np.nan)
        # Single hidden pixels have no neighbour to draw a line to.
        dots = {"color": style.BLUE, "linewidth": 0.9, "marker": ".", "markersize": 1.5}
        axis.plot(part["wave"], made, label="reconstructed", **dots)
        low, high = np.nanquantile(part["noise_free"], [0.001, 0.999])
        margin = 0.35 * (high - low) or 1.0
        axis.set_ylim(low - margin, high + margin)
        axis.set_title(f"{verdict['variants'][name]['label']}, spectrum {part['id'].iloc[0]}", fontsize=8, pad=2)
    axes[len(examples) // 2, 0].set_ylabel("first input channel (normalised flux)")
    axes[-1, 0].set_xlabel("vacuum wavelength, Å")
    style.legend_below(figure, axes[0, 0], 4)
    style.titled(figure, verdict, "validation spectra, never trained on")
    return figure
