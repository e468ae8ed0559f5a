"""Figure of the magnitude sweep: R²max and σ(log g) against magnitude."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.bounds.sweep import SEEING
from logg1m.config.data import Observation
from logg1m.figures import style


def magnitude_sweep(rows: list[dict[str, Any]], observation: Observation, noise_level: float, path: Path) -> None:
    """Median (line) and 10–90 % range (band) of R²max and σ over the same stars, 3-D and 5-D."""
    table = pd.DataFrame(rows)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for k, (name, part) in enumerate(table.groupby("set")):
        for axis, quantity in zip(axes, ("r2_max", "sigma")):
            axis.plot(
                part["mag"],
                part[f"{quantity}_median"],
                marker=style.MARKERS[k],
                color=style.CYCLE[k],
                label=f"{part['named'].iloc[0] if 'named' in part else f'{name[0]}-D'}, median",
            )
            axis.fill_between(
                part["mag"], part[f"{quantity}_p10"], part[f"{quantity}_p90"], color=style.CYCLE[k], alpha=0.15
            )
            axis.set_xlabel("HSC-i AB magnitude")
            axis.grid()
    axes[0].set_ylabel("R²max = 1 − CRLB / Var(log g)")
    axes[1].set_ylabel("σ(log g), dex")
    axes[1].set_yscale("log")
    axes[0].legend(fontsize=8)
    exposure = f"{observation.exposures} × {observation.exposure_time:g} s at {SEEING:g}″"
    noise = "" if noise_level == 1 else f", noise × {noise_level:g}"
    axes[0].set_title(f"{table['n'].max():,} stars, {exposure}{noise}; bands: 10–90 % of stars", fontsize=9)
    per_pixel = table[table["set"] == "5d"].sort_values("mag")
    top = axes[0].secondary_xaxis("top")
    spaced = _spaced(per_pixel["mag"].tolist())
    top.set_xticks(
        per_pixel["mag"].iloc[spaced], [f"{snr:.1f}" for snr in per_pixel["snr_pixel"].iloc[spaced]], fontsize=7
    )
    top.set_xlabel("median SNR per pixel", fontsize=8)
    axes[0].set_ylim(0, 1.03)
    style.save(figure, path, table)


def _spaced(mags: list[float]) -> list[int]:
    """Which of rising magnitudes get a label, so that no two overprint each other."""
    apart, kept = 0.07 * (mags[-1] - mags[0]), [0]
    for k, mag in enumerate(mags):
        if mag - mags[kept[-1]] >= apart and k:
            kept.append(k)
    return kept
