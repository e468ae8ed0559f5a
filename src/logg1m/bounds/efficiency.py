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

    `same_stars` has the model, the ceiling and the gap between them on those stars: R² and RMSE (dex) of the model, of the
    posterior mean (`observed`) and as the posteriors themselves expect it (`expected`, the posterior variance in place of the
    squared error: equal in expectation, half the sampling scatter). The gap is that to the expected ceiling, paired.

    Parameters
    ----------
    posteriors : columns id, mean, var, truth of the low-noise stars, dex
    table : columns id, predicted, dex
    """
    joined = posteriors.merge(table[["id", "predicted"]], on="id")
    if not len(joined):
        return None
    truth = joined["truth"].to_numpy(dtype=np.float64)
    error = joined["predicted"].to_numpy(dtype=np.float64) - truth
    best = joined["mean"].to_numpy(dtype=np.float64) - truth
    spread = np.sqrt(joined["var"].to_numpy(dtype=np.float64))

    def measured(statistic: Statistic) -> dict[str, Any]:
        return metrics.with_interval(statistic, len(joined), bootstrap, seed)

    r2 = {
        name: metrics.r2(truth, values) for name, values in (("model", error), ("observed", best), ("expected", spread))
    }
    rmse = {name: metrics.rms(values) for name, values in (("model", error), ("observed", best), ("expected", spread))}
    return {
        "efficiency": measured(_ratio(best**2, error**2)),
        "rmse_over_bayes": measured(_root(_ratio(error**2, best**2))),
        "n_bayes": len(joined),
        "same_stars": {"n": len(joined)}
        | {name: {"r2": measured(r2[name]), "rmse": measured(rmse[name])} for name in r2}
        | {
            "gap": {
                "r2": measured(_less(r2["expected"], r2["model"])),
                "rmse": measured(_less(rmse["model"], rmse["expected"])),
            }
        },
    }


def optimal(posteriors: pd.DataFrame, members: pd.DataFrame, min_reached: float) -> pd.DataFrame | None:
    """Posteriors of the low-noise stars, or None where too few of them reached the effective sample size."""
    low = posteriors[members.loc[posteriors["id"], "low_noise"].to_numpy(dtype=bool)]
    return low if len(low) and low["converged"].mean() >= min_reached else None


def is_leak(measured: dict[str, Any]) -> bool:
    """Whether the whole interval of an efficiency lies above 1: better than any estimator can be."""
    return bool(metrics.interval_of(measured["efficiency"])[0] > 1)


def _ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    return lambda counts: np.asarray((counts @ above) / (counts @ below))


def _less(above: Statistic, below: Statistic) -> Statistic:
    return lambda counts: np.asarray(above(counts) - below(counts))


def _root(statistic: Statistic) -> Statistic:
    return lambda counts: np.asarray(np.sqrt(statistic(counts)))
