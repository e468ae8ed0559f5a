"""Residual maps: mean error, mean absolute error and counts over pairs of labels, for a choice of models."""

from typing import Any

import numpy as np
import pandas as pd

_FEWEST = 5  # spectra in a cell that is shown
_SMALL = 2_000  # spectra below which cells are twice as wide
_CELLS = {"teff": (250.0, "Teff, K"), "logg": (0.25, "log g, dex"), "m_h": (0.25, "[M/H], dex")}
_PAIRS = (("teff", "logg"), ("teff", "m_h"), ("m_h", "logg"))


def maps(predictions: dict[str, pd.DataFrame], labels: pd.DataFrame, members: pd.DataFrame) -> dict[str, Any]:
    """Maps of every model over every pair of labels, for the low-noise test and the full test.

    Parameters
    ----------
    predictions : model → columns id, truth, predicted (dex)
    labels : columns teff (K), logg, m_h (dex), indexed by spectrum id
    members : column low_noise, indexed by spectrum id

    Returns
    -------
    models; pairs, each with its axes; cells[model][subset][pair] = {x, y edges, mean, mae (dex), n}
    """
    cells: dict[str, Any] = {}
    for model, table in predictions.items():
        ids = table["id"].to_numpy()
        error = (table["predicted"] - table["truth"]).to_numpy(dtype=np.float64)
        low = members.loc[ids, "low_noise"].to_numpy(dtype=bool)
        cells[model] = {
            subset: {f"{x}-{y}": _map(error[inside], labels.loc[ids[inside]], x, y) for x, y in _PAIRS}
            for subset, inside in (("low_noise", low), ("full", np.ones(len(ids), dtype=bool)))
        }
    pairs = [{"key": f"{x}-{y}", "x": _CELLS[x][1], "y": _CELLS[y][1]} for x, y in _PAIRS]
    return {"models": list(predictions), "pairs": pairs, "cells": cells}


def _map(error: np.ndarray, labels: pd.DataFrame, x: str, y: str) -> dict[str, Any]:
    """Statistics of residuals (N,), dex, in the cells of two labels; cells with few spectra are empty."""
    edges, index, shape = [], [], []
    for name in (x, y):
        values = labels[name].to_numpy(dtype=np.float64)
        width = _CELLS[name][0] * (2 if len(values) < _SMALL else 1)
        if not len(values):
            return {"x": [], "y": [], "mean": [], "mae": [], "n": []}
        first, last = (
            np.floor(values.min() / width),
            max(np.ceil(values.max() / width), np.floor(values.min() / width) + 1),
        )
        edges.append(np.arange(first, last + 0.5) * width)
        shape.append(len(edges[-1]) - 1)
        index.append(np.clip(np.digitize(values, edges[-1]) - 1, 0, shape[-1] - 1))
    flat = index[1] * shape[0] + index[0]
    n = np.bincount(flat, minlength=shape[0] * shape[1])
    result: dict[str, Any] = {"x": edges[0].tolist(), "y": edges[1].tolist()}
    for name, values in (("mean", error), ("mae", np.abs(error))):
        total = np.bincount(flat, weights=values, minlength=len(n))
        with np.errstate(invalid="ignore", divide="ignore"):
            cell = np.where(n >= _FEWEST, total / n, np.nan)
        result[name] = [[None if np.isnan(v) else float(v) for v in row] for row in cell.reshape(shape[1], shape[0])]
    return result | {"n": n.reshape(shape[1], shape[0]).tolist()}
