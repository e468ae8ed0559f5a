"""Input gradients of every variant: along wavelength beside a part of the spectrum, and summed up in it and outside.

The kinds `gradient_vs_error` (sky-line pixels) and `gradient_on_lines` (features) draw it.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style

_SMOOTHING = 15  # pixels, for the eye only


def values(evidence: Evidence, where: str, inside: np.ndarray) -> pd.DataFrame:
    """One row per pixel: its mean error, whether it is inside, and the mean gradient (over seeds) of every variant."""
    shown = {name: _mean(evidence, name) for name in evidence.gradients}
    shown = {name: gradient for name, gradient in shown.items() if np.isfinite(gradient).all() and gradient.any()}
    if not shown:
        raise empty.Nothing("the models of this run have no derivatives")
    about = {
        "wave": evidence.store.wave,
        "error_mean": evidence.pixels["error_mean"].to_numpy(),
        _column(where): inside,
    }
    return pd.DataFrame(about | shown)


def draw(table: pd.DataFrame, verdict: dict[str, Any], where: str) -> Figure:
    """One panel per variant, what is inside shaded."""
    wave, error, mask = (table[name].to_numpy() for name in ("wave", "error_mean", _column(where)))
    names = list(table.columns[3:])
    figure, axes = plt.subplots(
        len(names), 2, figsize=(11, 1.0 + 1.25 * len(names)), sharex="col", squeeze=False, width_ratios=[4, 1]
    )
    for (line, bars), name in zip(axes, names):
        gradient = table[name].to_numpy()
        line.fill_between(wave, 0, 1, where=mask, transform=line.get_xaxis_transform(), color=style.YELLOW, alpha=0.45, linewidth=0)  # fmt: skip
        line.plot(wave, np.convolve(gradient, np.ones(_SMOOTHING) / _SMOOTHING, mode="same"), color=style.BLUE, linewidth=0.7)  # fmt: skip
        line.set_ylim(bottom=0)
        line.set_title(verdict["variants"][name]["label"], fontsize=8, pad=2)
        answer = gradient * error
        bars.barh([1, 0], [answer[mask].mean(), answer[~mask].mean()], color=[style.YELLOW, style.BLUE])
        bars.set_yticks([1, 0], [where, "elsewhere"], fontsize=7)
    axes[len(names) // 2, 0].set_ylabel("mean |∂log g / ∂flux|, dex per unit flux")
    axes[-1, 0].set_xlabel(f"vacuum wavelength, Å (shaded: {where})")
    axes[-1, 0].set_xlim(wave[0], wave[-1])
    axes[-1, 1].set_xlabel("answer to 1σ of noise, dex/pixel", fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']} ({verdict['model']}): what the predicted log g answers to", fontsize=10)
    return figure


def _column(where: str) -> str:
    return where.replace(" ", "_").replace("-", "_")


def _mean(evidence: Evidence, name: str) -> np.ndarray:
    return np.asarray(np.mean([t["gradient"].to_numpy(dtype=np.float64) for t in evidence.gradients[name]], axis=0))
