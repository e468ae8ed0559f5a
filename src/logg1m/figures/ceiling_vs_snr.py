"""MVP-1.1: R² that the data allow, and what models reach, against signal-to-noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.figures import style
from logg1m.figures.fisher import models_shown
from logg1m.figures.interactive import MODEL_COLOURS, Plot, Series, bounds_of, line_figure, look, pluck
from logg1m.metrics import interval_of
from logg1m.results.numbers import Cursor
from logg1m.results.words import model_name

TITLE = "The ceiling and models against signal-to-noise"
CAPTION = "The Bayes-optimal ceiling and what models reach, in bins of signal-to-noise; the CSV has the CRLB, too."

CEILINGS = "What the data allow"
_BOUNDS = ("crlb_median_r2", "crlb_mean_r2")
_BAYES = "bayes_optimal"
_PER_PIXEL = "snr_per_pixel"
_TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)
PerPixel = Sequence[tuple[float, float]]  # (‖flux‖/‖error‖, median S/N per pixel)
_FEWEST = 20  # test spectra of a model in a bin that is shown


def values(
    fisher: dict[str, Any],
    members: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    snr: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per series and bin: median signal-to-noise, R² (with an interval of the Bayes-optimal one), spectra; of
    models also the spectra of the whole test. Where snr is given, rows of the second axis, which have no R²: the median
    S/N per pixel at a signal-to-noise."""
    ceilings = fisher["ceilings"]
    bins = ceilings["snr_bins"]
    rows = [{"series": k, "snr": b["snr_median"], "r2": b[k], "n": b["n"]} for k in _BOUNDS for b in bins]
    for b in ceilings.get("bayes_bins", []):
        about = {"series": _BAYES, "snr": b["snr_median"], "r2": b["r2"]["value"], "n": b["n"]}
        rows.append(about | dict(zip(("r2_low", "r2_high"), interval_of(b["r2"]))))
    for name, table in models_shown(predictions).items():
        about = members.loc[table["id"], "snr"].to_numpy()
        for low, high in pairwise(metrics.SNR_EDGES):
            inside = (about >= low) & (about < high)
            if inside.sum() < _FEWEST:
                continue
            truth = table["truth"].to_numpy()[inside]
            error = table["predicted"].to_numpy()[inside] - truth
            reached = float(metrics.r2(truth, error)(np.ones((1, len(truth)), dtype=np.float32))[0])
            counts = {"n": int(inside.sum()), "n_test": len(table)}
            rows.append({"series": name, "snr": float(np.median(about[inside])), "r2": reached} | counts)
    beside = per_pixel(snr) if snr is not None else ()
    rows += [{"series": _PER_PIXEL, "snr": at, "per_pixel": found} for at, found in beside]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, fisher: dict[str, Any]) -> style.Figure:
    """The ceiling, and the models' R² on the same bins of the test set, the one nearest to it first.

    The CRLB stands in where there is no Bayes-optimal ceiling; the page and the CSV have all of them.
    """
    figure, axis = style.subplots(figsize=(7.4, 4.6))
    bayes = table[table["series"] == _BAYES]
    if len(bayes):
        how = {"color": style.RED, "marker": "o", "markersize": 4, "capsize": 2, "linewidth": 2}
        words = f"{_optimal_named(fisher)}, {int(bayes['n'].sum()):,} spectra"
        bars = [bayes["r2"] - bayes["r2_low"], bayes["r2_high"] - bayes["r2"]]
        axis.errorbar(bayes["snr"], bayes["r2"], yerr=bars, label=words, **how)
    else:
        median = table[table["series"] == _BOUNDS[0]]
        words = f"median CRLB (bound of unbiased estimators), {int(median['n'].sum()):,} spectra"
        axis.plot(median["snr"], median["r2"], color=style.BLACK, label=words)
    shown = [name for name in table["series"].unique() if name not in (*_BOUNDS, _BAYES, _PER_PIXEL)]
    for name in sorted(shown, key=lambda name: -table.loc[table["series"] == name, "r2"].mean()):
        of = table[table["series"] == name]
        words = f"{model_name(name)}{_smaller(fisher, name)}, {int(of['n_test'].iloc[0]):,} test spectra"
        axis.plot(of["snr"], of["r2"], label=words, **style.look(shown.index(name)))
    axis.set_xscale("log")
    axis.minorticks_off()
    axis.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axis.set_xlabel("signal-to-noise ratio  ‖flux‖₂ / ‖error‖₂")
    axis.set_ylabel("R² of log g")
    axis.set_ylim(-0.05, 1.02)
    axis.grid()
    axis.legend(fontsize=8, loc="lower right")
    beside = table[table["series"] == _PER_PIXEL]
    if len(beside):
        style.per_pixel(axis, beside["snr"].tolist(), beside["per_pixel"].tolist())
    return figure


