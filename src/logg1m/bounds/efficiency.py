"""Efficiency of a model against the Bayes-optimal estimator on the same stars; above 1 it has seen what it must not."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.metrics import Statistic


def efficiency(posteriors: pd.DataFrame, table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any] | None:
    """Bayes MSE / model MSE, model RMSE / Bayes RMSE and the excess with intervals; None without a star in common.

    The excess, E[(p − m)²] / E[var] of a model p against the exact posterior mean m, is what a model adds to the squared
    error that nobody can avoid: 0 is optimal, and 1/(1 + excess) the efficiency that is expected. The noise of the stars'
    own errors is in neither of its parts, so that it scatters far less than a ratio of squared errors.

    `same_stars` has the model, the ceiling and the gap between them on those stars, R² and RMSE (dex), as the posteriors
    expect them: var in place of the squared error of the posterior mean (`expected`), var + (p − m)² in place of that of the
    model (`model`). Equal in expectation, and without the luck of the stars' own errors, which model and ceiling share;
    with it they are `observed` and `model_observed`. The gap is paired, and never negative.

    Parameters
    ----------
    posteriors : columns id, mean, var, truth of the low-noise stars, dex
    table : columns id, predicted, dex
    """
    n, found = statistics(posteriors, table)
    if not n:
        return None
    return arranged(n, {name: metrics.with_interval(f, n, bootstrap, seed) for name, f in found.items()})


def statistics(posteriors: pd.DataFrame, table: pd.DataFrame) -> tuple[int, dict[str, Statistic]]:
    """Stars in common, and every number of `efficiency` on them as a statistic of counts, by its place there."""
    joined = posteriors.merge(table[["id", "predicted"]], on="id")
    if not len(joined):
        return 0, {}
    truth = joined["truth"].to_numpy(dtype=np.float64)
    predicted, mean, var = (joined[name].to_numpy(dtype=np.float64) for name in ("predicted", "mean", "var"))
    away = (predicted - mean) ** 2
    errors = {
        "model": np.sqrt(var + away),
        "model_observed": predicted - truth,
        "expected": np.sqrt(var),
        "observed": mean - truth,
    }
    r2 = {name: metrics.r2(truth, values) for name, values in errors.items()}
    rmse = {name: metrics.rms(values) for name, values in errors.items()}
    squared, optimal = errors["model_observed"] ** 2, errors["observed"] ** 2
    found = {"efficiency": ratio(optimal, squared), "rmse_over_bayes": root_ratio(squared, optimal)}
    found["excess"] = ratio(away, var)
    for name in errors:
        found |= {f"same_stars/{name}/r2": r2[name], f"same_stars/{name}/rmse": rmse[name]}
    found["same_stars/gap/r2"] = _less(r2["expected"], r2["model"])
    found["same_stars/gap/rmse"] = _less(rmse["model"], rmse["expected"])
    return len(joined), found


def arranged(n: int, measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What was measured of `statistics` on n stars, each number in its place."""
    result: dict[str, Any] = {"n_bayes": n, "same_stars": {"n": n}}
    for place, number in measured.items():
        *outer, last = place.split("/")
        entry = result
        for key in outer:
            entry = entry.setdefault(key, {})
        entry[last] = number
    return result


def optimal(posteriors: pd.DataFrame, members: pd.DataFrame, min_reached: float) -> pd.DataFrame | None:
    """Posteriors of the low-noise stars, or None where too few of them reached the effective sample size."""
    return reached(posteriors[members.loc[posteriors["id"], "low_noise"].to_numpy(dtype=bool)], min_reached)


def reached(posteriors: pd.DataFrame, min_reached: float) -> pd.DataFrame | None:
    """These posteriors, or None where too few of them reached the effective sample size."""
    return posteriors if len(posteriors) and posteriors["converged"].mean() >= min_reached else None


def is_leak(measured: dict[str, Any]) -> bool:
    """Whether the whole interval of an efficiency lies above 1: better than any estimator can be."""
    return bool(metrics.interval_of(measured["efficiency"])[0] > 1)


def ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    """Sum of one quantity over that of another, (N,) each, as a statistic of counts; undefined over nothing."""
    above, below = above.astype(np.float64), below.astype(np.float64)

    def statistic(counts: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((counts @ above) / (counts @ below))

    return statistic


def root_ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    """The root of it: of squares, the ratio of their roots of means."""
    of_squares = ratio(above, below)
    return lambda counts: np.asarray(np.sqrt(of_squares(counts)))


def _less(above: Statistic, below: Statistic) -> Statistic:
    return lambda counts: np.asarray(above(counts) - below(counts))
