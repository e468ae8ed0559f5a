"""Bias maps: the mean residual of log g in bins of another label. The kinds `bias_teff` and `bias_m_h` draw it."""

from dataclasses import replace
from typing import Any

import pandas as pd

from logg1m.figures import style
from logg1m.figures.interactive import COLOURS, Column, Plot, Series, Shown, line_at, line_figure, look, pluck

_LABELS = {"teff": "Teff, K", "m_h": "[Fe/H], dex"}


def values(verdict: dict[str, Any], label: str) -> pd.DataFrame:
    """Every variant's bins."""
    variants = verdict["variants"].items()
    return pd.concat([pd.DataFrame(variant["bias"][label]).assign(variant=name) for name, variant in variants])


def draw(table: pd.DataFrame, verdict: dict[str, Any], label: str) -> style.Figure:
    """One line per variant, bars for the standard error."""
    figure, axis = style.subplots(figsize=(6.4, 3.6))
    for k, (name, variant) in enumerate(verdict["variants"].items()):
        part = table[table["variant"] == name]
        middle = (part["low"] + part["high"]) / 2 + 0.04 * (k - 0.5) * (part["high"] - part["low"])
        how = style.look(k) | {"capsize": 2, "label": variant["label"]}
        axis.errorbar(middle, part["mean"], yerr=part["standard_error"], **how)
    axis.axhline(0, color=style.BLACK, linewidth=0.7)
    axis.set_xlabel(_LABELS[label])
    axis.set_ylabel("mean of predicted − true log g, dex")
    axis.set_title(f"{style.experiment(verdict)}, full test, n = {verdict['n_test']:,}")
    style.legend_below(figure, axis, 2)
    return figure


def plot(shown: Shown, key: str, label: str, title: str) -> Plot | None:
    """Every variant with a switch."""
    verdict, series = shown.verdict, []
    for k, (_, entry) in enumerate(verdict["variants"].items()):
        rows = entry.at("bias", label)
        if rows is None or not rows.raw:
            continue
        mean, spread = pluck(rows, "mean"), pluck(rows, "standard_error")
        bars = {"type": "data", "array": list(spread.values), "thickness": 1, "width": 2}
        how = look(k, width=1.6, colours=COLOURS) | {"error_y": bars}
        low, high = pluck(rows, "low"), pluck(rows, "high")
        centres = Column(tuple(replace(a, raw=(a.raw + b.raw) / 2) for a, b in zip(low.cells, high.cells)), low.source)
        words = tuple(f"{a:g} to {b:g}".replace("-", "−") for a, b in zip(low.values, high.values))
        series.append(Series(entry.raw["label"], centres, mean, None, "Variants", True, how, words, "centre"))
    if not series:
        return None
    name, n = _LABELS[label], verdict.raw.get("n_test")
    alt = f"Mean residual of log g in bins of {name} for every variant; values in the table."
    axes = f"{name} (middle of the bin)", "mean of predicted − true log g, dex"
    note = f"Bars are standard errors; full test{f', {n:,} spectra' if n else ''}."
    layout = {"shapes": [line_at(0, "@muted", "solid", "y")]}
    return line_figure(key, title, alt, series, *axes, layout, note=note, plot="switches")
