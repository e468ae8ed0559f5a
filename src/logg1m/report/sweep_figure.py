"""Figure of the magnitude sweep: R²max and σ(log g) against magnitude."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from logg1m.report import style


def magnitude_sweep(rows: list[dict[str, Any]], path: Path) -> None:
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
                label=f"{name[0]}-D, median",
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
    axes[0].set_title(f"{table['n'].max():,} stars, 12 × 900 s at 0.8″; bands: 10–90 % of stars", fontsize=9)
    for _, row in table[table["set"] == "5d"].iterrows():
        axes[0].annotate(
            f"SNR {row['snr_pixel']:.1f}", (row["mag"], 0.02), fontsize=7, rotation=90, ha="center", va="bottom"
        )
    axes[0].set_ylim(0, 1.03)
    style.save(figure, path, table)
