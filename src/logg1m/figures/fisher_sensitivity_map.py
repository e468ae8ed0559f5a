"""MVP-1.1: where along wavelength the flux tells log g, with lines named."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import style
from logg1m.figures.interactive import Plot, Shown, axes, line_at, packed, words_at
from logg1m.files import InputError, read_csv
from logg1m.observe.lines import FEATURES
from logg1m.results.words import ESTIMATOR

TITLE = "Sensitivity of the flux to log g"
CAPTION = "Sensitivity of the flux to log g along wavelength, with lines named."

_IN_RANGE = [feature for feature in FEATURES if feature.in_range]
_OUT = ", ".join(feature.name for feature in FEATURES if not feature.in_range)


def values(sensitivity: pd.DataFrame) -> pd.DataFrame:
    """Mean |∂F/∂log g|/σ along wavelength of every estimator, all of it and the part that no other label imitates."""
    return sensitivity


def draw(table: pd.DataFrame, fisher: dict[str, Any]) -> style.Figure:
    """Both parts of the reference estimator's."""
    reference = fisher["reference_estimator"]
    figure, axis = style.subplots(figsize=(10, 3.8))
    wave = table["wave"].to_numpy()
    axis.plot(wave, table[reference], color=style.SKY, linewidth=0.6, label="∂F/∂log g alone")
    marginalised = table[f"{reference}_marginalised"]
    axis.plot(wave, marginalised, color=style.BLUE, linewidth=0.6, label="not imitated by other labels")
    top = float(table[reference].max()) or 1.0  # all zero where no star has a derivative
    half_label = 0.027 * (wave[-1] - wave[0])
    for k, feature in enumerate(_IN_RANGE):
        axis.axvline(feature.vacuum, color=style.RED, linewidth=0.6, alpha=0.5)
        middle = np.clip(feature.vacuum, wave[0] + half_label, wave[-1] - half_label)
        axis.text(middle, top * (1.03 + 0.09 * (k % 3)), feature.name, fontsize=7, ha="center", color=style.RED)
    axis.set_ylim(0, top * 1.32)
    style.along(axis, wave)
    axis.set_ylabel("mean |∂F/∂log g| / σ, per dex")
    style.legend_below(figure, axis, 2)
    axis.set_title(f"sensitivity of the flux to log g ({ESTIMATOR[reference]}); out of range: {_OUT}")
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """The same, both parts with a switch."""
    table = read_csv(shown.table, ("wave",))
    best = next((name for name in ESTIMATOR if name in table), None)
    if best is None:
        raise InputError(f"{shown.table} has no column of an estimator (exact, local_linear or knn)")
    wave = packed(table["wave"].to_numpy(dtype=np.float32))
    columns = {best: ("∂F/∂log g alone", "@muted")}
    columns[f"{best}_marginalised"] = ("not imitated by other labels", "@blue")
    traces = []
    for column, (words, colour) in columns.items():
        if column in table:
            y, meta = (
                packed(table[column].to_numpy(dtype=np.float32)),
                {"y": f"{shown.table}#{column}", "group": "Shown"},
            )
            line = {"type": "scatter", "mode": "lines", "name": words, "line": {"color": colour, "width": 1}}
            traces.append(line | {"x": wave, "y": y, "meta": meta})
    marked = [
        words_at(f.vacuum, 1.01 + 0.05 * (k % 2), f.name, "@red", yanchor="bottom") for k, f in enumerate(_IN_RANGE)
    ]
    layout = axes("vacuum wavelength, Å", "mean |∂F/∂log g| / σ, per dex", annotations=marked)
    layout["shapes"] = [line_at(f.vacuum, "@red", "dot") for f in _IN_RANGE]
    layout["margin"] = {"l": 56, "r": 14, "t": 40, "b": 52}
    note = f"Mean over low-noise spectra; estimator: {ESTIMATOR[best]}; out of range: {_OUT}."
    return Plot(key, TITLE, CAPTION, tuple(traces), layout, (shown.table,), note, "switches")
