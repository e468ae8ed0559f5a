"""Figure of MVP-0.A: the signal-to-noise histogram with its thresholds."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.figures import style


def snr_histogram(snr: pd.DataFrame, protocol: dict[str, Any], path: Path) -> None:
    """Distribution of ‖flux‖/‖error‖ with the thresholds of the protocol; low noise is shaded."""
    values = snr["snr"].to_numpy()
    threshold = protocol["low_noise"]["threshold"]
    counts, edges = np.histogram(values, bins=80)
    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    axis.stairs(counts, edges, fill=True, color=style.SKY, alpha=0.5)
    axis.stairs(counts, edges, color=style.BLUE)
    axis.axvspan(
        threshold, edges[-1], color=style.GREEN, alpha=0.12, label=f"low noise, n = {protocol['low_noise']['n']:,}"
    )
    top = counts.max()
    for k, (name, value) in enumerate(protocol["snr_definitions"]["snr"]["thresholds"].items()):
        share = float(name.removeprefix("top_"))
        axis.axvline(value, color=style.BLACK, linewidth=1, linestyle=("-", "--", ":")[k % 3])
        axis.text(value, top * (1.02 + 0.06 * k), f" top {share:.0%}: {value:.2f}", fontsize=8, va="bottom")
    axis.set_xlabel("signal-to-noise ratio  ‖flux‖₂ / ‖error‖₂ of the noise-free flux")
    axis.set_ylabel("spectra per bin")
    axis.set_ylim(0, top * 1.25)
    axis.set_title(f"{protocol['n_spectra']:,} spectra", pad=12)
    axis.legend(loc="center right")
    style.save(figure, path, pd.DataFrame({"snr_low": edges[:-1], "snr_high": edges[1:], "spectra": counts}))
