"""Spectra around Ca II before and after denoising."""

from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.figures.denoisers import COLOURS, LABELS, folders
from logg1m.files import read_parquet
from logg1m.results.denoiser import EXAMPLES

TITLE = "Denoised spectra"
CAPTION = "A noisy spectrum, its noise-free flux and what each denoiser makes of it."

_SHOWN = (8470.0, 8700.0)  # Å: the Ca II triplet among strong sky lines


def values(evidence: Evidence) -> pd.DataFrame:
    """One row per spectrum, denoiser and pixel."""
    columns = ("id", "snr", "wave", "noisy", "denoised", "noise_free")
    tables = {kind: read_parquet(folder / EXAMPLES, columns) for kind, folder in folders(evidence).items()}
    tables = {kind: table[table["wave"].between(*_SHOWN)] for kind, table in tables.items()}
    ids = dict.fromkeys(next(iter(tables.values()))["id"])
    parts = [table[table["id"] == number].assign(denoiser=kind) for number in ids for kind, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One row per spectrum: the spectra, and what is left of the noise."""
    ids = list(dict.fromkeys(table["id"]))
    figure, axes = style.subplots(len(ids), 2, figsize=(12, 2.6 * len(ids)), squeeze=False, sharex="col")
    for (whole, residual), (number, of_one) in zip(axes, table.groupby("id", sort=False)):
        parts = dict(list(of_one.groupby("denoiser", sort=False)))
        rows = next(iter(parts.values()))
        whole.plot(rows["wave"], rows["noisy"], color="0.75", linewidth=0.6, label="noisy")
        whole.plot(rows["wave"], rows["noise_free"], color=style.BLACK, linewidth=1.4, label="without noise")
        for kind, part in parts.items():
            whole.plot(part["wave"], part["denoised"], color=COLOURS[kind], linewidth=0.9, label=LABELS[kind])
            left = part["denoised"] - part["noise_free"]
            residual.plot(part["wave"], left, color=COLOURS[kind], linewidth=0.8)
        noise_free = rows["noise_free"]
        whole.set_ylim(noise_free.min() - 0.15, noise_free.max() + 0.15)
        whole.set_title(f"spectrum {number}, signal-to-noise {rows['snr'].iloc[0]:.1f}", fontsize=8)
        residual.set_ylim(-0.08, 0.08)
        residual.axhline(0, color=style.BLACK, linewidth=0.5)
    axes[len(ids) // 2, 0].set_ylabel("flux (median of the spectrum: 0.5)")
    axes[len(ids) // 2, 1].set_ylabel("denoised − noise-free flux")
    for axis in axes[-1]:
        axis.set_xlabel("vacuum wavelength, Å")
        axis.set_xlim(*_SHOWN)
    style.legend_below(figure, axes[0, 0], 5)
    figure.suptitle(f"MVP-{verdict['id']}: test spectra around Ca II before and after denoising", fontsize=10)
    return figure
