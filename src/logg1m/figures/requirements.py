"""MVP-1.1: what an unknown flux calibration, reddening or velocity costs the bound and the ceiling."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures import style

TITLE = "What flux calibration, dereddening and velocities have to be good to"
CAPTION = (
    "R² of the ceiling, and of estimators that ignore an unknown or allow for it needlessly, against its 1σ error."
)
_AXES = {
    "calibration": ("1σ error of the flux calibration per order, %", 100.0),
    "ebv": ("1σ error of E(B−V), mag", 1.0),
    "velocity_km_s": ("1σ error of the velocity, km/s", 1.0),
}
_LINES = {"ceiling": "ceiling", "needless": "allowed for, but absent", "ignored": "ignored"}


def values(requirements: dict[str, Any]) -> pd.DataFrame:
    """One row per unknown and error; intervals as _low and _high."""
    return pd.json_normalize([_flat(row) for row in requirements["rows"]])


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in row.items() if not isinstance(value, dict)}
    for kind, scores in row.items():
        for name, found in scores.items() if isinstance(scores, dict) else ():
            flat[f"{kind}_{name}"] = found["value"]
            flat[f"{kind}_{name}_low"], flat[f"{kind}_{name}_high"] = found["ci95"]
    return flat


def draw(table: pd.DataFrame, requirements: dict[str, Any]) -> style.Figure:
    """R² of the three estimators against the error of each unknown, from nothing unknown but the amplitude on."""
    names = [name for name in _AXES if (table["unknown"] == name).any()]
    figure, axes = style.subplots(1, len(names), figsize=(3.6 * len(names), 3.6), sharey=True, squeeze=False)
    start = table[table["unknown"] == "amplitude"].iloc[0]
    for axis, name in zip(axes[0], names):
        part = table[table["unknown"] == name].sort_values("error")
        label, unit = _AXES[name]
        for k, (kind, words) in enumerate(_LINES.items()):
            error = np.append(0.0, part["error"]) * unit
            middle = np.append(start["ceiling_r2"], part[f"{kind}_r2"])
            axis.plot(error, middle, marker=style.MARKERS[k], color=style.CYCLE[k], label=words)
        axis.set_xlabel(label)
        axis.grid()
    axes[0][0].set_ylabel("R² of log g")
    axes[0][0].legend(fontsize=8)
    axes[0][0].set_title(f"{int(start['n']):,} low-noise stars", fontsize=9)
    return figure
