"""Figures of MVP-1.1: bounds, errors beside them, sensitivity along wavelength, ceilings against signal-to-noise."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds.comparison import GAUSSIAN_MEDIAN
from logg1m.bounds.fisher import constant
from logg1m.figures import style
from logg1m.observe import LABELS
from logg1m.observe.lines import FEATURES

_NAMES = {"exact": "exact derivative", "local_linear": "local regression", "knn": "kNN differences"}


def sigma_vs_error(stars: pd.DataFrame, predictions: dict[str, pd.DataFrame], path: Path) -> None:
    """Cumulative distributions of σ(log g) of each estimator and of |error| / 0.6745 of each model."""
    figure, axis = plt.subplots(figsize=(6.6, 4))
    levels = np.linspace(0.5, 99.5, 199)
    columns: dict[str, Any] = {"percentile": levels}
    for k, name in enumerate(n for n in _NAMES if f"{n}_sigma_5d" in stars):
        sigma = stars[f"{name}_sigma_5d"].dropna()
        if not len(sigma):
            continue
        columns[f"sigma_5d_{name}"] = np.percentile(sigma, levels)
        axis.plot(columns[f"sigma_5d_{name}"], levels / 100, color=style.BLACK, linestyle=("-", "--", ":")[k],
                  label=f"σ {_dimensions(stars)}-D, {_NAMES[name]} (n = {len(sigma):,} of {len(stars):,})")  # fmt: skip
    for k, (name, table) in enumerate(predictions.items()):
        rows = table[table["id"].isin(stars["id"])]
        error = (rows["predicted"] - rows["truth"]).abs().to_numpy() / GAUSSIAN_MEDIAN
        columns[f"error_{name}"] = np.percentile(error, levels)
        axis.plot(
            columns[f"error_{name}"],
            levels / 100,
            color=style.CYCLE[k % 6],
            label=f"|error| / 0.6745, {name} (n = {len(rows):,})",
        )
    axis.set_xscale("log")
    axis.set_xlim(0.02, 5)
    axis.set_xlabel("σ(log g) or scaled error, dex")
    axis.set_ylabel("share of low-noise spectra below")
    axis.grid()
    axis.legend(fontsize=7, loc="upper left")
    axis.set_title("bounds and errors on low-noise spectra")
    style.save(figure, path, pd.DataFrame(columns))


def ratio_histogram(stars: pd.DataFrame, table: pd.DataFrame, model: str, reference: str, path: Path) -> None:
    """Distribution of |error| / σ of the best model beside the half-normal of an efficient estimator."""
    sigma = stars.set_index("id")[f"{reference}_sigma_5d"]
    rows = table[table["id"].isin(sigma.index)]
    ratio = np.abs(rows["predicted"].to_numpy() - rows["truth"].to_numpy()) / sigma.loc[rows["id"]].to_numpy()
    ratio = ratio[np.isfinite(ratio)]
    edges = np.linspace(0, max(6.0, float(np.percentile(ratio, 99))) if len(ratio) else 6.0, 61)
    counts, _ = np.histogram(ratio, bins=edges)
    density = counts / np.diff(edges) / max(counts.sum(), 1)
    middle = (edges[:-1] + edges[1:]) / 2
    efficient = np.sqrt(2 / np.pi) * np.exp(-(middle**2) / 2)
    figure, axis = plt.subplots(figsize=(6, 3.6))
    axis.stairs(
        density, edges, fill=True, color=style.SKY, alpha=0.6, label=f"{model}, n = {len(ratio):,} of {len(rows):,}"
    )
    axis.plot(middle, efficient, color=style.BLACK, label="efficient estimator (half-normal)")
    if len(ratio):
        middle_ratio = np.median(ratio) / GAUSSIAN_MEDIAN
        axis.axvline(np.median(ratio), color=style.RED, linestyle="--", label=f"median / 0.6745 = {middle_ratio:.2f}")
    axis.set_xlabel(f"|Δ log g| / σ(log g), {_dimensions(stars)}-D bound of the same spectrum")
    axis.set_ylabel("density")
    axis.legend(fontsize=8)
    axis.set_title("model error over Fisher bound, low-noise test")
    style.save(figure, path, pd.DataFrame({"ratio": middle, "density": density, "half_normal": efficient}))


def sigma_map(stars: pd.DataFrame, reference: str, path: Path) -> None:
    """Median σ(log g) over the (Teff, log g) plane."""
    sigma = stars[f"{reference}_sigma_5d"].to_numpy()
    teff_edges, logg_edges = (np.linspace(stars[c].min(), stars[c].max(), n) for c, n in (("teff", 13), ("logg", 11)))
    grid = np.full((len(logg_edges) - 1, len(teff_edges) - 1), np.nan)
    rows = []
    for i, (g0, g1) in enumerate(pairwise(logg_edges)):
        for j, (t0, t1) in enumerate(pairwise(teff_edges)):
            inside = stars["logg"].between(g0, g1) & stars["teff"].between(t0, t1) & np.isfinite(sigma)
            if inside.sum() >= 3:
                grid[i, j] = np.median(sigma[inside])
            rows.append(
                {
                    "teff_low": t0,
                    "teff_high": t1,
                    "logg_low": g0,
                    "logg_high": g1,
                    "n": int(inside.sum()),
                    "sigma": grid[i, j],
                }
            )
    figure, axis = plt.subplots(figsize=(6, 4.2))
    image = axis.pcolormesh(teff_edges, logg_edges, np.log10(grid), cmap="viridis")
    bar = figure.colorbar(image, ax=axis, label="median σ(log g), dex")
    filled = grid[np.isfinite(grid)]
    if len(filled):
        ticks = [t for t in (0.03, 0.05, 0.1, 0.2, 0.5, 1, 2) if filled.min() * 0.9 <= t <= filled.max() * 1.1]
        bar.set_ticks(np.log10(ticks), labels=[f"{t:g}" for t in ticks])
    axis.invert_xaxis()
    axis.invert_yaxis()
    axis.set_xlabel("Teff, K")
    axis.set_ylabel("log g, dex")
    known = f"{int(np.isfinite(sigma).sum()):,} of {len(stars):,} low-noise spectra"
    axis.set_title(f"{_dimensions(stars)}-D bound, {_NAMES[reference]}, {known}")
    style.save(figure, path, pd.DataFrame(rows))


def _dimensions(stars: pd.DataFrame) -> int:
    """Labels that the bounds are marginalised over, log g included: those that vary."""
    return len(LABELS) - len(constant({name: stars[name] for name in LABELS if name in stars}))


def sensitivity(values: pd.DataFrame, reference: str, path: Path) -> None:
    """Mean |∂F/∂log g|/σ along wavelength, all of it and the part that no other label imitates, with lines named."""
    figure, axis = plt.subplots(figsize=(10, 3.8))
    wave = values["wave"].to_numpy()
    axis.plot(wave, values[reference], color=style.SKY, linewidth=0.6, label="∂F/∂log g alone")
    axis.plot(
        wave, values[f"{reference}_marginalised"], color=style.BLUE, linewidth=0.6, label="not imitated by other labels"
    )
    top = float(values[reference].max()) or 1.0  # all zero where no star has a derivative
    labelled = [f for f in FEATURES if f.in_range]
    half_label = 0.027 * (wave[-1] - wave[0])
    for k, feature in enumerate(labelled):
        axis.axvline(feature.vacuum, color=style.RED, linewidth=0.6, alpha=0.5)
        axis.text(
            np.clip(feature.vacuum, wave[0] + half_label, wave[-1] - half_label),
            top * (1.03 + 0.09 * (k % 3)),
            feature.name,
            fontsize=7,
            ha="center",
            color=style.RED,
        )
    axis.set_ylim(0, top * 1.32)
    axis.set_xlim(wave[0], wave[-1])
    axis.set_xlabel("vacuum wavelength, Å")
    axis.set_ylabel("mean |∂F/∂log g| / σ, per dex")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, 0.75))
    out = ", ".join(f.name for f in FEATURES if not f.in_range)
    axis.set_title(f"sensitivity of the flux to log g ({_NAMES[reference]}); out of range: {out}")
    style.save(figure, path, values)


def ceiling_vs_snr(
    fisher: dict[str, Any], members: pd.DataFrame, predictions: dict[str, pd.DataFrame], path: Path
) -> None:
    """R² ceilings in bins of signal-to-noise with the models' R² on the same bins of the test set.

    The median over stars of the unbiased bound may lie above the Bayes-optimal R² in a bin: it is the R²max of a middling
    star, while the R² of a population is pulled down by the stars with the largest errors, as the mean bound is.
    """
    bins = fisher["ceilings"]["snr_bins"]
    figure, axis = plt.subplots(figsize=(7.4, 4.6))
    rows = []
    middle = [b["snr_median"] for b in bins]
    for key, linestyle in (("crlb_median_r2", "-"), ("crlb_mean_r2", "--")):
        axis.plot(middle, [b[key] for b in bins], color=style.BLACK, linestyle=linestyle,
                  label=f"unbiased bound, {key.split('_')[1]} over {sum(b['n'] for b in bins):,} spectra")  # fmt: skip
        rows += [{"series": key, "snr": b["snr_median"], "r2": b[key], "n": b["n"]} for b in bins]
    bayes = fisher["ceilings"].get("bayes_bins", [])
    if bayes:
        value = np.array([b["r2"]["value"] for b in bayes])
        low, high = np.array([next(v for k, v in b["r2"].items() if k.startswith("ci")) for b in bayes]).T
        snr = [b["snr_median"] for b in bayes]
        axis.errorbar(snr, value, yerr=[value - low, high - value], color=style.RED, marker="o", markersize=4, capsize=2,
                      label=f"{_optimal_named(fisher)}, {sum(b['n'] for b in bayes):,} spectra")  # fmt: skip
        for b, at in zip(bayes, value):
            axis.annotate(f"{b['n']}", (b["snr_median"], at), xytext=(5, -9), textcoords="offset points", fontsize=6,
                          color=style.RED)  # fmt: skip
        rows += [
            {
                "series": "bayes_optimal",
                "snr": b["snr_median"],
                "r2": at,
                "n": b["n"],
                "r2_low": lowest,
                "r2_high": highest,
            }
            for b, at, lowest, highest in zip(bayes, value, low, high)
        ]
    for k, (name, table) in enumerate(predictions.items()):
        about = members.loc[table["id"], "snr"].to_numpy()
        points = []
        for low, high in pairwise(metrics.SNR_EDGES):
            inside = (about >= low) & (about < high)
            if inside.sum() < 20:
                continue
            truth = table["truth"].to_numpy()[inside]
            error = table["predicted"].to_numpy()[inside] - truth
            reached = float(metrics.r2(truth, error)(np.ones((1, len(truth)), dtype=np.float32))[0])
            points.append((float(np.median(about[inside])), reached))
            rows.append({"series": name, "snr": points[-1][0], "r2": reached, "n": int(inside.sum())})
        axis.plot(
            *np.array(points).T,
            marker=style.MARKERS[k % 8],
            color=style.CYCLE[k % 6],
            linewidth=1,
            markersize=4,
            label=f"{name}{_smaller(fisher, name)}, {len(table):,} test spectra",
        )
    axis.set_xlabel("signal-to-noise ratio  ‖flux‖₂ / ‖error‖₂")
    axis.set_ylabel("R² of log g")
    axis.set_ylim(-0.05, 1.02)
    axis.grid()
    axis.legend(fontsize=7, loc="lower right")
    axis.set_title("what the data allow, and what models reach on the test set")
    figure.supxlabel(
        "The median bound is the R²max of the median star; the R² of a population is pulled down by its worst stars, so "
        "that the\nmedian may lie above the Bayes-optimal R². Red: bootstrap intervals; small figures: spectra per bin.",
        fontsize=6.5,
    )
    style.save(figure, path, pd.DataFrame(rows))


def _optimal_named(fisher: dict[str, Any]) -> str:
    if fisher.get("ceiling_is_approximate"):
        return "Bayes-optimal under an approximate prior"
    return "Bayes-optimal: no estimator is above it"


def _smaller(fisher: dict[str, Any], name: str) -> str:
    """At which scale a model was trained, where it is not the largest one."""
    model = fisher.get("models", {}).get(name, {})
    return f" at {model['scale']}" if "below_largest_scale" in model else ""
