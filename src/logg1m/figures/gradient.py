"""Input gradients of every variant: along wavelength beside a part of the spectrum, and summed up in it and outside.

The kinds `gradient_vs_error` (where: sky-line pixels) and `gradient_on_lines` (where: features) draw it.
"""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import line_pixels, sky_pixels
from logg1m.figures import empty, style

_SMOOTHING = 15  # pixels, for the eye only


def values(evidence: Evidence, where: str) -> pd.DataFrame:
    """One row per pixel: its mean error, whether it is inside, and the mean gradient (over seeds) of every variant."""
    shown = {name: _mean(evidence, name) for name in evidence.gradients}
    shown = {name: gradient for name, gradient in shown.items() if np.isfinite(gradient).all() and gradient.any()}
    if not shown:
        raise empty.Nothing("the models of this run have no derivatives")
    wave, error = evidence.store.wave, evidence.pixels["error_mean"].to_numpy()
    inside = line_pixels(wave) if where == "features" else sky_pixels(error)
    return pd.DataFrame({"wave": wave, "error_mean": error, _column(where): inside} | shown)


def draw(table: pd.DataFrame, verdict: dict[str, Any], where: str) -> style.Figure:
    """One panel per variant, what is inside shaded."""
    wave, error, mask = (table[name].to_numpy() for name in ("wave", "error_mean", _column(where)))
    names = list(table.columns[3:])
    size = (11, 1.0 + 1.25 * len(names))
    figure, axes = style.subplots(len(names), 2, figsize=size, sharex="col", squeeze=False, width_ratios=[4, 1])
    for (line, bars), name in zip(axes, names):
        gradient = table[name].to_numpy()
        style.shade(line, wave, mask)
        smooth, near = (np.convolve(x, np.ones(_SMOOTHING), mode="same") for x in (gradient, np.ones(len(gradient))))
        line.plot(wave, smooth / near, color=style.BLUE, linewidth=0.7)
        line.set_ylim(bottom=0)
        line.set_title(verdict["variants"][name]["label"], fontsize=8, pad=2)
        answer = gradient * error
        bars.barh([1, 0], [answer[mask].mean(), answer[~mask].mean()], color=[style.YELLOW, style.BLUE])
        bars.set_yticks([1, 0], [where, "elsewhere"], fontsize=7)
    axes[len(names) // 2, 0].set_ylabel("mean |∂log g / ∂flux|, dex per unit flux")
    style.along(axes[-1, 0], wave, f"shaded: {where}")
    axes[-1, 1].set_xlabel("answer to 1σ of noise, dex/pixel", fontsize=8)
    style.titled(figure, verdict, "what the predicted log g answers to")
    return figure


def _column(where: str) -> str:
    return where.replace(" ", "_").replace("-", "_")


def _mean(evidence: Evidence, name: str) -> np.ndarray:
    return np.asarray(np.mean([t["gradient"].to_numpy(dtype=np.float64) for t in evidence.gradients[name]], axis=0))
