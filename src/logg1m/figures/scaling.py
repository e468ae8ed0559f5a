"""MVP-0.B: R² on the common test against the number of training spectra."""

from typing import Any

import pandas as pd

from logg1m.figures import style
from logg1m.figures.interactive import SYMBOLS, Plot, Series, bounds_of, line_figure, look, pluck
from logg1m.metrics import interval_key, interval_of
from logg1m.results.numbers import Cursor
from logg1m.results.words import SUBSET, model_name

TITLE = "R² against the number of training spectra"
CAPTION = "R² on the common test for every classical model and scale; dashed: models that saw more than one noise draw."

_LIMIT = "limit"  # in place of a scale: where a model's curve levels off


def values(scaling: dict[str, Any]) -> pd.DataFrame:
    """One row per model, test and scale with its interval, and one per model whose curve levels off."""
    rows: list[dict[str, Any]] = []
    for name, entry in scaling["models"].items():
        rows += _limit(name, entry)
        for subset in ("full", "low_noise"):
            for scale, at in entry["scales"].items():
                if (measured := at["common_test"][subset]) is None:
                    continue
                low, high = interval_of(measured["r2"])
                about = {"model": name, "scale": scale, "subset": subset}
                counts = {"n_train": at["n_train"], "n_test": measured["n"]}
                rows.append(about | counts | {"r2": measured["r2"]["value"], "r2_low": low, "r2_high": high})
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, scaling: dict[str, Any]) -> style.Figure:
    """Full and low-noise test, every model."""
    figure, axes = style.subplots(1, 2, figsize=(9, 3.8), sharex=True)
    limits, measured = table[table["scale"] == _LIMIT], table[table["scale"] != _LIMIT]
    models = _few(scaling["models"])
    for k, (name, entry) in enumerate(models.items()):
        again: dict[str, Any] = {"markerfacecolor": "white"} if k >= len(style.CYCLE) else {}
        again |= {"linestyle": "--"} if averaged(entry) else {"linestyle": ":"} if k >= len(style.CYCLE) else {}
        for _, row in limits[limits["model"] == name].iterrows():
            right = max(at["n_train"] for at in entry["scales"].values()) * (2.2 + 0.25 * (k % 8))
            bars = [[max(row["r2"] - row["r2_low"], 0)], [max(row["r2_high"] - row["r2"], 0)]]
            dash = {"marker": "_", "markersize": 9, "capsize": 2, "linestyle": "none", "color": style.CYCLE[k % 8]}
            axes[0].errorbar([right], [row["r2"]], yerr=bars, **dash)
        for axis, subset in zip(axes, ("full", "low_noise")):
            points = measured[(measured["model"] == name) & (measured["subset"] == subset)]
            if len(points):
                n, value, low, high = points[["n_train", "r2", "r2_low", "r2_high"]].to_numpy(dtype=float).T
                how = style.look(k) | {"linewidth": 1.2, "markersize": 5, "capsize": 2} | again
                axis.errorbar(n, value, yerr=[value - low, high - value], label=_named(name, entry), **how)
    for axis, subset in zip(axes, ("full", "low_noise")):
        sizes = measured.loc[measured["subset"] == subset, "n_test"]
        trained = sorted({int(n) for n in measured["n_train"]})
        axis.set_xscale("log")
        axis.minorticks_off()
        axis.set_xticks(trained, [f"{n:,}" for n in trained], fontsize=8)
        axis.set_xlabel("training spectra")
        axis.set_title(f"{SUBSET[subset]}, n = {int(sizes.iloc[0]) if len(sizes) else 0:,}")
        axis.grid(axis="y")
    axes[0].set_ylabel("R² of log g")
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=2)
    named = "; dashes right of the curves: limit of a power law for ever more spectra" if len(limits) else ""
    words = f"common test, noise level {scaling['noise_level']:g}; bars: {_level(scaling)} % bootstrap intervals{named}"
    figure.suptitle(words, fontsize=9)
    return figure


