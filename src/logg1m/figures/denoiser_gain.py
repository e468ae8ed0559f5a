"""What denoisers gain and lose: signal-to-noise in and out of sky lines and along wavelength, and strength of lines."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import sky_pixels
from logg1m.figures import style
from logg1m.figures.denoisers import COLOURS, LABELS, folders
from logg1m.files import read_parquet
from logg1m.metrics import interval_of
from logg1m.results.denoiser import PROFILE

TITLE = "Gain of the denoisers along wavelength"
CAPTION = "Error that each denoiser removes, in sky-line regions and elsewhere."

_REGIONS = ("sky lines", "between sky lines", "features", "continuum")
_SMOOTHING = 25  # pixels, for the eye only
_GAIN, _KEPT, _ALONG = "snr gain, ", "strength kept, ", "gain along wavelength"
_MEAN = "mean spectrum"


def values(verdict: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """Columns denoiser, what, value, low, high (of an interval), wave (every eighth pixel)."""
    along, found = _along(evidence), verdict["extra"]["denoisers"]
    rows: list[dict[str, Any]] = []
    for name, entry in found.items():
        for row in _low_noise(entry):
            (low, high), gain = interval_of(row["snr_gain"]), row["snr_gain"]["value"]
            what = {"denoiser": name, "what": f"{_GAIN}{row['region']}"}
            rows.append(what | {"value": gain, "low": low, "high": high})
        rows += [{"denoiser": name, "what": f"{_KEPT}{line}", "value": v} for line, v in entry["strength_kept"].items()]
    shown = zip(_REGIONS, _low_noise(next(iter(found.values()))))
    rows += [{"denoiser": _MEAN, "what": f"{_GAIN}{r}", "value": row["snr_gain_of_mean"]} for r, row in shown]
    wave = evidence.pixels["wave"].to_numpy()
    for kind, gain in along.items():
        rows += [{"denoiser": kind, "what": _ALONG, "wave": w, "value": v} for w, v in zip(wave[::8], gain[::8])]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any], evidence: Evidence) -> style.Figure:
    """Above: gain per region, and what is left of lines; below: gain along wavelength."""
    found = verdict["extra"]["denoisers"]
    places = [["bars", "lines"], ["along", "along"]]
    figure, axes = style.subplot_mosaic(places, figsize=(11, 7.5), width_ratios=[3, 2])
    bars, lines = axes["bars"], axes["lines"]
    gains = table[table["what"].str.startswith(_GAIN)]
    for k, (name, entry) in enumerate(found.items()):
        part = gains[gains["denoiser"] == name]
        at = np.arange(len(part)) + (k - (len(found) - 1) / 2) * 0.16
        bars.bar(at, part["value"], 0.15, yerr=style.bars(part), color=COLOURS[name], label=LABELS[name], capsize=2)
        kept = entry["strength_kept"]
        lines.plot(list(kept.values()), range(len(kept)), "o", color=COLOURS[name])
    mean = gains.loc[gains["denoiser"] == _MEAN, "value"]
    dash = {"color": style.PURPLE, "markersize": 30, "markeredgewidth": 2}
    bars.plot(range(len(mean)), mean, "_", label="the mean spectrum in its place", **dash)
    bars.set_xticks(range(len(_REGIONS)), _REGIONS)
    style.plain_log(bars)
    bars.set_ylabel("signal-to-noise after / before")
    first = next(iter(found.values()))
    shown = _low_noise(first)
    bars.set_title(f"low-noise test, n = {shown[0]['n'] if shown else 0:,}", fontsize=8)
    bars.set_ylim(top=4 * bars.get_ylim()[1])  # room for the legend
    bars.legend(fontsize=7, loc="upper right", ncols=2)
    names = list(first["strength_kept"])
    lines.set_yticks(range(len(names)), names)
    lines.axvline(1.0, color=style.BLACK, linewidth=0.7, linestyle=":")
    lines.set_xlabel("variation of equivalent width that is kept\n(1 all, 0 every star has the mean line)")
    _draw_along(axes["along"], evidence)
    figure.suptitle(f"MVP-{verdict['id']}: what the denoisers gain, and what they lose", fontsize=10)
    return figure


def _low_noise(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What one denoiser does in each region, low-noise test."""
    of_region = {row["region"]: row for row in entry["regions"] if row["subset"] == "low_noise"}
    return [of_region[region] for region in _REGIONS if region in of_region]


def _along(evidence: Evidence) -> dict[str, np.ndarray]:
    """Gain in signal-to-noise at every pixel, by kind of denoiser."""
    gains = {}
    for kind, folder in folders(evidence).items():
        table = read_parquet(folder / PROFILE, ("wave", "before", "after"))
        power = np.ones(_SMOOTHING) / _SMOOTHING
        before, after = (np.convolve(table[name] ** 2, power, mode="same") for name in ("before", "after"))
        gains[kind] = np.sqrt(before / np.maximum(after, 1e-20))
    return gains


def _draw_along(axis: Any, evidence: Evidence) -> None:
    """Gain along wavelength, sky lines shaded."""
    error, wave = evidence.pixels["error_mean"].to_numpy(), evidence.pixels["wave"].to_numpy()
    style.shade(axis, wave, sky_pixels(error))
    for kind, gain in _along(evidence).items():
        axis.plot(wave, gain, color=COLOURS[kind], linewidth=0.8)
    style.plain_log(axis)
    style.along(axis, wave, "shaded: sky-line pixels")
    axis.set_ylabel("signal-to-noise after / before")
