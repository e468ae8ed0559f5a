"""What knowing a star's own error could gain at most: a fit with its weights beside one with everybody's."""

from typing import Any

import numpy as np

from logg1m.experiments.judging.evidence import Evidence

_ESTIMATORS = ("exact", "local_linear")


def extra(evidence: Evidence) -> dict[str, Any]:
    """Share of σ(log g) that weights from a star's own error save, against weights from the mean shape of all errors.

    Median, 90th percentile and largest over the low-noise test stars whose bounds were computed with both; an estimator
    that is told the error cannot gain more than that from knowing which pixels are noisier. `conclusion` is there where
    90 % of the stars are below the margin of the experiment's first criterion.
    """
    stars, members = evidence.stars, evidence.members
    name = next((n for n in _ESTIMATORS if f"{n}_sigma_common_weights" in stars), None)
    if name is None:
        return {"stars": 0}
    of = members.loc[stars["id"]]
    part = stars[((of["pool"] == "test") & of["low_noise"]).to_numpy(dtype=bool)]
    saved = 1 - part[f"{name}_sigma_5d"] / part[f"{name}_sigma_common_weights"]
    saved = saved[np.isfinite(saved)].to_numpy(dtype=np.float64)
    if not len(saved):
        return {"stars": 0}
    found: dict[str, Any] = {
        "stars": len(saved),
        "median share of σ": float(np.median(saved)),
        "90 % of stars below": float(np.percentile(saved, 90)),
        "largest": float(saved.max()),
    }
    acceptance = evidence.experiment.acceptance
    margin = acceptance.criteria[0].margin if acceptance else 0.0
    if found["90 % of stars below"] < margin:
        found["conclusion"] = (
            f"not under these conditions: the errors of all stars have nearly one shape, and their own weights save "
            f"{found['median share of σ']:.2%} of σ(log g) in the median, {found['90 % of stars below']:.2%} at the 90th "
            f"percentile, against a margin of {margin:.0%}"
        )
    return found
