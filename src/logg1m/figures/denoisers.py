"""What denoisers do to spectra: signal-to-noise gained in and out of sky lines, strength of lines, and examples."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import sky_pixels
from logg1m.figures import empty, style
from logg1m.files import read_parquet
from logg1m.metrics import interval_of

_LABELS = {
    "blind_spot": "blind-spot network",
    "autoencoder": "auto-encoder",
    "pca": "PCA / Wiener filter",
    "autoencoder_clean": "auto-encoder, noise-free targets (leaky)",
    "oracle": "exact Wiener filter (knows covariance and errors)",
}
_COLOURS = {
    "blind_spot": style.BLUE,
    "autoencoder": style.GREEN,
    "pca": style.ORANGE,
    "autoencoder_clean": style.RED,
    "oracle": style.BLACK,
}
_REGIONS = ("sky lines", "between sky lines", "features", "continuum")
_SMOOTHING = 25  # pixels, for the eye only
_SHOWN = (8470.0, 8700.0)  # Å: the Ca II triplet among strong sky lines


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """denoiser_gain: gains per region and along wavelength, and what is left of lines; denoiser_examples: spectra."""
    if not evidence.denoisers:
        empty.draw({**verdict, "reason": "no variant of this run has a denoiser"}, path)
    elif kind == "denoiser_gain":
        _gain(verdict, evidence, path)
    else:
        _examples(verdict, evidence, path)


def _gain(verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    found = verdict["extra"]["denoisers"]
    figure, ((bars, lines), (along, blank)) = plt.subplots(2, 2, figsize=(11, 7.5), width_ratios=[3, 2])
    blank.remove()
    grid = along.get_gridspec()
    along.remove()
    along = figure.add_subplot(grid[1, :])
    rows = []
    for k, (name, entry) in enumerate(found.items()):
        of_region = {row["region"]: row for row in entry["regions"] if row["subset"] == "low_noise"}
        gains = [of_region[region]["snr_gain"] for region in _REGIONS if region in of_region]
        at = np.arange(len(gains)) + (k - (len(found) - 1) / 2) * 0.16
        values = np.array([gain["value"] for gain in gains])
        low, high = np.array([interval_of(gain) for gain in gains]).reshape(-1, 2).T  # fmt: skip
        colour = _COLOURS[name]
        bars.bar(at, values, 0.15, yerr=[values - low, high - values], color=colour, label=_LABELS[name], capsize=2)
        kept = entry["strength_kept"]
        lines.plot(list(kept.values()), range(len(kept)), "o", color=colour)
        rows += [{"denoiser": name, "what": f"snr gain, {r}", "value": v, "low": a, "high": b}
                 for r, v, a, b in zip(of_region, values, low, high)]  # fmt: skip
        rows += [{"denoiser": name, "what": f"strength kept, {line}", "value": v} for line, v in kept.items()]
    shown = [r for r in next(iter(found.values()))["regions"] if r["subset"] == "low_noise"]
    mean = [row["snr_gain_of_mean"] for row in shown]
    bars.plot(
        range(len(mean)),
        mean,
        "_",
        color=style.PURPLE,
        markersize=30,
        markeredgewidth=2,
        label="the mean spectrum in its place",
    )
    rows += [{"denoiser": "mean spectrum", "what": f"snr gain, {r}", "value": v} for r, v in zip(_REGIONS, mean)]
    bars.set_xticks(range(len(_REGIONS)), _REGIONS)
    bars.set_yscale("log")
    bars.set_ylabel("signal-to-noise after / before")
    bars.set_title(f"low-noise test, n = {shown[0]['n'] if shown else 0:,}", fontsize=8)
    bars.set_ylim(top=4 * bars.get_ylim()[1])  # room for the legend
    bars.legend(fontsize=7, loc="upper right", ncols=2)
    names = list(next(iter(found.values()))["strength_kept"])
    lines.set_yticks(range(len(names)), names)
    lines.axvline(1.0, color=style.BLACK, linewidth=0.7, linestyle=":")
    lines.set_xlabel("variation of equivalent width that is kept\n(1 all, 0 every star has the mean line)")
    rows += _profiles(along, evidence)
    figure.suptitle(f"MVP-{verdict['id']}: what the denoisers gain, and what they lose", fontsize=10)
    style.save(figure, path, pd.DataFrame(rows))


def _profiles(axis: Any, evidence: Evidence) -> list[dict[str, Any]]:
    """Gain along wavelength, sky lines shaded; rows of the CSV, every eighth pixel."""
    error = evidence.pixels["error_mean"].to_numpy()
    wave = evidence.pixels["wave"].to_numpy()
    axis.fill_between(
        wave, 0, 1, where=sky_pixels(error), transform=axis.get_xaxis_transform(), color=style.YELLOW, alpha=0.45,
        linewidth=0,
    )  # fmt: skip
    rows = []
    for kind, folder in evidence.denoisers.items():
        table = read_parquet(folder / "profile.parquet", ("wave", "before", "after"))
        power = np.ones(_SMOOTHING) / _SMOOTHING
        before, after = (np.convolve(table[name] ** 2, power, mode="same") for name in ("before", "after"))
        gain = np.sqrt(before / np.maximum(after, 1e-20))
        axis.plot(wave, gain, color=_COLOURS[kind], linewidth=0.8)
        rows += [
            {"denoiser": kind, "what": "gain along wavelength", "wave": w, "value": v}
            for w, v in zip(wave[::8], gain[::8])
        ]
    axis.set_yscale("log")
    axis.set_xlim(wave[0], wave[-1])
    axis.set_xlabel("vacuum wavelength, Å (shaded: sky-line pixels)")
    axis.set_ylabel("signal-to-noise after / before")
    return rows


def _examples(verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    tables = {kind: read_parquet(folder / "examples.parquet", ("id", "snr", "wave", "noisy", "denoised", "noise_free"))
              for kind, folder in evidence.denoisers.items()}  # fmt: skip
    first = next(iter(tables.values()))
    ids = list(dict.fromkeys(first["id"]))
    figure, axes = plt.subplots(len(ids), 2, figsize=(12, 2.6 * len(ids)), squeeze=False, sharex="col")
    shown = first["wave"].between(*_SHOWN)
    columns = []
    for (whole, residual), number in zip(axes, ids):
        rows = first[shown & (first["id"] == number)]
        whole.plot(rows["wave"], rows["noisy"], color="0.75", linewidth=0.6, label="noisy")
        whole.plot(rows["wave"], rows["noise_free"], color=style.BLACK, linewidth=1.4, label="without noise")
        for kind, table in tables.items():
            part = table[shown & (table["id"] == number)]
            whole.plot(part["wave"], part["denoised"], color=_COLOURS[kind], linewidth=0.9, label=_LABELS[kind])
            left = part["denoised"] - part["noise_free"]
            residual.plot(part["wave"], left, color=_COLOURS[kind], linewidth=0.8)
            columns.append(part.assign(denoiser=kind))
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
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']}: test spectra around Ca II before and after denoising", fontsize=10)
    style.save(figure, path, pd.concat(columns, ignore_index=True))
