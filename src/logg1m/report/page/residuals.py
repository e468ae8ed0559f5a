"""Residual maps: mean error, mean absolute error and counts over pairs of labels, for a choice of models.

These are the classical models at the largest scale, the reference, and accepted variants.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from logg1m.report.roadmap import DONE, Roadmap
from logg1m.results.run import PREDICTIONS
from logg1m.results.words import model_name

_CLASSICAL = ("ridge_full", "lightgbm", "projection")
_COLUMNS = ("id", "truth", "predicted")
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


def predictions(roadmap: Roadmap, scale: int) -> dict[str, tuple[pd.DataFrame, str]]:
    """Name → (columns id, truth, predicted; the file they came from), the best model first.

    scale : the largest one, in spectra; of a variant its first seed is shown
    """
    artifacts = roadmap.artifacts
    found: dict[str, tuple[pd.DataFrame, str]] = {}
    for file in [
        name
        for name in artifacts.files
        if name.startswith("mvp_0_b/") and name.endswith(".parquet") and "_selection" not in name
    ]:
        table = artifacts.parquet(file, ("model", "scale", *_COLUMNS))
        # A model that stops below the largest scale shows its own largest one.
        largest = min(scale, int(table["scale"].max()))
        for name, rows in table[table["scale"] == largest].groupby("model", sort=False):
            if name in _CLASSICAL:
                found[f"{model_name(str(name))}, MVP-0.B"] = (rows, artifacts.files[file])
    wanted = dict(_wanted(roadmap))
    for name in [name for name in artifacts.files if PurePosixPath(name).name == PREDICTIONS]:
        folder = str(PurePosixPath(artifacts.files[name]).parent)
        if folder in wanted and artifacts.there(name):
            found[wanted[folder]] = (artifacts.parquet(name, _COLUMNS), artifacts.files[name])
    best = roadmap.answer.runs
    first = [name for name, (_, file) in found.items() if best and f"/{best}/" in f"/{file}"]
    first += [name for name in found if name.startswith(f"{model_name(best.split('/')[0])}, MVP-0.B")]
    return {name: found[name] for name in [*first, *(n for n in found if n not in first)]}


def _wanted(roadmap: Roadmap) -> Iterator[tuple[str, str]]:
    """Folder of the first seed → name, of the variants that the page shows."""
    reference, seen = False, set()
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            first = variant.role == "reference" and not reference
            answered = variant.runs == roadmap.answer.runs
            if variant.files and variant.runs not in seen and (first or answered or variant.name == mvp.best):
                reference |= first
                seen.add(variant.runs)  # several experiments may use the same runs
                yield str(PurePosixPath(variant.files[0]).parent), f"{variant.label}, MVP-{mvp.id}"
