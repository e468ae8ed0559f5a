"""MVP-1.1: bounds of every estimator and errors of models on low-noise spectra."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.bounds.comparison import GAUSSIAN_MEDIAN
from logg1m.figures import style
from logg1m.figures.fisher import NUMBERS, counts, dimensions, models_shown, size
from logg1m.figures.interactive import COLOURS, Plot, Series, Shown, csv_column, line_figure
from logg1m.files import read_csv
from logg1m.results.words import ESTIMATOR, model_name

TITLE = "Bounds and errors of low-noise spectra"
CAPTION = "Distributions of the Fisher bound and of model errors."

_SIGMA, _ERROR = "sigma_5d_", "error_"
_LEVELS = np.linspace(0.5, 99.5, 199)  # percent


def values(stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Percentiles of σ(log g) of each estimator and of |error| / 0.6745 of each model, dex."""
    columns: dict[str, Any] = {"percentile": _LEVELS}
    for name, sigma in _bounds(stars).items():
        columns[f"{_SIGMA}{name}"] = np.percentile(sigma, _LEVELS)
    for name, error in _errors(stars, predictions).items():
        columns[f"{_ERROR}{name}"] = np.percentile(error, _LEVELS)
    return pd.DataFrame(columns)


def draw(table: pd.DataFrame, stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> style.Figure:
    """Cumulative distributions."""
    figure, axis = style.subplots(figsize=(6.6, 4))
    below = table["percentile"] / 100
    for k, (name, sigma) in enumerate(_bounds(stars).items()):
        words = f"σ {dimensions(stars)}-D, {ESTIMATOR[name]} (n = {len(sigma):,} of {len(stars):,})"
        axis.plot(table[f"{_SIGMA}{name}"], below, color=style.BLACK, linestyle=("-", "--", ":")[k], label=words)
    for k, (name, error) in enumerate(_errors(stars, predictions).items()):
        words = f"|error| / 0.6745, {model_name(name)} (n = {len(error):,})"
        axis.plot(table[f"{_ERROR}{name}"], below, color=style.CYCLE[k % 6], label=words)
    axis.set_xscale("log")
    axis.set_xlim(0.02, 5)
    axis.set_xlabel("σ(log g) or scaled error, dex")
    axis.set_ylabel("share of low-noise spectra below")
    axis.grid()
    axis.legend(fontsize=7, loc="upper left")
    axis.set_title("bounds and errors on low-noise spectra")
    return figure


def plot(shown: Shown, key: str) -> Plot:
    """The same, every line with a switch."""
    table = read_csv(shown.table, ("percentile",))
    series = []
    below = csv_column(table, shown.table, "percentile")
    for k, name in enumerate(str(c) for c in table.columns if c != "percentile"):
        if name.startswith(_SIGMA):
            words, group = (
                f"σ {size(shown.artifact(NUMBERS))}, {ESTIMATOR.get(name.removeprefix(_SIGMA), name)}",
                "Bounds",
            )
            line = {"color": "@ink", "width": 2, "dash": ("solid", "dash", "dot")[k % 3]}
        else:
            words, group = f"|error| / 0.6745, {model_name(name.removeprefix(_ERROR))}", "Models"
            line = {"color": COLOURS[k % 6], "width": 2, "dash": "solid"}
        how = {"mode": "lines", "line": line}
        series.append(Series(words, csv_column(table, shown.table, name), below, None, group, True, how))
    alt = "Cumulative distributions of the Fisher bound and of model errors on low-noise spectra."
    axes = "σ(log g) or scaled error, dex", "percent of low-noise spectra below"
    layout = {"xaxis": {"type": "log", "range": [-1.7, 0.7], "dtick": "D2"}}
    note = counts(shown.artifact(NUMBERS))
    return line_figure(key, TITLE, alt, series, *axes, layout, plot="switches", note=note)


def _bounds(stars: pd.DataFrame) -> dict[str, np.ndarray]:
    """σ(log g) of the spectra for which an estimator has one, by estimator; none for one that has none at all."""
    present = [name for name in ESTIMATOR if f"{name}_sigma_5d" in stars]
    known = {name: stars[f"{name}_sigma_5d"].dropna().to_numpy() for name in present}
    return {name: sigma for name, sigma in known.items() if len(sigma)}


def _errors(stars: pd.DataFrame, predictions: dict[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """|error| / 0.6745 on the spectra that have bounds, by model."""
    rows = {name: table[table["id"].isin(stars["id"])] for name, table in models_shown(predictions).items()}
    return {name: (r["predicted"] - r["truth"]).abs().to_numpy() / GAUSSIAN_MEDIAN for name, r in rows.items()}
