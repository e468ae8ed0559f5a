"""Figures of experiments with variants, by kind: comparison, bias maps, windows, normalisations."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m.report import style
from logg1m.store import Store

_ROLE_COLOUR = {"reference": style.BLACK, "candidate": style.BLUE, "control": style.RED}


def draw(kind: str, verdict: dict[str, Any], store: Store, seed: int, path: Path) -> None:
    """Draw one figure of a verdict and its CSV; a verdict without variants gives an empty panel that says why."""
    if not verdict["variants"]:
        _empty(verdict, path)
    elif kind == "comparison":
        comparison(verdict, path)
    elif kind in ("bias_teff", "bias_m_h"):
        bias(verdict, kind.removeprefix("bias_"), path)
    elif kind == "windows":
        windows(verdict, store, path)
    else:
        normalisations(verdict, store, seed, path)


def _empty(verdict: dict[str, Any], path: Path) -> None:
    figure, axis = plt.subplots(figsize=(6, 1.6))
    axis.text(0.5, 0.5, f"MVP-{verdict['id']}: {verdict['reason']}", ha="center", va="center", wrap=True)
    axis.axis("off")
    style.save(figure, path, pd.DataFrame({"mvp": [verdict["id"]], "reason": [verdict["reason"]]}))


def comparison(verdict: dict[str, Any], path: Path) -> None:
    """R² and MAE of every variant with intervals, low-noise and full test; leaky variants and controls are marked."""
    rows = []
    for name, variant in verdict["variants"].items():
        for subset in ("low_noise", "full"):
            for metric in ("r2", "mae"):
                entry = variant["metrics"][subset][metric]
                low, high = next(v for k, v in entry.items() if k.startswith("ci"))
                rows.append({"variant": name, "label": variant["label"], "role": variant["role"], "leaky": variant["leaky"],
                             "subset": subset, "metric": metric, "value": entry["value"], "low": low, "high": high})  # fmt: skip
    table = pd.DataFrame(rows)
    names = list(verdict["variants"])
    figure, axes = plt.subplots(1, 2, figsize=(10, 1.2 + 0.42 * len(names)), sharey=True)
    for axis, metric, title in zip(axes, ("r2", "mae"), ("R² of log g", "MAE of log g, dex")):
        for subset, offset, marker in (("low_noise", -0.13, "o"), ("full", 0.13, "s")):
            for k, name in enumerate(names):
                row = table[
                    (table["variant"] == name) & (table["metric"] == metric) & (table["subset"] == subset)
                ].iloc[0]
                colour = _ROLE_COLOUR[row["role"]]
                axis.errorbar(row["value"], k + offset, xerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                              marker=marker, color=colour, markerfacecolor=colour if subset == "low_noise" else "white",
                              capsize=2, markersize=5)  # fmt: skip
        reference = verdict["variants"][verdict["reference"]]["metrics"]["low_noise"][metric]["value"]
        axis.axvline(reference, color=style.BLACK, linewidth=0.7, linestyle=":")
        axis.set_xlabel(title)
        axis.grid(axis="x")
    axes[0].set_yticks(range(len(names)), [_marked(verdict["variants"][n]) for n in names])
    axes[0].invert_yaxis()
    axes[0].plot([], [], "o", color=style.BLACK, label=f"low-noise test, n = {verdict['n_test_low_noise']:,}")
    axes[0].plot([], [], "s", color=style.BLACK, markerfacecolor="white", label=f"full test, n = {verdict['n_test']:,}")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    figure.suptitle(f"MVP-{verdict['id']} {verdict['title']} ({verdict['model']}): {verdict['outcome']}", fontsize=10)
    style.save(figure, path, table)


def _marked(variant: dict[str, Any]) -> str:
    note = " (leaky)" if variant["leaky"] else " (control)" if variant["role"] == "control" else ""
    return f"{variant['label']}{note}"


def bias(verdict: dict[str, Any], label: str, path: Path) -> None:
    """Mean residual of log g in bins of another label, every variant."""
    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    rows = []
    for k, (name, variant) in enumerate(verdict["variants"].items()):
        part = pd.DataFrame(variant["bias"][label]).assign(variant=name)
        rows.append(part)
        middle = (part["low"] + part["high"]) / 2 + 0.04 * (k - 0.5) * (part["high"] - part["low"])
        axis.errorbar(middle, part["mean"], yerr=part["standard_error"], marker=style.MARKERS[k % 8], markersize=4,
                      color=style.CYCLE[k % 8], linewidth=1, capsize=2, label=variant["label"])  # fmt: skip
    axis.axhline(0, color=style.BLACK, linewidth=0.7)
    axis.set_xlabel({"teff": "Teff, K", "m_h": "[Fe/H], dex"}[label])
    axis.set_ylabel("mean Δ log g, dex")
    axis.set_title(f"MVP-{verdict['id']} ({verdict['model']}), full test, n = {verdict['n_test']:,}")
    axis.legend(fontsize=8)
    style.save(figure, path, pd.concat(rows))


def windows(verdict: dict[str, Any], store: Store, path: Path) -> None:
    """The windows of every variant along wavelength, and the features that are out of range."""
    shown = {name: v for name, v in verdict["variants"].items() if v["windows"]}
    figure, axis = plt.subplots(figsize=(10, 1.5 + 0.5 * len(shown)))
    rows = []
    for k, (name, variant) in enumerate(shown.items()):
        for window in variant["windows"]:
            rows.append({"variant": name, **window})
            if window["status"] == "used":
                axis.barh(k, 2 * window["half_width"], left=window["vacuum"] - window["half_width"], height=0.6,
                          color=style.CYCLE[k % 8], alpha=0.7)  # fmt: skip
                axis.text(window["vacuum"], k - 0.36, window["name"], fontsize=6, ha="center", rotation=25, va="bottom")
    missing = sorted({row["name"] for row in rows if row["status"] != "used"})
    axis.set_yticks(range(len(shown)), [v["label"] for v in shown.values()])
    axis.set_ylim(len(shown) - 0.4, -0.9)
    axis.set_xlim(store.wave[0], store.wave[-1])
    axis.set_xlabel("vacuum wavelength, Å")
    axis.set_title(f"windows; out of range: {', '.join(missing) or 'none'}")
    style.save(figure, path, pd.DataFrame(rows))


def normalisations(verdict: dict[str, Any], store: Store, seed: int, path: Path) -> None:
    """The first spectrum of the store with its frozen noise under every normalisation of the experiment."""
    import torch  # slow to import, and other figures do without

    from logg1m.inputs.normalise import normalise
    from logg1m.protocol import noisy_rows

    flux, error = store.read(0, "flux")[:1], store.read(0, "error")[:1]
    noisy = torch.from_numpy(noisy_rows(flux, error, np.array([0]), seed, 1.0, draw=0))
    figure, axes = plt.subplots(
        len(verdict["variants"]), 1, figsize=(10, 1.3 * len(verdict["variants"])), sharex=True, squeeze=False
    )
    columns: dict[str, Any] = {"wave": store.wave}
    for axis, (name, variant) in zip(axes[:, 0], verdict["variants"].items()):
        setting = variant["change"].get("normalisation", "stored")
        clean = normalise(setting, torch.from_numpy(flux))[0].numpy()
        seen = normalise(setting, noisy)[0].numpy()
        columns[name], columns[f"{name}_noise_free"] = seen, clean
        axis.plot(store.wave, seen, color=style.SKY, linewidth=0.3)
        axis.plot(store.wave, clean, color=style.BLACK, linewidth=0.5)
        axis.set_ylim(*np.percentile(seen, [0.5, 99.5]))
        axis.set_title(variant["label"], fontsize=8, pad=2)
    axes[-1, 0].set_xlabel("vacuum wavelength, Å (spectrum 0; blue: with noise, black: noise-free)")
    axes[-1, 0].set_xlim(store.wave[0], store.wave[-1])
    style.save(figure, path, pd.DataFrame(columns))
