"""log g by levels of 0.25 dex: how often a prediction falls into the right level, and what the levels are worth."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.judging.evidence import Evidence

WIDTH = 0.25  # dex
_CONFIDENCE_BINS = 10


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Per variant and subset, first seed: accuracy of the predicted level, exact and within one level; of the
    classifier too, with its expected calibration error and the MAE of the expectation over its levels, where a run has
    one.

    The classifier was last trained before the regression output had its turn, and the encoder has moved since.
    """
    rows = []
    for name, seeds in evidence.predictions.items():
        for subset, part in evidence.tests(seeds[0]).items():
            if len(part):
                row = {"variant": name, "subset": subset, "n": len(part)}
                rows.append(row | accuracies(part, evidence.bootstrap, evidence.seed))
    return rows


def accuracies(table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """Level accuracies of predictions with columns truth, predicted and, of a classifier, level, level_probability,
    level_expected."""
    n = len(table)
    distance = np.abs(level_of(table["predicted"]) - level_of(table["truth"]))
    truth = table["truth"].to_numpy(dtype=np.float64)

    def mae(column: str) -> dict[str, Any]:
        wrong = np.abs(table[column].to_numpy(dtype=np.float64) - truth)
        return metrics.with_interval(metrics.mean(wrong), n, bootstrap, seed)

    row: dict[str, Any] = {
        "MAE": mae("predicted"),
        "right level": metrics.with_interval(metrics.mean(distance == 0), n, bootstrap, seed),
        "within one level": metrics.with_interval(metrics.mean(distance <= 1), n, bootstrap, seed),
    }
    if "level" in table:
        right = level_of(table["level"]) == level_of(table["truth"])
        row["MAE, expectation over levels"] = mae("level_expected")
        row["right level, classifier"] = metrics.with_interval(metrics.mean(right), n, bootstrap, seed)
        row["expected calibration error"] = calibration_error(table["level_probability"].to_numpy(), right)
    return row


def level_of(values: pd.Series) -> np.ndarray:
    """Number of the 0.25-dex level of every log g (N,)."""
    return np.asarray(np.floor(values.to_numpy(dtype=np.float64) / WIDTH), dtype=np.int64)


def calibration_error(probability: np.ndarray, right: np.ndarray) -> float:
    """Mean |accuracy − confidence| over ten bins of confidence, by their counts (Naeini et al. 2015)."""
    index = np.minimum((probability * _CONFIDENCE_BINS).astype(np.int64), _CONFIDENCE_BINS - 1)
    count = np.bincount(index, minlength=_CONFIDENCE_BINS)
    gap = np.bincount(index, weights=right - probability, minlength=_CONFIDENCE_BINS)
    return float(np.abs(gap).sum() / max(count.sum(), 1))
