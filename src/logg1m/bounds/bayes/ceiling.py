"""The Bayes-optimal ceiling from posteriors of single stars, and its calibration."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from logg1m import metrics
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.files import InputError

_VALUES = ("bayes_r2", "bayes_mae", "bayes_rmse", "bayes_mae_median", "expected_r2", "expected_rmse")


def ceiling(table: pd.DataFrame, config: BayesConfig, bootstrap: Bootstrap, seed: int, prior: str) -> dict[str, Any]:
    """R², MAE and RMSE of the posterior mean, how well each star was sampled, and whether posteriors are calibrated.

    Every star counts, also the few that did not reach `config.min_ess` (leaving them out would select); their
    posterior means are the less exact, so that the ceiling errs on the low side by about `monte_carlo_share`.
    Where fewer than `config.min_reached` of the stars reach it no ceiling is stated, and `refused` says why.

    Parameters
    ----------
    table : see `bayes.posterior`
    prior : how the prior is represented (`bayes.model.prior_text`)

    Returns
    -------
    bayes_r2, bayes_mae, bayes_rmse (dex) of the posterior mean; bayes_mae_median, the MAE of the posterior median,
    which is the optimal point for that metric; expected_r2 and expected_rmse, the same with the posterior variance
    in place of the squared error (equal in expectation, less scatter): each {value, ci95} or None; ess; n_reached,
    n_not_reached, ids_not_reached; calibration
    """
    if not len(table):
        raise InputError("the Bayes ceiling needs at least one star, the table of posteriors is empty")
    truth, variance, ess = (table[name].to_numpy(dtype=np.float64) for name in ("truth", "var", "ess"))
    error = table["mean"].to_numpy(dtype=np.float64) - truth
    reached = table["converged"].to_numpy(dtype=bool)
    result: dict[str, Any] = {
        "n_stars": len(table),
        "prior": prior,
        **dict.fromkeys(_VALUES),
        "mae_note": "bayes_mae is the MAE of the posterior mean; the MAE-optimal point is the median: bayes_mae_median",
        "ess": {"needed": config.min_ess, **_quantiles(ess)},
        "n_reached": int(reached.sum()),
        "n_not_reached": int((~reached).sum()),
        "ids_not_reached": table["id"][~reached].tolist(),
    }
    if reached.mean() < config.min_reached:
        return result | {
            "refused": f"only {reached.sum()} of {len(table)} stars reach an effective sample size of "
            f"{config.min_ess:g}, {config.min_reached:.0%} are needed: the library is too thin for their noise, "
            "and without exact spectra (or with too few iterations) it cannot be refined"
        }
    statistics = (
        metrics.r2(truth, error),
        metrics.mean(np.abs(error)),
        metrics.rms(error),
        metrics.mean(np.abs(table["median"].to_numpy(dtype=np.float64) - truth)),
        metrics.r2(truth, np.sqrt(variance)),
        metrics.rms(np.sqrt(variance)),
    )
    n = len(table)
    result |= {name: metrics.with_interval(f, n, bootstrap, seed) for name, f in zip(_VALUES, statistics, strict=True)}
    result["monte_carlo_share"] = float((variance / ess).mean() / variance.mean())
    result["calibration"] = calibration(table, bootstrap, seed)
    return result


def calibration(table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """mean(err²/posterior variance) and the ranks of the truth: 1 and uniform if the posteriors are right.

    Simulation-based calibration: Talts et al. 2018, arXiv:1804.06788.
    """
    truth, variance = table["truth"].to_numpy(dtype=np.float64), table["var"].to_numpy(dtype=np.float64)
    scaled = (table["mean"].to_numpy(dtype=np.float64) - truth) ** 2 / variance
    bins = int(np.clip(len(table) // 20, 2, 20))  # about 20 stars or more in each
    counts = np.histogram(table["rank"], bins=bins, range=(0, 1))[0]
    expected = len(table) / bins
    distance = float(((counts - expected) ** 2 / expected).sum())
    return {
        "err2_over_variance": metrics.with_interval(metrics.mean(scaled), len(table), bootstrap, seed),
        "rank_histogram": counts.tolist(),
        "rank_chi2": distance,
        "rank_p_value": float(chdtrc(bins - 1, distance)),
    }


def _quantiles(ess: np.ndarray) -> dict[str, float]:
    names = {"min": 0.0, "p1": 0.01, "p10": 0.1, "median": 0.5, "p90": 0.9}
    return {name: float(np.quantile(ess, q)) for name, q in names.items()}
