"""What every kind of model hands back to a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

EXAMPLE_COLUMNS = ("example", "id", "wave", "seen", "noise_free", "reconstructed", "hidden")


@dataclass(frozen=True)
class Fitted:
    """A fitted model's predictions and how it came about.

    predicted : on the test rows (N, T)
    tensors : what was fitted, to be saved
    history : rows of history.csv
    chosen : the choice on validation
    columns : further columns of the predictions, such as a predicted sigma (N,)
    differentiable : prepared spectra (B, C, P) → log g (B,), where the model has derivatives
    robustness : predictions of low-noise test spectra under conditions (see `nn.robustness`), where the model can be put
        to them; columns id and one per condition, dex
    attention : attention per token (see `nn.attention_map`), where the model has any
    timings : how the time went; goes to provenance.json, which no verdict reads
    pretraining : what metrics.json says of a pretraining
    examples : reconstructions by a pretraining (see `experiments.pretraining`), long form
    """

    predicted: np.ndarray
    tensors: dict[str, np.ndarray]
    history: list[dict[str, float]]
    chosen: dict[str, Any]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    differentiable: Callable[[torch.Tensor], torch.Tensor] | None = None
    robustness: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"id": np.empty(0, dtype=np.int64)}))
    attention: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["layer", "low", "high", "attention"]))
    timings: dict[str, Any] = field(default_factory=dict)
    pretraining: dict[str, Any] | None = None
    examples: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EXAMPLE_COLUMNS)))
