"""MVP-1.1: Fisher bounds, the ceiling and the statistic that D1 reads."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from logg1m.config.base import EACH_ONCE, Section
from logg1m.config.bayes import BayesConfig

Statistic = Literal["median_ratio", "rms_ratio", "rmse_over_bayes"]


class Bounds(Section):
    """Derivative estimators, subset sizes and the verdict."""

    max_spectra: int = Field(
        20_000, ge=20, le=100_000_000, description="low-noise spectra whose bounds are computed, at most"
    )
    full_sample: int = Field(
        2_000,
        ge=0,
        le=100_000_000,
        description="further spectra of the test pool, of any noise, for bounds against signal-to-noise",
    )
    convergence: Annotated[tuple[Annotated[int, Field(ge=2, le=100_000_000)], ...], EACH_ONCE] = Field(
        (5_000, 10_000, 20_000), max_length=50, description="subset sizes of the convergence test"
    )
    knn_neighbours: int = Field(
        8, ge=1, le=100_000, description="neighbours on either side in log g of the kNN estimate"
    )
    linear_neighbours: int = Field(64, ge=8, le=100_000, description="neighbours of the local regression on all labels")
    linear_degree: Literal[1, 2] = Field(
        2, description="1: plain local-linear; 2: products of labels as further terms, which take up curvature"
    )
    max_condition: float = Field(
        1e8,
        gt=1,
        le=1e16,
        description="condition number of the scaled Fisher matrix above which a star counts as failed",
    )
    statistic: Statistic = Field(
        "rmse_over_bayes",
        description="ratio of model error to bound that the verdict of MVP-1.1 reads, for the best classical model; "
        "D1 has its own, decisions.d1_statistic, for the best of all models; all are recorded. rmse_over_bayes: where "
        "there is no Bayes ceiling, RMSE over the prior-aware bound",
    )
    min_share: float = Field(
        0.9,
        ge=0,
        le=1,
        description="share of the low-noise test stars that must have a bound; below it no model is judged against "
        "them",
    )
    fewest_in_bin: int = Field(
        10, ge=1, le=1_000_000, description="stars from which a bin of signal-to-noise gets a bound and a ceiling"
    )
    sweep_magnitudes: Annotated[tuple[Annotated[float, Field(ge=0, le=40)], ...], EACH_ONCE] = Field(
        (18.0, 20.0, 21.5, 22.0, 22.5, 23.0),
        min_length=1,
        max_length=50,
        description="AB magnitudes of the sweep at fixed conditions",
    )
    sweep_stars: int = Field(1_000, ge=20, le=1_000_000, description="stars of the magnitude sweep")
    bayes: BayesConfig = BayesConfig()
    headroom_above: float = Field(
        2.0,
        gt=0,
        le=1e6,
        description="MVP-1.1: the whole interval above: headroom, keep optimising; D1 has its own, "
        "decisions.d1_continue_above",
    )
    near_bound_below: float = Field(
        1.25,
        gt=0,
        le=1e6,
        description="MVP-1.1: the whole interval below: near the bound; between the two the verdict is inconclusive",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Bounds":
        if self.near_bound_below > self.headroom_above:
            raise ValueError(
                f"near_bound_below = {self.near_bound_below:g} must not exceed headroom_above = {self.headroom_above:g}"
            )
        return self


class Bootstrap(Section):
    """Resampling of test spectra behind every interval."""

    resamples: int = Field(1000, ge=100, le=1_000_000, description="bootstrap resamples of the test spectra")
    level: float = Field(
        0.95, ge=0.5, le=0.999, description="probability that an interval covers; its ends must lie among the resamples"
    )

    @model_validator(mode="after")
    def _reaches(self) -> "Bootstrap":
        needed = math.ceil(round(2 / (1 - self.level), 6))
        if self.resamples < needed:
            raise ValueError(
                f"level = {self.level:g} needs at least {needed} resamples, so that one lies beyond either end of an "
                f"interval, got resamples = {self.resamples}"
            )
        return self
