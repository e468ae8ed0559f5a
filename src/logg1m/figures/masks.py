"""Which pixels masks hide: the mean error along wavelength with the hidden pixels of every variant."""

from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style

TITLE = "Hidden pixels"
CAPTION = "Which pixels each variant hides, over the mean error along wavelength."

_HIDDEN = "_hidden"


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per pixel: its mean error, and whether each variant hides it."""
    columns: dict[str, Any] = {"wave": evidence.store.wave, "error_mean": evidence.pixels["error_mean"].to_numpy()}
    for name, seeds in evidence.gradients.items():
        columns[f"{name}{_HIDDEN}"] = seeds[0]["visible"].to_numpy() == 0
    return pd.DataFrame(columns)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One panel per variant, hidden pixels in red."""
    names = list(table.columns[2:])
    wave, error = table["wave"].to_numpy(), table["error_mean"].to_numpy()
    figure, axes = style.subplots(len(names), 1, figsize=(11, 0.9 + 1.15 * len(names)), sharex=True, squeeze=False)
    for axis, column in zip(axes[:, 0], names):
        hidden, label = table[column].to_numpy(), verdict["variants"][column.removesuffix(_HIDDEN)]["label"]
        axis.plot(wave, error, color=style.SKY, linewidth=0.6)
        axis.plot(wave[hidden], error[hidden], ".", color=style.RED, markersize=2)
        axis.set_title(f"{label}: {hidden.sum():,} of {len(wave):,} pixels hidden", fontsize=8, pad=2)
    style.along(axes[-1, 0], wave, "red: hidden")
    figure.supylabel("mean 1σ error of flux / (2 × its median)", fontsize=8)
    style.titled(figure, verdict, "masks of the noisiest pixels")
    return figure
