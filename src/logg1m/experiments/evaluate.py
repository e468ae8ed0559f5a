"""What is learned about a trained network beyond its predictions on the test: what it stands, and where it looks."""

import numpy as np
import pandas as pd
import torch

from logg1m.experiments.task import Task
from logg1m.nn import attention_map, robustness
from logg1m.nn.learner import Learner


def examine(task: Task, learner: Learner, test: np.ndarray, device: torch.device) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions under the conditions of `nn.robustness`, and attention per token, on the low-noise test spectra.

    test : prepared spectra of task.rows.test (N, C, P)
    """
    chosen = np.ones(len(test), dtype=bool) if task.low_noise is None else task.low_noise
    some, wave = np.asarray(test[chosen]), task.store.wave
    under = robustness.predictions(learner, some, wave, task.rows.test[chosen], device)
    return under, attention_map.received(learner, some, wave, device)
