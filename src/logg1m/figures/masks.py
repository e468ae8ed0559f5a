"""Which pixels masks hide: the mean error along wavelength with the hidden pixels of every variant."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """One panel per variant, hidden pixels in red."""
    wave, error = evidence.store.wave, evidence.pixels["error_mean"].to_numpy()
    columns: dict[str, Any] = {"wave": wave, "error_mean": error}
    names = list(evidence.gradients)
    figure, axes = plt.subplots(len(names), 1, figsize=(11, 0.9 + 1.15 * len(names)), sharex=True, squeeze=False)
    for axis, name in zip(axes[:, 0], names):
        hidden = evidence.gradients[name][0]["visible"].to_numpy() == 0
        columns[f"{name}_hidden"] = hidden
        axis.plot(wave, error, color=style.SKY, linewidth=0.6)
        axis.plot(wave[hidden], error[hidden], ".", color=style.RED, markersize=2)
        axis.set_title(
            f"{verdict['variants'][name]['label']}: {hidden.sum():,} of {len(wave):,} pixels hidden", fontsize=8, pad=2
        )
    axes[-1, 0].set_xlabel("vacuum wavelength, Å (red: hidden)")
    axes[-1, 0].set_xlim(wave[0], wave[-1])
    figure.supylabel("mean error over the survey", fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']} ({verdict['model']}): masks of the noisiest pixels", fontsize=10)
    style.save(figure, path, pd.DataFrame(columns))
