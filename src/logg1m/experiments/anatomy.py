"""Where the error of the best model lies, beside that of the Bayes-optimal estimator: by Teff and [M/H], against every
label, and among dwarfs and giants.

The posterior mean is biased against the truth too: it shrinks towards the middle of the prior. Of an optimal estimator
the slope of the residual on log g is R² − 1, whatever the noise, so that no bias can be read without the line of the
posterior mean.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds.efficiency import ratio
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.judging.bias import bias_table, bins
from logg1m.metrics import Statistic

METAL_POOR = -1.5  # dex; below it lines are weak
DWARF = 3.5  # dex; above it a star counts as a dwarf
WIDTHS = {"logg": 0.5, "teff": 500.0, "m_h": 0.5, "mag": 0.1}  # of the bins: dex, K, dex, mag
_CELLS = {"teff": 500.0, "m_h": 0.5}


def anatomy(
    predictions: pd.DataFrame,
    posteriors: Mapping[str, pd.DataFrame | None],
    labels: pd.DataFrame,
    low_noise: pd.Series,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Cells, biases and classes on the low-noise test and on the full test.

    Parameters
    ----------
    predictions : of the best model on test spectra: id, truth, predicted (dex)
    posteriors : low_noise, full → id, truth, mean, var (dex) of such test spectra; None where there is no ceiling.
        Squared errors of the Bayes-optimal estimator are the posterior variances: equal in expectation, with half the
        scatter
    labels : teff (K), m_h (dex) and, where there is one, mag; indexed by spectrum id
    low_noise : of every spectrum, indexed by id
    """
    of_model = {"low_noise": predictions[low_noise.loc[predictions["id"]].to_numpy(dtype=bool)], "full": predictions}
    found = {}
    for subset, model in of_model.items():
        bayes = posteriors.get(subset)
        if len(model):
            tables = {"model": model}
            if bayes is not None and len(bayes):
                tables["bayes"] = bayes.rename(columns={"mean": "predicted"})
            found[subset] = _one(tables, labels, bootstrap, seed)
    return found


def _one(tables: dict[str, pd.DataFrame], labels: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """Everything of one test set; `tables` holds the model's predictions and, where there are some, posterior means."""

    def measured(statistic: Statistic, n: int) -> dict[str, Any]:
        return metrics.with_interval(statistic, n, bootstrap, seed)

    result: dict[str, Any] = {
        "cells": cells(tables, labels),
        "metal_poor": {},
        "bias": {},
        "shrinkage": {},
        "classes": {},
    }
    for name, table in tables.items():
        truth, error, squared = table["truth"].to_numpy(dtype=np.float64), _error(table), _squared(table)
        about = labels.loc[table["id"]]
        poor = about["m_h"].to_numpy() < METAL_POOR
        result["metal_poor"][name] = {
            "limit": METAL_POOR,
            "n": int(poor.sum()),
            "share_of_stars": measured(metrics.mean(poor), len(poor)),
            "share_of_squared_error": measured(ratio(squared * poor, squared), len(poor)),
            **{f"rmse_{which}": _root_mean(squared[part]) for which, part in (("poor", poor), ("rich", ~poor))},
        }
        result["bias"][name] = {
            label: bias_table(error, truth if label == "logg" else about[label].to_numpy(), width)
            for label, width in WIDTHS.items()
            if label == "logg" or label in about
        }
        result["shrinkage"][name] = {"slope": measured(slope(truth, error), len(truth))}
        result["classes"] |= {f"{name}_{k}": v for k, v in classes(truth, truth + error, bootstrap, seed).items()}
    return result | {f"n_{name}": len(table) for name, table in tables.items()}


def cells(tables: dict[str, pd.DataFrame], labels: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per (Teff, [M/H]) cell that holds a star: count, shares of stars and of squared error, RMSE (dex)."""
    model = labels.loc[tables["model"]["id"]]
    edges = {label: bins(model[label].to_numpy(), width)[1] for label, width in _CELLS.items()}
    inside = {}
    for name, table in tables.items():
        about = labels.loc[table["id"]]
        index = [np.digitize(about[label].to_numpy(), edges[label]) - 1 for label in _CELLS]
        inside[name] = [np.clip(k, 0, len(edges[label]) - 2) for k, label in zip(index, _CELLS)]
    rows = []
    for t, m in product(*(range(len(edges[label]) - 1) for label in _CELLS)):
        row: dict[str, Any] = {
            "teff_low": float(edges["teff"][t]),
            "teff_high": float(edges["teff"][t + 1]),
            "m_h_low": float(edges["m_h"][m]),
            "m_h_high": float(edges["m_h"][m + 1]),
        }
        for name, table in tables.items():
            squared = _squared(table)
            here = (inside[name][0] == t) & (inside[name][1] == m)
            row |= {
                f"n_{name}": int(here.sum()),
                f"share_of_stars_{name}": float(here.mean()),
                f"share_of_squared_error_{name}": float(squared[here].sum() / squared.sum()),
                f"rmse_{name}": _root_mean(squared[here]),
            }
        if row["n_model"]:
            rows.append(row)
    return rows


def classes(truth: np.ndarray, predicted: np.ndarray, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """Purity and completeness of dwarfs and of giants told apart at log g = 3.5; truth and prediction (N,), dex."""
    found = {}
    for name, true, said in (
        ("dwarfs", truth > DWARF, predicted > DWARF),
        ("giants", truth <= DWARF, predicted <= DWARF),
    ):
        found[name] = {"limit": DWARF, "n": int(true.sum()), "n_said": int(said.sum())} | {
            what: metrics.with_interval(ratio(true & said, of), len(truth), bootstrap, seed)
            for what, of in (("purity", said), ("completeness", true))
        }
    return found


def slope(truth: np.ndarray, error: np.ndarray) -> Statistic:
    """Slope of the residual on the true log g, as a statistic of counts: 0 without shrinkage, R² − 1 of an optimal
    estimator."""
    centred = truth - truth.mean()
    columns = np.stack([np.ones_like(centred), centred, centred**2, error, error * centred], axis=1)

    def statistic(counts: np.ndarray) -> np.ndarray:
        n, x, xx, y, xy = (counts @ columns).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((xy - x * y / n) / (xx - x**2 / n))

    return statistic


def _error(table: pd.DataFrame) -> np.ndarray:
    return np.asarray(table["predicted"].to_numpy(dtype=np.float64) - table["truth"].to_numpy(dtype=np.float64))


def _squared(table: pd.DataFrame) -> np.ndarray:
    """Squared errors (N,), dex²; of posteriors as they expect them."""
    return table["var"].to_numpy(dtype=np.float64) if "var" in table else _error(table) ** 2


def _root_mean(squared: np.ndarray) -> float | None:
    return float(np.sqrt(squared.mean())) if len(squared) else None
