"""Whether a change helps one half of a pair of experiments more than the other: a difference of differences."""

from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion
from logg1m.experiments.judging import resampling
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.intervals import entry


def improvement(
    runs: Runs, candidate: str, reference: str, criterion: Criterion, sign: float, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Improvement from <reference>_<first> to <candidate>_<first>, less that from <reference>_<second> to
    <candidate>_<second>; {value, ci95, per_seed, inside, outside}. NaN where one of the four did not run.

    The four are resampled together, spectrum by spectrum, and the scatter between seeds counts for each of them. Where
    the criterion is relative both improvements are shares of their own reference.

    Parameters
    ----------
    sign : +1 where a larger metric is better, else −1
    """
    assert criterion.more_in is not None
    names = [f"{model}_{part}" for part in criterion.more_in for model in (candidate, reference)]
    if any(name not in runs.errors for name in names):
        nothing = metrics.not_measured(bootstrap.level)
        return {**nothing, "per_seed": [], "reference_value": 1.0, "inside": nothing, "outside": nothing}
    subset = runs.inside(criterion.subset)
    n = int(subset.sum())
    parts = [runs.of_seeds(criterion.metric, name, subset) for name in names]

    def gains(values: np.ndarray) -> np.ndarray:
        """Metrics of the four (4, …) → inside, outside and their difference (3, …)."""
        change = sign * (values[[0, 2]] - values[[1, 3]])
        with np.errstate(divide="ignore", invalid="ignore"):  # a share of nothing is undefined
            change = change / np.abs(values[[1, 3]]) if criterion.relative else change
        return np.stack([change[0], change[1], change[0] - change[1]])

    measured = [resampling.per_seed(seeds, n) for seeds in parts]
    values = gains(np.array([m.mean() for m in measured]))
    resampled = gains(resampling.replicates(parts, n, bootstrap, seed))
    common = min(map(len, measured))
    per_seed = gains(np.stack([m[:common] for m in measured]))[2].tolist()
    # The scatter between seeds is that of the metric itself, or its share in the smaller of the two references', which is the larger share.
    references = [float(measured[k].mean()) for k in (1, 3)]
    scales = [*references, min(references, key=abs)] if criterion.relative else [1.0] * 3
    scatter, seeds = runs.scatter(criterion.metric, criterion.subset), list(map(len, measured))
    inside, outside, difference = (
        entry(float(value), row, scatter, scale, some, bootstrap)
        for value, row, scale, some in zip(values, resampled, scales, (seeds[:2], seeds[2:], seeds))
    )
    scale = scales[2]
    return {**difference, "per_seed": per_seed, "reference_value": scale, "inside": inside, "outside": outside}
