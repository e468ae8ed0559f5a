"""A difference between variants as artifacts hold it: its interval over stars and seeds, and what the run could see."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.scatter import Scatter, Uncertainty


def entry(
    value: float, replicates: np.ndarray, scatter: Scatter, scale: float, seeds: list[int], bootstrap: Bootstrap
) -> dict[str, Any]:
    """{value, ci95, standard_error, freedom, seed_scatter} of a difference of means over seeds.

    Parameters
    ----------
    replicates : of the value, by a bootstrap over stars (B,)
    scatter : between seeds, of the metric that is compared
    scale : what the metric is divided by in the value: the reference's for a share, else 1
    seeds : number of seeds of every mean in the difference
    """
    scaled = Scatter(scatter.value / (abs(scale) or np.inf), scatter.freedom)
    uncertain = Uncertainty.of(replicates, scaled, sum(1 / k for k in seeds))
    return {
        "value": value,
        metrics.level_key(bootstrap.level): uncertain.interval(value, bootstrap.level),
        "standard_error": uncertain.error,
        "freedom": uncertain.freedom if np.isfinite(uncertain.freedom) else None,
        "seed_scatter": {
            "value": scaled.value,
            "freedom": None if scatter.is_configured else scatter.freedom,
            "from": "configured" if scatter.is_configured else "pooled over the variants",
        },
    }


def uncertainty(measured: Mapping[str, Any]) -> Uncertainty:
    """Of a difference as `entry` has it; of one that was not measured, nothing is known."""
    error, freedom = measured.get("standard_error"), measured.get("freedom")
    return Uncertainty(np.nan if error is None else error, np.inf if freedom is None else freedom)
