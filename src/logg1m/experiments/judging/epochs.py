"""How soon a training is as good as another one ever gets, in epochs: deterministic, unlike seconds."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap

Scores = dict[str, list[np.ndarray]]  # variant → validation score after every epoch (E,), one per seed


def scores(histories: dict[str, list[pd.DataFrame]]) -> Scores:
    """From the history of every variant and seed; a model that is not trained in epochs has no score."""
    return {
        name: [table["score"].to_numpy(dtype=np.float64) if "score" in table else np.empty(0) for table in seeds]
        for name, seeds in histories.items()
    }


def epochs_to(scores: np.ndarray, level: float) -> int | None:
    """The first epoch, counted from 1, whose score reaches a level; None if none does."""
    reached = np.flatnonzero(scores >= level)
    return int(reached[0]) + 1 if len(reached) else None


def time_to_best(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Epochs of one training until it reaches the best score of another, as a share of the epochs that one took.

    A training that never gets there counts as one that takes an epoch more than the longer of the two: one that stopped
    early because it no longer improved has not been fast.
    """
    level = float(theirs.max())
    own = epochs_to(theirs, level)
    assert own is not None
    return (epochs_to(ours, level) or max(len(ours), len(theirs)) + 1) / own


def improvement(scores: Scores, candidate: str, reference: str, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """Share of the reference's epochs that the candidate saves, {value, ci95, per_seed}; NaN without learning curves.

    Every seed of the candidate is compared with every seed of the reference; the interval resamples the seeds of both.
    With one seed each it is a point: the assumed scatter between seeds then decides.
    """
    ours, theirs = (scores.get(name, []) for name in (candidate, reference))
    if not ours or not theirs or any(not len(curve) or np.isnan(curve).any() for curve in (*ours, *theirs)):
        return {**metrics.not_measured(bootstrap.level), "per_seed": [], "reference_value": 1.0}
    saved = np.array([[1 - time_to_best(a, b) for b in theirs] for a in ours])  # (S, S')
    rng = np.random.Generator(np.random.PCG64([seed, *saved.shape]))
    rows, columns = (rng.integers(0, n, size=(bootstrap.resamples, n)) for n in saved.shape)
    replicates = saved[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    return {
        "value": float(saved.mean()),
        metrics.level_key(bootstrap.level): metrics.interval(replicates, bootstrap.level),
        "per_seed": saved.diagonal().tolist(),
        "reference_value": 1.0,
    }
