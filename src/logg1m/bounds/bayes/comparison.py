"""The Bayes-optimal ceiling in fisher.json, and the efficiency of every model against it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds.bayes.ceiling import ceiling
from logg1m.bounds.comparison import judge
from logg1m.bounds.efficiency import efficiency, is_leak
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.jobs.progress import log
from logg1m.metrics import Statistic, interval_of


def add_bayes(
    fisher: dict[str, Any],
    posteriors: pd.DataFrame,
    members: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    config: Bounds,
    bootstrap: Bootstrap,
    seed: int,
    prior: str,
    selection: dict[str, pd.DataFrame],
    exact: bool = True,
) -> None:
    """Put the ceiling, and efficiency and rmse_over_bayes of models, into fisher.json, and take its verdict again.

    The ceiling's headline is what the posteriors themselves expect (`expected_r2`, `expected_rmse`); that of their
    means on these very stars (`bayes_*`) stands beside it.

    A model that is better than the optimum beyond its interval goes into `leaks`, is logged as an error, and has no
    say in the verdict.

    Parameters
    ----------
    posteriors : see `bayes.posterior`; the low-noise stars give the main ceiling, all of them the bins
    predictions : model → columns id, truth, predicted (dex)
    selection : model → the same on validation stars, where the best one is chosen
    prior : how the prior is represented
    exact : whether that prior is the law of the labels (`bayes.model.prior_is_exact`); if not, `ceiling_is_approximate`
        is true, and a model above the ceiling is no leak
    """
    low = posteriors[members.loc[posteriors["id"], "low_noise"].to_numpy(dtype=bool)]
    main = ceiling(low, config.bayes, bootstrap, seed, prior)
    ceilings = fisher["ceilings"]
    ceilings |= {name: main[name] for name in ("expected_r2", "expected_rmse", "bayes_r2", "bayes_mae", "bayes_rmse")}
    ceilings["bayes"] = {"low_noise": main, "full": _full(posteriors, members, config, bootstrap, seed, prior)}
    ceilings["bayes_bins"] = bins(posteriors, members, ceilings["logg_variance"], bootstrap, seed, config.fewest_in_bin)
    fisher["ceiling_is_approximate"] = not exact
    fisher["leaks"] = []
    for name, table in predictions.items():
        if main["bayes_r2"] is None:
            continue
        measured = efficiency(low, table, bootstrap, seed)
        if measured is None:
            continue
        fisher["models"][name] |= measured
        if exact and is_leak(measured):
            value, low_end = measured["efficiency"]["value"], interval_of(measured["efficiency"])[0]
            log.error(
                f"leak: {name} is better than any estimator can be: efficiency {value:.3f}, interval from "
                f"{low_end:.3f} (1 is optimal); it has seen what it must not, and is left out of the verdict"
            )
            fisher["leaks"].append(
                {
                    "model": name,
                    "efficiency": measured["efficiency"],
                    "meaning": "better than any estimator can be: look for a leak",
                }
            )
    judge(fisher, selection, members["low_noise"], config, bootstrap, seed)


def _full(
    posteriors: pd.DataFrame, members: pd.DataFrame, config: Bounds, bootstrap: Bootstrap, seed: int, prior: str
) -> dict[str, Any] | None:
    """The ceiling of the full distribution, from the stars that were drawn whatever their noise."""
    rank = members.loc[posteriors["id"], "rank"].to_numpy()
    drawn = posteriors[rank < config.bayes.n_full]
    return ceiling(drawn, config.bayes, bootstrap, seed, prior) if len(drawn) else None


def bins(
    posteriors: pd.DataFrame, members: pd.DataFrame, variance: float, bootstrap: Bootstrap, seed: int, fewest: int = 10
) -> list[dict[str, Any]]:
    """R², RMSE and MAE (dex) of the posterior mean per SNR bin of at least `fewest` stars.

    R² is 1 − E[posterior variance] / Var(log g) and RMSE the root of that expectation: equal in expectation to those of
    the errors, with less scatter in bins of few stars. MAE is that of the errors.
    """
    snr = members.loc[posteriors["id"], "snr"].to_numpy()
    rows = []
    for low, high in pairwise(metrics.SNR_EDGES):
        inside = (snr >= low) & (snr < high)
        n = int(inside.sum())
        if n < fewest:
            continue
        spread = metrics.mean(posteriors["var"].to_numpy()[inside])
        error = (posteriors["mean"] - posteriors["truth"]).abs().to_numpy()[inside]
        rows.append(
            {
                "snr_low": low,
                "snr_high": None if np.isinf(high) else high,
                "snr_median": float(np.median(snr[inside])),
                "n": n,
                "ess_below_needed": int((~posteriors["converged"].to_numpy(dtype=bool)[inside]).sum()),
                "r2": metrics.with_interval(_ceiling_of(spread, variance), n, bootstrap, seed),
                "mae": metrics.with_interval(metrics.mean(error), n, bootstrap, seed),
                "rmse": metrics.with_interval(_root_of(spread), n, bootstrap, seed),
            }
        )
    return rows


def _ceiling_of(spread: Statistic, variance: float) -> Statistic:
    return lambda counts: np.asarray(1 - spread(counts) / variance)


def _root_of(spread: Statistic) -> Statistic:
    return lambda counts: np.asarray(np.sqrt(spread(counts)))
