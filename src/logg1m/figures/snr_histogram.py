"""MVP-0.A: the signal-to-noise histogram with its thresholds."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import style
from logg1m.figures.interactive import BARS, Plot, Shown, axes, line_at, values_of, words_at
from logg1m.files import read_csv
from logg1m.results.numbers import Cursor

TITLE = "Signal-to-noise of all spectra"
CAPTION = "Histogram of the signal-to-noise of all spectra with the low-noise threshold."


def values(snr: pd.DataFrame) -> pd.DataFrame:
    """Spectra per bin of ‖flux‖/‖error‖."""
    counts, edges = np.histogram(snr["snr"].to_numpy(), bins=80)
    return pd.DataFrame({"snr_low": edges[:-1], "snr_high": edges[1:], "spectra": counts})


def draw(table: pd.DataFrame, protocol: dict[str, Any]) -> style.Figure:
    """The histogram with the thresholds of the protocol; low noise is shaded."""
    threshold = protocol["low_noise"]["threshold"]
    counts, edges = table["spectra"].to_numpy(), np.append(table["snr_low"], table["snr_high"].iloc[-1])
    figure, axis = style.subplots(figsize=(6.4, 3.6))
    axis.stairs(counts, edges, fill=True, color=style.SKY, alpha=0.5)
    axis.stairs(counts, edges, color=style.BLUE)
    words = f"low noise, n = {protocol['low_noise']['n']:,}"
    axis.axvspan(threshold, edges[-1], color=style.GREEN, alpha=0.12, label=words)
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
    protocol = shown.artifact("mvp_0_a/protocol.json") or Cursor(None, "")
    shapes, notes, beside = [], [], {"xanchor": "left", "xshift": 3}
    threshold = protocol.get("low_noise", "threshold")
    for k, (name, value) in enumerate((protocol.get("snr_definitions", "snr", "thresholds") or {}).items()):
        shapes.append(line_at(value, "@muted", "dot"))
        words = f"top {100 * float(name.removeprefix('top_')):g} %"
        notes.append(words_at(value, 0.99 - 0.08 * k, words, "@muted", **beside))
    if threshold is not None:
        shapes.append(line_at(threshold, "@red"))
        notes.append(words_at(threshold, 0.7, "low noise →", "@red", **beside))
    bars = {
        "type": "bar",
        "name": "spectra",
        "x": ((table["snr_low"] + table["snr_high"]) / 2).tolist(),
        "y": table["spectra"].tolist(),
        "width": (table["snr_high"] - table["snr_low"]).tolist(),
        "marker": BARS,
        "opacity": 0.75,
        "meta": {"y": f"{shown.table}#spectra"},
    }
    layout = axes("‖flux‖ / ‖error‖, noise-free flux", "spectra per bin", shapes=shapes, annotations=notes)
    n, low = protocol.get("n_spectra"), protocol.get("low_noise", "n")
    note = f"{n:,} spectra" + (f", of them {low:,} low-noise" if low else "") + "." if n else ""
    per_pixel = protocol.get("snr_definitions", "snr_median", "thresholds", "top_0.2")
    if per_pixel is not None:
        note += f" The top 20 % by median SNR per pixel starts at {per_pixel:.1f}."
    names = {"snr_low": "SNR from", "snr_high": "SNR to", "spectra": "spectra"}
    alt = (
        "Histogram of the signal-to-noise of all spectra with the thresholds of the low-noise protocol; counts in the "
        "table."
    )
    counts = values_of("Spectra per bin", table, shown.table, names)
    layout |= {"bargap": 0, "showlegend": False}
    return Plot(key, TITLE, alt, (bars,), layout, (shown.table,), note, table=counts)
