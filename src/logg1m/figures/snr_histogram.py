"""MVP-0.A: the signal-to-noise histogram with its thresholds."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from logg1m.figures import style
from logg1m.figures.interactive import Plot, Shown, line_at, plain, values_of
from logg1m.files import read_csv

TITLE = "Signal-to-noise of all spectra"
CAPTION = "Histogram of the signal-to-noise of all spectra with the low-noise threshold."


def values(snr: pd.DataFrame) -> pd.DataFrame:
    """Spectra per bin of ‖flux‖/‖error‖."""
    counts, edges = np.histogram(snr["snr"].to_numpy(), bins=80)
    return pd.DataFrame({"snr_low": edges[:-1], "snr_high": edges[1:], "spectra": counts})


def draw(table: pd.DataFrame, protocol: dict[str, Any]) -> Figure:
    """The histogram with the thresholds of the protocol; low noise is shaded."""
    threshold = protocol["low_noise"]["threshold"]
    counts, edges = table["spectra"].to_numpy(), np.append(table["snr_low"], table["snr_high"].iloc[-1])
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
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """How many spectra there are at each signal-to-noise, with the thresholds of the protocol."""
    table = read_csv(shown.table, ("snr_low", "snr_high", "spectra"))
    protocol = shown.artifact("mvp_0_a/protocol.json")
    shapes, notes = [], []
    threshold = protocol.at("low_noise", "threshold") if protocol else None
    quantiles = protocol.at("snr_definitions", "snr", "thresholds") if protocol else None
    for k, (name, value) in enumerate(quantiles.items() if quantiles else ()):
        shapes.append(line_at(value.raw, "@muted", "dot"))
        share = 100 * float(str(name).removeprefix("top_"))
        notes.append({"x": value.raw, "y": 0.99 - 0.08 * k, "yref": "paper", "text": f"top {share:g} %", "showarrow": False,
                      "xanchor": "left", "xshift": 3, "font": {"color": "@muted", "size": 11}})  # fmt: skip
    if threshold is not None:
        shapes.append(line_at(threshold.raw, "@red"))
        notes.append({"x": threshold.raw, "y": 0.7, "yref": "paper", "text": "low noise →", "showarrow": False, "xanchor": "left",
                      "xshift": 3, "font": {"color": "@red"}})  # fmt: skip
    bars = {
        "type": "bar", "name": plain("spectra"), "x": ((table["snr_low"] + table["snr_high"]) / 2).tolist(),
        "y": table["spectra"].tolist(), "width": (table["snr_high"] - table["snr_low"]).tolist(),
        "marker": {"color": "@sky", "line": {"width": 0}}, "opacity": 0.75, "meta": {"y": f"{shown.table}#spectra"},
    }  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "‖flux‖ / ‖error‖, noise-free flux"}}, "yaxis": {"title": {"text": "spectra per bin"}},
        "shapes": shapes, "annotations": notes, "bargap": 0, "showlegend": False,
    }  # fmt: skip
    n = protocol.at("n_spectra") if protocol else None
    low = protocol.at("low_noise", "n") if protocol else None
    note = f"{n.raw:,} spectra" + (f", of them {low.raw:,} low-noise" if low else "") + "." if n else ""
    per_pixel = protocol.at("snr_definitions", "snr_median", "thresholds", "top_0.2") if protocol else None
    if per_pixel is not None:
        note += f" The top 20 % by median SNR per pixel starts at {per_pixel.raw:.1f}."
    names = {"snr_low": "SNR from", "snr_high": "SNR to", "spectra": "spectra"}
    return Plot(
        key, TITLE, "Histogram of the signal-to-noise of all spectra with the thresholds of the low-noise protocol; counts in "
        "the table.", (bars,), layout, (shown.table,), note=note, table=values_of("Spectra per bin", table, shown.table, names),
    )  # fmt: skip
