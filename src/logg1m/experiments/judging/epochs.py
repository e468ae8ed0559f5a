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


def resampled(tables: dict[str, list[pd.DataFrame]], bootstrap: Bootstrap, seed: int) -> Scores:
    """Validation R² after every epoch of resampled validation stars (B, E), per variant and seed, where there are any.

    Groups of stars are resampled, all trainings' together: the same number of groups has the same counts.

    tables : columns epoch, group, n, first, second, squared (see `models.groups.Groups`)
    """

    def scores_of(table: pd.DataFrame) -> np.ndarray:
        wide = table.pivot(index="group", columns="epoch")
        of_stars = (
            wide[["n", "first", "second"]].to_numpy().reshape(len(wide), 3, -1)[:, :, 0]
        )  # no matter of the epoch
        squared = wide["squared"].to_numpy()
        parts = []
        for counts in metrics.resamples(len(wide), bootstrap, seed):
            n, first, second = (counts @ of_stars).T
            with np.errstate(divide="ignore", invalid="ignore"):
                parts.append(1 - counts @ squared / (second - first**2 / n)[:, None])
        return np.concatenate(parts)

    every = {name: [t for t in seeds if len(t)] for name, seeds in tables.items()}
    return {name: [scores_of(t) for t in seeds] for name, seeds in every.items() if len(seeds) == len(tables[name])}


def epochs_to(scores: np.ndarray, level: float) -> int | None:
    """The first epoch, counted from 1, whose score reaches a level; None if none does."""
    reached = np.flatnonzero(scores >= level)
    return int(reached[0]) + 1 if len(reached) else None


def time_to_best(ours: np.ndarray, theirs: np.ndarray, our_work: Work = EPOCHS, their_work: Work = EPOCHS) -> float:
    """Work of one training until it reaches the best score of another, as a share of what that one took.

    A training that never gets there counts as one that takes an epoch more than the longer of the two: one that stopped
    early because it no longer improved has not been fast. NaN where a score is not known.
    """
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("nan")
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
    drawn: Scores | None = None,
) -> dict[str, Any]:
    """Share of the reference's epochs, or work, that the candidate saves, {value, ci95, per_seed}; NaN without curves.

    Every seed of the candidate is compared with every seed of the reference. The interval is that of the validation stars,
    resampled for both together, and of the scatter between seeds of both, which is not below the configured one while it
    rests on few.

    drawn : scores of resampled validation stars (see `resampled`); of variants that have none no star is resampled
    """
    ours, theirs = (scores.get(name, []) for name in (candidate, reference))
    if not ours or not theirs or any(not len(curve) or np.isnan(curve).any() for curve in (*ours, *theirs)):
        return {**metrics.not_measured(bootstrap.level), "per_seed": [], "reference_value": 1.0}
    of_both = [(work or {}).get(name, EPOCHS) for name in (candidate, reference)]

    def share(ours: list[np.ndarray], theirs: list[np.ndarray]) -> np.ndarray:
        return np.array([[1 - time_to_best(a, b, *of_both) for b in theirs] for a in ours])

    saved, replicates = share(ours, theirs), np.zeros(2)  # (S, S')
    parts = [(drawn or {}).get(name) for name in (candidate, reference)]
    if parts[0] and parts[1]:
        number = range(min(len(scores) for part in parts for scores in part or ()))
        resamples = ([[scores[k] for scores in part or ()] for part in parts] for k in number)
        replicates = np.array([share(*both).mean() for both in resamples])
    scatter = Scatter.pooled([saved.mean(axis=1), saved.mean(axis=0)], configured)
    return {
        **entry(float(saved.mean()), replicates, scatter, 1.0, list(saved.shape), bootstrap),
        "per_seed": saved.diagonal().tolist(),
        "reference_value": 1.0,
    }
