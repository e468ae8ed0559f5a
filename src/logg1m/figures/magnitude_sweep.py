"""MVP-1.1: what the bound allows the same stars at every magnitude."""

from typing import Any

import pandas as pd

from logg1m.bounds.sweep import SEEING
from logg1m.config.data import Observation
from logg1m.figures import style
from logg1m.figures.interactive import Plot, Series, Shown, line_figure, look, pluck
from logg1m.results.numbers import Cursor

TITLE = "R² that the Fisher bound allows, against magnitude"
CAPTION = "R²max and σ(log g) by the CRLB of the same stars at every magnitude."


def values(sweep: dict[str, Any]) -> pd.DataFrame:
    """One row per magnitude and set of labels."""
    return pd.DataFrame(sweep["rows"])


def draw(table: pd.DataFrame, sweep: dict[str, Any], observation: Observation) -> style.Figure:
    """Median of R²max and σ over the same stars, 3-D and 5-D; the 10–90 % range (band) of the latter."""
    figure, axes = style.subplots(1, 2, figsize=(9, 3.6))
    for k, (name, part) in enumerate(table.groupby("set")):
        for axis, quantity in zip(axes, ("r2_max", "sigma")):
            label = f"{part['named'].iloc[0] if 'named' in part else f'{name[0]}-D'}, median CRLB"
            mag, low, high = part["mag"], part[f"{quantity}_p10"], part[f"{quantity}_p90"]
            axis.plot(mag, part[f"{quantity}_median"], marker=style.MARKERS[k], color=style.CYCLE[k], label=label)
            if name == "5d":
                axis.fill_between(mag, low, high, color=style.CYCLE[k], alpha=0.15, linewidth=0)
            axis.set_xlabel("HSC-i AB magnitude")
            axis.grid()
    axes[0].set_ylabel("R²max = 1 − CRLB / Var(log g)")
    axes[1].set_ylabel("σ(log g), dex")
    style.plain_log(axes[1])
    axes[0].legend(fontsize=8)
    exposure = f"{observation.exposures} × {observation.exposure_time:g} s at {SEEING:g}″"
    noise = "" if sweep["noise_level"] == 1 else f", noise × {sweep['noise_level']:g}"
    axes[0].set_title(f"{table['n'].max():,} stars, {exposure}{noise}; band: 10–90 % of stars", fontsize=9)
    per_pixel = table[table["set"] == "5d"].sort_values("mag")
    spaced = per_pixel.iloc[_spaced(per_pixel["mag"].tolist())]
    for axis in axes:
        style.per_pixel(axis, spaced["mag"].tolist(), spaced["snr_pixel"].tolist())
    axes[0].set_ylim(0, 1.03)
    return figure


def plot(shown: Shown, key: str) -> Plot | None:
    """R²max against magnitude of the 3-D and 5-D bound, with its 10–90 % range over stars."""
    sweep = shown.artifact("mvp_1_1/magnitude_sweep.json")
    if sweep is None:
        return None
    series, rows = [], sweep["rows"]
    for k, name in enumerate(dict.fromkeys(row.raw["set"] for _, row in rows.items())):
        places = [j for j, row in rows.items() if row.raw["set"] == name]
        columns = ("mag", "r2_max_median", "r2_max_p10", "r2_max_p90")
        mag, middle, p10, p90 = (pluck(rows, column).at(places) for column in columns)
        named = rows[places[0]].get("named") or f"{str(name)[0]}-D"  # short where every label varies
        words, how = f"{named}, median CRLB", look(k, width=2)
        series.append(Series(words, mag, middle, (p10, p90), "Labels fitted", True, how))
    alt = "Largest R² of an unbiased estimator against magnitude; values in the table."
    axes, layout = ("HSC-i AB magnitude", "R²max = 1 − CRLB / Var(log g)"), {"yaxis": {"range": [-0.03, 1.03]}}
    note = (
        f"{max(row.raw['n'] for _, row in rows.items()):,} stars, the same at every magnitude; bars are the 10–90 % "
        f"range over stars. Median SNR per pixel: {_snr_per_pixel(rows)}."
    )
    return line_figure(key, TITLE, alt, series, *axes, layout, note=note, plot="switches")


def _spaced(mags: list[float]) -> list[int]:
    """Which of rising magnitudes get a label, so that no two overprint each other."""
    apart, kept = 0.07 * (mags[-1] - mags[0]), [0]
    for k, mag in enumerate(mags):
        if mag - mags[kept[-1]] >= apart and k:
            kept.append(k)
    return kept


def _snr_per_pixel(rows: Cursor) -> str:
    """Magnitude → SNR per pixel, for those who think in one of them."""
    known = {row.raw["mag"]: row.raw["snr_pixel"] for row in rows if row.raw.get("snr_pixel") is not None}
    return ", ".join(f"{snr:.1f} at {mag:g}" for mag, snr in sorted(known.items())) or "not recorded"
