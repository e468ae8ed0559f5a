"""How soon a training is as good as another one ever gets, in epochs: deterministic, unlike seconds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.judging.intervals import entry
from logg1m.scatter import Scatter

Work = tuple[float, float]  # passes of one spectrum: per epoch, and before the first (a pretraining, in the same unit)
EPOCHS: Work = (1.0, 0.0)  # epochs alone are counted
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


def time_to_best(ours: np.ndarray, theirs: np.ndarray, our_work: Work = EPOCHS, their_work: Work = EPOCHS) -> float:
    """Work of one training until it reaches the best score of another, as a share of what that one took.

    A training that never gets there counts as one that takes an epoch more than the longer of the two: one that stopped
    early because it no longer improved has not been fast.
    """
    level = float(theirs.max())
    own = epochs_to(theirs, level)
    assert own is not None
    reached = epochs_to(ours, level) or max(len(ours), len(theirs)) + 1
    return (reached * our_work[0] + our_work[1]) / (own * their_work[0] + their_work[1])


def improvement(
    scores: Scores,
    candidate: str,
    reference: str,
    bootstrap: Bootstrap,
    configured: float = 0.0,
    work: Mapping[str, Work] | None = None,
) -> dict[str, Any]:
    """Share of the reference's epochs, or work, that the candidate saves, {value, ci95, per_seed}; NaN without curves.

    Every seed of the candidate is compared with every seed of the reference. No star is resampled: the interval is that
    of the scatter between seeds of both, which is not below the configured one while it rests on few.
    """
    ours, theirs = (scores.get(name, []) for name in (candidate, reference))
    if not ours or not theirs or any(not len(curve) or np.isnan(curve).any() for curve in (*ours, *theirs)):
        return {**metrics.not_measured(bootstrap.level), "per_seed": [], "reference_value": 1.0}
    of_both = [(work or {}).get(name, EPOCHS) for name in (candidate, reference)]
    saved = np.array([[1 - time_to_best(a, b, *of_both) for b in theirs] for a in ours])  # (S, S')
    scatter = Scatter.pooled([saved.mean(axis=1), saved.mean(axis=0)], configured)
    return {
        **entry(float(saved.mean()), np.zeros(2), scatter, 1.0, list(saved.shape), bootstrap),
        "per_seed": saved.diagonal().tolist(),
        "reference_value": 1.0,
    }
