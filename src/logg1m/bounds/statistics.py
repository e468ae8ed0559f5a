"""The statistics that models are judged by against the bounds: what they are called, and which one stands in for which."""

from collections.abc import Mapping
from typing import Any

# Statistic → its key in an entry of models. Where a source has no Bayes ceiling its prior-aware bound stands for it.
STATISTIC_FIELD = {
    "median_ratio": "ratio_median",
    "rms_ratio": "ratio_rms",
    "rmse_over_bayes": "rmse_over_bayes",
    "rmse_over_prior_aware": "rmse_over_prior_aware",
}


def statistic_of(model: Mapping[str, Any], wanted: str) -> tuple[str, dict[str, Any] | None]:
    """The statistic that judges a model, and what it measures: of RMSE over Bayes the stand-in where there is none."""
    if wanted == "rmse_over_bayes" and model.get(wanted) is None and model.get("rmse_over_prior_aware") is not None:
        wanted = "rmse_over_prior_aware"
    return wanted, model.get(STATISTIC_FIELD[wanted])
