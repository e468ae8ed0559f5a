"""One variant with one seed: train, evaluate, and write what verdicts and reports read."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from logg1m import metrics, passes
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.protocol import Protocol
from logg1m.experiments import classical, data
from logg1m.experiments.bias import BIN_WIDTH, bias_table
from logg1m.files import InputError, save_with, write_csv, write_json, write_parquet
from logg1m.inputs.windows import width_angstrom
from logg1m.protocol import Pools
from logg1m.provenance import versions
from logg1m.store import Store

TARGETS = ("logg", "teff", "m_h")


@dataclass(frozen=True)
class Setting:
    """Everything a run needs besides its recipe."""

    seed: int
    seed_number: int
    train_size: int
    test_size: int
    alphas: tuple[float, ...]
    lightgbm: LightGBMConfig
    protocol: Protocol
    bootstrap: Bootstrap
    observation: Observation


def run(
    store: Store,
    members: pd.DataFrame,
    sensitivity: pd.DataFrame | None,
    recipe: Recipe,
    setting: Setting,
    compute: Compute,
    folder: Path,
) -> dict[str, Any]:
    """Train and evaluate; writes predictions.parquet, history.csv, model.safetensors, provenance.json, metrics.json.

    Parameters
    ----------
    members : columns snr, low_noise, pool, rank, indexed by spectrum id
    sensitivity : MVP-1.1's curve, where windows of the recipe need it
    folder : where the artifacts go

    Returns
    -------
    metrics.json, which is deterministic; times are in provenance.json, which no verdict reads
    """
    started = time.monotonic()
    labels = store.labels()
    pools = Pools.of(store, setting.seed, setting.protocol)
    rows = data.choose_rows(pools, members, recipe, setting.train_size, setting.test_size, setting.seed_number)
    visible, windows = data.visible_pixels(store, recipe, rows, sensitivity, setting.seed, compute)
    prepare = data.Preparation(
        store,
        recipe,
        labels,
        visible,
        setting.observation,
        setting.seed,
        setting.protocol.noise_level,
        rows.fit,
        compute,
    )
    features = data.gather(store, rows, prepare.rows, compute)
    names = TARGETS if recipe.heads != "single" else TARGETS[:1]
    table = labels[list(names)].to_numpy()
    targets = {"fit": table[rows.fit], "validation": table[rows.validation]}
    read_seconds = time.monotonic() - started
    with passes.all_threads(compute) as threads:
        fitted = _fit(recipe, setting, features, targets, threads)
    predictions = pd.DataFrame({"id": rows.test, "truth": table[rows.test, 0]})
    for k, name in enumerate(names):
        predictions["predicted" if k == 0 else f"predicted_{name}"] = fitted.predicted[:, k].astype(np.float32)
    result = {
        "recipe": recipe.model_dump(mode="json"),
        "seed_number": setting.seed_number,
        "n_fit": len(rows.fit),
        "n_validation": len(rows.validation),
        "n_test": len(rows.test),
        "chosen_on_validation": fitted.chosen,
        "visible_width_angstrom": width_angstrom(visible),
        "windows": windows,
        "error_model_residual": prepare.fitted.residual if prepare.fitted else None,
        **metrics.evaluate(predictions, members, setting.bootstrap, setting.seed),
        "bias": bias(predictions, labels),
    }
    write_parquet(folder / "predictions.parquet", predictions)
    write_csv(folder / "history.csv", pd.DataFrame(fitted.history))
    tensors = {name: np.ascontiguousarray(value) for name, value in fitted.tensors.items()}
    save_with(folder / "model.safetensors", lambda temporary: save_file(tensors, temporary))
    seconds = time.monotonic() - started
    write_json(
        folder / "provenance.json",
        {"seconds": seconds, "seconds_preparing": read_seconds, "threads": threads, "versions": versions()},
    )
    write_json(folder / "metrics.json", result)
    return result


def _fit(
    recipe: Recipe,
    setting: Setting,
    features: dict[str, np.ndarray],
    targets: dict[str, np.ndarray],
    threads: int,
) -> classical.Fitted:
    if recipe.model == "ridge":
        return classical.fit_ridge(features, targets, setting.alphas)
    if recipe.model == "lightgbm":
        seed = setting.seed + setting.seed_number
        return classical.fit_lightgbm(features, targets, setting.lightgbm, seed, threads)
    raise InputError(f"recipe.model = {recipe.model!r} is not built yet; use ridge or lightgbm")


def bias(predictions: pd.DataFrame, labels: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Bias maps of log g against Teff (500 K bins) and [M/H] (0.25 dex bins) over the whole test set."""
    error = (predictions["predicted"] - predictions["truth"]).to_numpy()
    return {
        name: bias_table(error, labels.loc[predictions["id"], name].to_numpy(), width)
        for name, width in BIN_WIDTH.items()
    }
