"""The fixed protocol of MVP-0.A: what low noise means, and who is trained and tested on what."""

from typing import Annotated

from pydantic import Field, model_validator

from logg1m.config.base import EACH_ONCE, Section

MOST_SPECTRA = 2**31  # of a store: ids are 32-bit counters, and the upper half is kept for others (ids)


class Protocol(Section):
    """Low-noise definition, pools and nested scales."""

    low_noise_fraction: float = Field(0.2, ge=1e-4, le=1, description="top share of ‖flux‖/‖error‖ called low noise")
    quantiles: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], EACH_ONCE] = Field(
        (0.1, 0.2, 0.5), max_length=50, description="top shares whose thresholds are recorded"
    )
    train_fraction: float = Field(0.8, gt=0, lt=1, description="share of the permutation in the training pool")
    validation_fraction: float = Field(0.05, gt=0, lt=0.5, description="last share of a training prefix")
    validation_max: int = Field(10_000, ge=2, le=MOST_SPECTRA, description="largest validation set")
    noise_level: float = Field(1.0, ge=0, le=1000, description="noise = noise_level · error · N(0, 1)")
    scales: tuple[Annotated[int, Field(ge=10, le=MOST_SPECTRA)], ...] = Field(
        (10_000, 32_000),
        min_length=1,
        max_length=20,
        description="numbers of spectra (train + test) of the nested scales, increasing",
    )

    @model_validator(mode="after")
    def _scales(self) -> "Protocol":
        if list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales: sizes must increase, got {list(self.scales)}")
        return self


def scale_name(size: int) -> str:
    """Short name of a scale: 500, 10k, 1M."""
    for unit, suffix in ((1_000_000, "M"), (1_000, "k")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)
