"""A run's files: what they are called and hold, written and read here alone. The rules take their names from here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import read_csv, read_json, read_parquet, write_csv, write_json, write_parquet, write_tensors

METRICS, PREDICTIONS, MODEL, PROVENANCE = "metrics.json", "predictions.parquet", "model.safetensors", "provenance.json"
# Table → its file, and columns that every model has in it.
_TABLES = {
    "predictions": (PREDICTIONS, ("id", "truth", "predicted")),
    "selection": ("selection.parquet", ("id", "truth", "predicted")),
    "history": ("history.csv", ()),
    "validation": ("validation.parquet", ("epoch", "group", "n", "first", "second", "squared")),
    "gradient": ("gradient.csv", ("wave", "visible", "gradient")),
    "robustness": ("robustness.parquet", ("id",)),
    "attention": ("attention.csv", ("layer", "low", "high", "attention")),
    "reconstruction": (
        "reconstruction.csv",
        ("example", "id", "wave", "seen", "noise_free", "reconstructed", "hidden"),
    ),
}
TABLE_FILES = [file for file, _ in _TABLES.values()]  # what verdicts read of a run beside its metrics
RUN_FILES = [METRICS, *TABLE_FILES, MODEL, PROVENANCE]


@dataclass(frozen=True)
class Run:
    """What a run found out: numbers, and tables for verdicts and figures. A model without something has an empty table.

    metrics : deterministic
    predictions : id, truth, predicted (dex) of every test spectrum, and what else the model says of it
    selection : the same of low-noise validation spectra of the run's largest training prefix that this one was not trained
        on, where the best of several models is chosen
    history : one row per epoch, penalty or tree
    validation : of every epoch and group of validation stars the sums that a score is made from
    gradient : wave (Å), visible, and mean |∂log g/∂flux| per pixel
    robustness : log g (dex) of low-noise test spectra under conditions (see `nn.robustness`), one column each
    attention : attention per layer and token (see `nn.attention_map`)
    reconstruction : spectra that a pretraining filled in, in long form
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    selection: pd.DataFrame
    history: pd.DataFrame
    validation: pd.DataFrame
    gradient: pd.DataFrame
    robustness: pd.DataFrame
    attention: pd.DataFrame
    reconstruction: pd.DataFrame


def columns(table: str) -> list[str]:
    """Columns that a table has whatever the model."""
    return list(_TABLES[table][1])


def empty(table: str) -> pd.DataFrame:
    """A table that a model has nothing for."""
    return pd.DataFrame({name: np.empty(0, dtype=np.int64 if name == "id" else np.float64) for name in columns(table)})


def write(run: Run, tensors: dict[str, np.ndarray], provenance: dict[str, Any], folder: Path) -> None:
    """Write all files of a run, its metrics last.

    Parameters
    ----------
    tensors : the fitted model
    provenance : times and versions, which no verdict reads
    """
    for table, (file, _) in _TABLES.items():
        (write_csv if file.endswith(".csv") else write_parquet)(folder / file, getattr(run, table))
    write_tensors(folder / MODEL, tensors)
    write_json(folder / PROVENANCE, provenance)
    write_json(folder / METRICS, run.metrics)


def read(folder: Path) -> Run:
    """Read metrics and tables of a run; a file that is damaged or lacks something is an InputError."""
    metrics = read_json(folder / METRICS, ("low_noise", "full"))
    tables = {
        table: (read_csv if file.endswith(".csv") else read_parquet)(folder / file, required)
        for table, (file, required) in _TABLES.items()
    }
    return Run(metrics, **tables)


def read_provenance(folder: Path) -> dict[str, Any]:
    """Times and versions of a run; nothing that is decided may read them."""
    return read_json(folder / PROVENANCE, ("seconds",))
