"""Every honest model of Phases 0 and 1 beside the bounds, for D1: it is taken for the best model there is."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds import efficiency
from logg1m.bounds.choice import choose
from logg1m.bounds.comparison import ratios
from logg1m.bounds.efficiency import is_leak
from logg1m.config.bounds import Bootstrap
from logg1m.metrics import Statistic
from logg1m.scatter import Scatter, Uncertainty

Tables = Mapping[str, list[pd.DataFrame]]


def with_runs(
    fisher: dict[str, Any],
    predictions: Tables,
    stars: pd.DataFrame,
    posteriors: pd.DataFrame | None,
    members: pd.DataFrame,
    bootstrap: Bootstrap,
    seed: int,
    selection: Tables,
    changes: Mapping[str, tuple[str, int]],
) -> dict[str, Any]:
    """fisher.json with the models of Phase 1 among its models, and the best of all chosen on validation stars.

    Parameters
    ----------
    predictions : run folder (mvp_1_2/flux) → columns id, truth, predicted (dex) per seed
    stars : bounds.parquet
    posteriors : of the low-noise stars, or None where the ceiling was not reached
    selection : model, those of Phase 0 too → the same on validation stars
    changes : run folder → kind of its model, and how many fields of the recipe differ
    """
    low = stars[members.loc[stars["id"], "low_noise"].to_numpy(dtype=bool)].set_index("id")
    reference = fisher["reference_estimator"]
    sigma, prior = (low[f"{reference}_sigma_{dims}"] for dims in ("5d", "prior"))
    why = fisher["estimators"][reference].get("why", "")
    models, leaks = dict(fisher["models"]), list(fisher.get("leaks", []))
    against_bound, against_bayes = {}, {}
    for name, seeds in predictions.items():
        against_bound[name] = [ratios(table, sigma, prior, fisher["min_share"], why) for table in seeds]
        against_bayes[name] = [] if posteriors is None else [efficiency.statistics(posteriors, t) for t in seeds]
    judged = {name: (found[0][1], [f for _, _, f in found]) for name, found in against_bound.items()}
    measured = _measured(judged, bootstrap, seed)
    judged = {name: (found[0][0], [f for _, f in found]) for name, found in against_bayes.items() if found}
    optimal = _measured({name: found for name, found in judged.items() if found[0]}, bootstrap, seed)
    for name, found in against_bound.items():
        models[name] = found[0][0] | {"seeds": len(found)} | measured[name]
        if name not in optimal:
            continue
        models[name] |= efficiency.arranged(judged[name][0], optimal[name])
        if is_leak(optimal[name]) and not fisher.get("ceiling_is_approximate", False):
            leaks.append(
                {"model": name, "efficiency": optimal[name]["efficiency"], "meaning": "an honest run beats Bayes"}
            )
    left_out = [leak["model"] for leak in leaks]
    choice = choose(selection, members["low_noise"], bootstrap, seed, changes, left_out)
    return {**fisher, "models": models, "leaks": leaks, "choice": choice}


def _measured(
    of_models: Mapping[str, tuple[int, list[dict[str, Statistic]]]], bootstrap: Bootstrap, seed: int
) -> dict[str, dict[str, Any]]:
    """Means over seeds with intervals, {value, ci95, per_seed}; of one seed the bootstrap over stars alone.

    Parameters
    ----------
    of_models : model → number of stars, and its statistics per seed
    """
    one_of = {name: np.ones((1, n), dtype=np.float32) for name, (n, _) in of_models.items()}
    per_seed = {
        name: {key: np.array([f[key](one_of[name])[0] for f in seeds]) for key in seeds[0]}
        for name, (_, seeds) in of_models.items()
    }
    found: dict[str, dict[str, Any]] = {}
    for name, (n, seeds) in of_models.items():
        found[name] = {}
        for key in seeds[0]:
            everyone = (values[key] for values in per_seed.values() if key in values)
            found[name][key] = _mean([f[key] for f in seeds], per_seed[name][key], everyone, n, bootstrap, seed)
    return found


def _mean(
    seeds: list[Statistic],
    values: np.ndarray,
    everyone: Iterable[np.ndarray],
    n: int,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """One statistic of one model: its mean over seeds, whose scatter is pooled over the models."""
    if len(seeds) == 1:
        return metrics.with_interval(seeds[0], n, bootstrap, seed)
    drawn = metrics.resamples(n, bootstrap, seed)
    replicates = np.concatenate([np.mean([f(counts) for f in seeds], axis=0) for counts in drawn])
    uncertain = Uncertainty.of(replicates, Scatter.pooled(everyone, 0.0), 1 / len(seeds))
    interval = uncertain.interval(float(values.mean()), bootstrap.level)
    return {"value": float(values.mean()), metrics.level_key(bootstrap.level): interval, "per_seed": values.tolist()}
