"""MVP-0.B: the classical models."""

from typing import Annotated

from pydantic import Field, model_validator

from logg1m.config.base import EACH_ONCE, Section
from logg1m.config.protocol import MOST_SPECTRA

Penalty = Annotated[float, Field(ge=1e-15, le=1e15)]
Penalties = Annotated[tuple[Penalty, ...], EACH_ONCE]


class RidgeConfig(Section):
    """Ridge regression on the full spectrum and on its leading principal components."""

    alphas: Penalties = Field(
        (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6),
        min_length=1,
        max_length=100,
        description="penalties of scikit-learn's un-normalised objective ‖y − Xw‖² + α‖w‖²",
    )
    raw: bool = Field(False, description="also fit features that are centred but not scaled, as a labelled variant")
    pca: Annotated[tuple[Annotated[int, Field(ge=1, le=65_536)], ...], EACH_ONCE] = Field(
        (100, 200, 500), max_length=50, description="numbers of principal components; 'full' is always run"
    )


class LightGBMConfig(Section):
    """Gradient-boosted trees; the roadmap's setting is 2500 trees at 0.05 with 31 leaves on all pixels."""

    n_estimators: int = Field(
        1200, ge=1, le=100_000, description="boosting iterations; the best validation prefix is used"
    )
    learning_rate: float = Field(0.06, ge=1e-6, le=10, description="share of its correction that every tree adds")
    num_leaves: int = Field(31, ge=2, le=131_072, description="largest number of leaves of a tree")
    feature_fraction: float = Field(0.1, ge=1e-4, le=1, description="share of pixels offered to each tree")
    min_data_in_leaf: int = Field(20, ge=1, le=1_000_000, description="smallest number of training spectra in a leaf")
    max_bin: int = Field(63, ge=3, le=255, description="histogram bins per pixel")
    bin_sample: int = Field(5_000, ge=100, le=100_000_000, description="training rows from which bin edges are taken")
    label: str = Field("economical", max_length=100, description="printed beside the results; 'roadmap' at full scale")


class Baselines(Section):
    """Classical models and how their results are judged."""

    ridge: RidgeConfig = RidgeConfig()
    lightgbm: LightGBMConfig = LightGBMConfig()
    lightgbm_largest: int | None = Field(
        None,
        ge=10,
        le=MOST_SPECTRA,
        description="largest scale that LightGBM is trained at, where the machine's time does not allow all of "
        "protocol.scales; null: all",
    )
    lightgbm_draws: int = Field(
        4,
        ge=2,
        le=100,
        description="noise draws of every training spectrum for the LightGBM that stands beside the published "
        "protocol's one",
    )
    lightgbm_draws_largest: int | None = Field(
        None,
        ge=10,
        le=MOST_SPECTRA,
        description="largest scale that LightGBM on several draws is trained at; null: that of lightgbm_largest",
    )
    saturation_gain: float = Field(
        0.05,
        gt=0,
        le=10,
        description="relative gain of R² from saturation_from to saturation_to under which a model is at its ceiling",
    )
    saturation_from: int = Field(
        100_000,
        ge=10,
        le=MOST_SPECTRA,
        description="scale from which the gain is taken; where it is not trained the verdict is open",
    )
    saturation_to: int = Field(
        1_000_000,
        ge=10,
        le=MOST_SPECTRA,
        description="scale to which the gain is taken; where it is not trained the verdict is open",
    )

    @model_validator(mode="after")
    def _rises(self) -> "Baselines":
        if self.saturation_from >= self.saturation_to:
            raise ValueError(
                f"saturation_from = {self.saturation_from} must lie below saturation_to = {self.saturation_to}"
            )
        return self