def plot(scaling: Cursor, networks: Cursor | None = None) -> Plot | None:
    """R² against training size, low-noise and full; networks as single points beside the curves."""
    series = []
    for k, (name, entry) in enumerate(scaling["models"].items()):
        rows = entry["scales"]
        for subset, words in SUBSET.items():
            reached = pluck(rows, "common_test", subset, "r2", "value")
            if all(value is None for value in reached.values):
                continue
            n, ends = pluck(rows, "n_train"), bounds_of(rows, "common_test", subset, "r2")
            title, at_first = f"{model_name(name)}, {words}", subset == "low_noise"
            how = look(k, 8, dash="dash" if averaged(entry.raw) else "solid")
            series.append(Series(title, n, reached, ends, words, at_first, how))
    series += _network_points(networks) if networks else []
    if not series:
        return None
    sizes = sorted({n for one in series for n in one.x.values})
    alt = "R² of log g on the common test for every classical model at every training size; values in the table."
    note = (
        "All sizes of one model are scored on the same test spectra; networks on those of the experiments. Dashed: "
        "models that saw more than one noise draw of every training spectrum."
    )
    layout = {"xaxis": {"type": "log", "tickvals": sizes, "ticktext": [f"{n:,}" for n in sizes]}}
    more = {"note": note, "plot": "switches", "height": 420}
    return line_figure("scaling", TITLE, alt, series, "training spectra", "R² of log g", layout, **more)


def _network_points(rows: Cursor) -> list[Series]:
    """One point for every network and test."""
    series = []
    for k, row in rows.items():
        for subset, words in SUBSET.items():
            if row.at(subset, "r2") is None:
                continue
            ends = bounds_of(rows, subset, "r2")
            bars = (ends[0].at([k]), ends[1].at([k])) if ends else None
            n, reached = pluck(rows, "n_fit").at([k]), pluck(rows, subset, "r2", "value").at([k])
            how = {"mode": "markers", "marker": {"color": "@ink", "symbol": SYMBOLS[(k + 2) % 8], "size": 11}}
            series.append(Series(f"{row.raw['label']}, {words}", n, reached, bars, words, subset == "low_noise", how))
    return series


_DRAWN = ("projection", "lightgbm", "ridge_marginalised", "ridge_full")


def _few(models: dict[str, Any]) -> dict[str, Any]:
    """The four models that a picture has room for: the best of each kind; all, where none of them is there."""
    return {name: models[name] for name in _DRAWN if name in models} or models


def averaged(entry: dict[str, Any]) -> bool:
    """Whether a model saw more of the noise than one draw of every training spectrum."""
    return bool(entry.get("noise", "one draw") != "one draw")


def _named(name: str, entry: dict[str, Any]) -> str:
    """A model's name with what limits it: its setting, a best iteration that is the last, an earlier largest scale."""
    fits = [at.get("fit", {}) for at in entry["scales"].values()]
    words = list(dict.fromkeys(fit["setting"] for fit in fits if "setting" in fit))
    words += [entry["noise"]] if averaged(entry) and entry["noise"] not in name else []
    if any(fit.get("best_iteration_is_last") for fit in fits):
        words.append("best iteration is the last")
    if "stops_at" in entry:
        words.append(f"stops at {entry['stops_at']}")
    return f"{model_name(name)} ({', '.join(words)})" if words else model_name(name)


def _limit(name: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Where a model's curve levels off, if a power law says so with an interval."""
    limit = entry.get("saturation", {}).get("power_law", {}).get("limit", {})
    if not interval_key(limit):
        return []
    low, high = interval_of(limit)
    return [{"model": name, "scale": _LIMIT, "subset": "full", "r2": limit["value"], "r2_low": low, "r2_high": high}]


def _level(scaling: dict[str, Any]) -> str:
    """The level of the intervals in the table, in %."""
    entry = next(iter(next(iter(scaling["models"].values()))["scales"].values()))
    return interval_key(entry["common_test"]["full"]["r2"]).removeprefix("ci")