@dataclass(frozen=True)
class TestedModel:
    """A trained model that the page can show: its name, the group of its switch, its rows per bin of SNR."""

    name: str
    group: str
    snr_bins: Cursor
    shown: bool


def per_pixel(snr: pd.DataFrame) -> PerPixel:
    """(‖flux‖/‖error‖, median S/N per pixel of the spectra about it), at the ticks; columns snr, snr_median."""
    found = []
    for tick in _TICKS:
        near = snr.loc[(snr["snr"] > tick / 1.1) & (snr["snr"] < tick * 1.1), "snr_median"]
        if len(near) >= _FEWEST:
            found.append((float(tick), float(near.median())))
    return tuple(found)


def plot(fisher: Cursor | None, models: Sequence[TestedModel], per_pixel: PerPixel = ()) -> Plot | None:
    """R² in bins of ‖flux‖/‖error‖: what the data allow, and every model, each with a switch of its own."""
    series = _ceilings(fisher) if fisher else []
    shown = [model for model in models if len(model.snr_bins.raw)]
    for k, model in enumerate(shown):
        bins = model.snr_bins
        how = look(k, dash=("solid", "dash", "dot")[k // 6 % 3], colours=MODEL_COLOURS)
        snr, r2 = pluck(bins, "snr_median"), pluck(bins, "r2", "value")
        series.append(Series(model.name, snr, r2, bounds_of(bins, "r2"), model.group, model.shown, how))
    if not series:
        return None
    title = "R² of log g against signal-to-noise"
    alt = (
        "R² of log g in bins of signal-to-noise for the ceiling, the CRLB and every model of this run; values in the "
        "table."
    )
    known = {tick: f"<br>{pixel:.1f}" for tick, pixel in per_pixel}
    ticks = {"tickvals": _TICKS, "ticktext": [f"{t:g}{known.get(float(t), '')}" for t in _TICKS]}
    layout = {"xaxis": {"type": "log"} | ticks, "yaxis": {"range": [_lowest(series), 1.02]}}
    note = (
        f"Every model on its own test spectra{_tested(shown)}; bars are bootstrap intervals. No estimator can lie "
        "above the Bayes-optimal ceiling by more than chance; a biased one can pass the CRLB, the Cramér–Rao bound of "
        "unbiased ones."
    )
    more: dict[str, Any] = {"note": note, "plot": "switches", "height": 460, "extra": {"adapts": True}}
    second = "; second line: median S/N per pixel" if per_pixel else ""
    axes = f"‖flux‖ / ‖error‖ (median of the bin){second}", "R² of log g"
    return line_figure("r2-against-snr", title, alt, series, *axes, layout, **more)


def _tested(models: Sequence[TestedModel]) -> str:
    """How many spectra they were tested on, all bins together."""
    sizes = sorted({sum(row["n"] for row in model.snr_bins.raw if row.get("n")) for model in models})
    if not sizes:
        return ""
    return f" ({sizes[0]:,})" if len(sizes) == 1 else f" ({sizes[0]:,} to {sizes[-1]:,})"


def _lowest(series: Sequence[Series]) -> float:
    """Lower end of an axis of R²: 0, or as far below it as what is shown at first goes, at most −1."""
    values = [v for s in series if s.shown for v in s.y.values if v is not None]
    return max(-1.0, min([0.0, *map(float, values)]) - 0.05)


def _ceilings(fisher: Cursor) -> list[Series]:
    series = []
    bayes, bins = fisher.at("ceilings", "bayes_bins"), fisher.at("ceilings", "snr_bins")
    if bayes is not None and bayes.raw:
        how: dict[str, Any] = {"line": {"color": "@red", "width": 2.6}, "marker": {"color": "@red", "size": 6}}
        snr, r2 = pluck(bayes, "snr_median"), pluck(bayes, "r2", "value")
        series.append(Series("Bayes-optimal ceiling", snr, r2, bounds_of(bayes, "r2"), CEILINGS, True, how))
    if bins is not None and bins.raw:
        for key, dash, name in zip(_BOUNDS, ("solid", "dash"), ("median CRLB", "mean CRLB")):
            how = {"mode": "lines", "line": {"color": "@ink", "width": 2, "dash": dash}}
            snr, r2 = pluck(bins, "snr_median"), pluck(bins, key)
            series.append(Series(name, snr, r2, None, CEILINGS, dash == "solid", how))
    return series


def _optimal_named(fisher: dict[str, Any]) -> str:
    if fisher.get("ceiling_is_approximate"):
        return "Bayes-optimal under an approximate prior"
    return "Bayes-optimal ceiling: none is above it but by chance"


def _smaller(fisher: dict[str, Any], name: str) -> str:
    """At which scale a model was trained, where it is not the largest one."""
    model = fisher.get("models", {}).get(name, {})
    return f" trained at {model['scale']}" if "below_largest_scale" in model else ""
