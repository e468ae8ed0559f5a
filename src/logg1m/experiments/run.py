"""One variant with one seed: train, evaluate, and write what verdicts and reports read."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file

from logg1m import metrics
from logg1m.bounds.efficiency import efficiency
from logg1m.config.compute import Compute
from logg1m.config.experiments import Recipe
from logg1m.experiments import data
from logg1m.experiments.gradient import input_gradient
from logg1m.experiments.judging.bias import BIN_WIDTH, bias_table
from logg1m.experiments.task import Setting, Task, fitter
from logg1m.files import save_with, write_csv, write_json, write_parquet
from logg1m.inputs.windows import width_angstrom
from logg1m.jobs.device import resolve
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.provenance import versions
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

TARGETS = ("logg", "teff", "m_h")
Denoise = Callable[[torch.Tensor], torch.Tensor]


class Denoiser(Protocol):
    """What a run needs of a frozen denoiser (`nn.denoisers.Frozen`); runs without one do not depend on that code."""

    @property
    def denoise(self) -> Denoise:
        """Noisy flux (B, P) → (B, P)."""

    def confined(self, visible: torch.Tensor) -> Denoise:
        """The same of the visible pixels (P,) alone."""


def run(
    store: Store,
    members: pd.DataFrame,
    sensitivity: pd.DataFrame | None,
    recipe: Recipe,
    setting: Setting,
    compute: Compute,
    folder: Path,
    state: Path,
    posteriors: pd.DataFrame | None = None,
    pixels: pd.DataFrame | None = None,
    denoiser: Denoiser | None = None,
) -> dict[str, Any]:
    """Train and evaluate; writes predictions.parquet, history.csv, gradient.csv, robustness.parquet, attention.csv,
    reconstruction.csv, model.safetensors, provenance.json and metrics.json.

    Parameters
    ----------
    members : columns snr, low_noise, pool, rank, indexed by spectrum id
    sensitivity : MVP-1.1's curve, where windows of the recipe need it
    folder : where the artifacts go
    state : folder for the resumable state of a training
    posteriors : Bayes posteriors of low-noise test spectra (see `bounds.bayes`), for the efficiency
    pixels : pixels.parquet of the protocol, where windows of the recipe need it
    denoiser : frozen, where the recipe names one

    Returns
    -------
    metrics.json, which is deterministic; times are in provenance.json, which no verdict reads
    """
    started = time.monotonic()
    labels = store.labels()
    pools = Pools.of(store, setting.seed, setting.protocol)
    rows = data.choose_rows(pools, members, recipe, setting.train_size, setting.test_size, setting.seed_number)
    own_seed = setting.seed + setting.seed_number  # a random mask is another one for every seed
    visible, windows = data.visible_pixels(store, recipe, rows, sensitivity, own_seed, compute, pixels)
    device = resolve(compute.device if recipe.model == "vit" else "cpu")
    denoise = denoiser.denoise if denoiser else None
    if denoiser and recipe.denoiser_sees == "windows":
        denoise = denoiser.confined(torch.as_tensor(visible, device=device))
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
        device,
        denoise,
    )
    names = TARGETS if recipe.heads != "single" else TARGETS[:1]
    table = labels[list(names)].to_numpy()
    low_noise = members.loc[rows.test, "low_noise"].to_numpy(dtype=bool)
    title = f"{folder.parent.parent.name} {folder.parent.name}"
    task = Task(store, rows, prepare, recipe, setting, table, sensitivity, state, compute, title, low_noise)
    fitted = fitter(recipe.model)(task)
    predictions = pd.DataFrame({"id": rows.test, "truth": table[rows.test, 0]})
    for k, name in enumerate(names):
        predictions["predicted" if k == 0 else f"predicted_{name}"] = fitted.predicted[:, k].astype(np.float32)
    for column, values in fitted.columns.items():
        predictions[column] = values.astype(np.float32)
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
        "pretraining": fitted.pretraining,
        "bias": bias(predictions, labels),
        "efficiency": None
        if posteriors is None
        else efficiency(posteriors, predictions, setting.bootstrap, setting.seed),
    }
    gradient = np.full(store.n_pixels, np.nan)
    if fitted.differentiable is not None and low_noise.any():
        gradient = input_gradient(store, prepare, fitted.differentiable, rows.test[low_noise])
    write_parquet(folder / "predictions.parquet", predictions)
    write_csv(folder / "history.csv", pd.DataFrame(fitted.history))
    pixels = pd.DataFrame({"wave": store.wave, "visible": visible.astype(int), "gradient": gradient})
    write_csv(folder / "gradient.csv", pixels)
    write_parquet(folder / "robustness.parquet", fitted.robustness)
    write_csv(folder / "attention.csv", fitted.attention)
    write_csv(folder / "reconstruction.csv", fitted.examples)
    tensors = {name: np.ascontiguousarray(value) for name, value in fitted.tensors.items()}
    save_with(folder / "model.safetensors", lambda temporary: save_file(tensors, temporary))
    write_json(
        folder / "provenance.json",
        {
            "seconds": time.monotonic() - started,
            "threads": min(compute.threads, usable_cores()),
            **fitted.timings,
            "versions": versions(),
        },
    )
    write_json(folder / "metrics.json", result)
    return result


def bias(predictions: pd.DataFrame, labels: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Bias maps of log g against Teff (500 K bins) and [M/H] (0.25 dex bins) over the whole test set."""
    error = (predictions["predicted"] - predictions["truth"]).to_numpy()
    return {
        name: bias_table(error, labels.loc[predictions["id"], name].to_numpy(), width)
        for name, width in BIN_WIDTH.items()
    }
