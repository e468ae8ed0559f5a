"""Every honest model of Phases 0 and 1 beside the bounds, for D1: it is taken for the best model there is."""

from typing import Any

import pandas as pd

from logg1m.bounds.comparison import model_ratio
from logg1m.bounds.efficiency import efficiency, is_leak
from logg1m.config.bounds import Bootstrap


def with_runs(
    fisher: dict[str, Any],
    predictions: dict[str, pd.DataFrame],
    stars: pd.DataFrame,
    posteriors: pd.DataFrame | None,
    members: pd.DataFrame,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """fisher.json with the models of Phase 1 among its models.

    Parameters
    ----------
    predictions : run folder (mvp_1_2/flux) → columns id, truth, predicted (dex)
    stars : bounds.parquet
    posteriors : of the low-noise stars, or None where the ceiling was not reached
    """
    low = stars[members.loc[stars["id"], "low_noise"].to_numpy(dtype=bool)]
    sigma = low.set_index("id")[f"{fisher['reference_estimator']}_sigma_5d"]
    why = fisher["estimators"][fisher["reference_estimator"]].get("why", "")
    models, leaks = dict(fisher["models"]), list(fisher.get("leaks", []))
    for name, table in predictions.items():
        models[name] = model_ratio(table, sigma, bootstrap, seed, fisher["min_share"], why)
        measured = None if posteriors is None else efficiency(posteriors, table, bootstrap, seed)
        if measured is None:
            continue
        models[name] |= measured
        if is_leak(measured) and not fisher.get("ceiling_is_approximate", False):
            leaks.append({"model": name, "efficiency": measured["efficiency"], "meaning": "an honest run beats Bayes"})
    return {**fisher, "models": models, "leaks": leaks}
