"""Efficiency of a model against the Bayes-optimal estimator on the same stars; above 1 it has seen what it must not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap

Statistic = Callable[[np.ndarray], np.ndarray]


def efficiency(posteriors: pd.DataFrame, table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any] | None:
    """Bayes MSE / model MSE and model RMSE / Bayes RMSE with intervals; None without a star in common.

    Parameters
    ----------
    posteriors : columns id, mean, truth of the low-noise stars, dex
    table : columns id, predicted, dex
    """
    n, found = statistics(posteriors, table)
    if not n:
        return None
    return {name: metrics.with_interval(f, n, bootstrap, seed) for name, f in found.items()} | {"n_bayes": n}


def statistics(posteriors: pd.DataFrame, table: pd.DataFrame) -> tuple[int, dict[str, Statistic]]:
    """Stars in common, and efficiency and rmse_over_bayes on them as statistics of counts."""
    joined = posteriors.merge(table[["id", "predicted"]], on="id")
    optimal = ((joined["mean"] - joined["truth"]) ** 2).to_numpy()
    squared = ((joined["predicted"] - joined["truth"]) ** 2).to_numpy()
    return len(joined), {"efficiency": ratio(optimal, squared), "rmse_over_bayes": root_ratio(squared, optimal)}


def optimal(posteriors: pd.DataFrame, members: pd.DataFrame, min_reached: float) -> pd.DataFrame | None:
    """Posteriors of the low-noise stars, or None where too few of them reached the effective sample size."""
    low = posteriors[members.loc[posteriors["id"], "low_noise"].to_numpy(dtype=bool)]
    return low if len(low) and low["converged"].mean() >= min_reached else None


def is_leak(measured: dict[str, Any]) -> bool:
    """Whether the whole interval of an efficiency lies above 1: better than any estimator can be."""
    return bool(metrics.interval_of(measured["efficiency"])[0] > 1)


def ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    """Sum of one quantity over that of another, (N,) each, as a statistic of counts."""
    return lambda counts: np.asarray((counts @ above) / (counts @ below))


def root_ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    """The root of it: of squares, the ratio of their roots of means."""
    of_squares = ratio(above, below)
    return lambda counts: np.asarray(np.sqrt(of_squares(counts)))
