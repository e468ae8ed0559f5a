"""Input gradients of every variant: along wavelength beside the error, and summed up per region."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import line_pixels, sky_pixels
from logg1m.figures import empty, style

_SMOOTHING = 15  # pixels, for the eye only


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """gradient_vs_error shades sky-line pixels, gradient_on_lines the features; one panel per variant."""
    shown = {name: _mean(evidence, name) for name in evidence.gradients}
    shown = {name: gradient for name, gradient in shown.items() if np.isfinite(gradient).all() and gradient.any()}
    if not shown:
        empty.draw({**verdict, "reason": "the models of this run have no derivatives"}, path)
        return
    wave, error = evidence.store.wave, evidence.pixels["error_mean"].to_numpy()
    mask, where = (
        (sky_pixels(error), "sky-line pixels") if kind == "gradient_vs_error" else (line_pixels(wave), "features")
    )
    figure, axes = plt.subplots(
        len(shown), 2, figsize=(11, 1.0 + 1.25 * len(shown)), sharex="col", squeeze=False, width_ratios=[4, 1]
    )
    columns: dict[str, Any] = {"wave": wave, "error_mean": error, where.replace(" ", "_").replace("-", "_"): mask}
    for (line, bars), (name, gradient) in zip(axes, shown.items()):
        columns[name] = gradient
        line.fill_between(wave, 0, 1, where=mask, transform=line.get_xaxis_transform(), color=style.YELLOW, alpha=0.45, linewidth=0)  # fmt: skip
        line.plot(wave, np.convolve(gradient, np.ones(_SMOOTHING) / _SMOOTHING, mode="same"), color=style.BLUE, linewidth=0.7)  # fmt: skip
        line.set_ylim(bottom=0)
        line.set_title(verdict["variants"][name]["label"], fontsize=8, pad=2)
        answer = gradient * error
        bars.barh([1, 0], [answer[mask].mean(), answer[~mask].mean()], color=[style.YELLOW, style.BLUE])
        bars.set_yticks([1, 0], [where, "elsewhere"], fontsize=7)
    axes[len(shown) // 2, 0].set_ylabel("mean |∂log g / ∂flux|, dex per unit flux")
    axes[-1, 0].set_xlabel(f"vacuum wavelength, Å (shaded: {where})")
    axes[-1, 0].set_xlim(wave[0], wave[-1])
    axes[-1, 1].set_xlabel("answer to 1σ of noise, dex/pixel", fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']} ({verdict['model']}): what the predicted log g answers to", fontsize=10)
    style.save(figure, path, pd.DataFrame(columns))


def _mean(evidence: Evidence, name: str) -> np.ndarray:
    return np.asarray(np.mean([t["gradient"].to_numpy(dtype=np.float64) for t in evidence.gradients[name]], axis=0))
