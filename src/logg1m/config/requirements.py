"""What flux calibration, dereddening and velocities have to be good to."""

from typing import Annotated

from pydantic import Field

from logg1m.config.base import EACH_ONCE, NOT_TINY, Section

Errors = Annotated[
    tuple[Annotated[float, Field(ge=0, le=0.1), NOT_TINY], ...], Field(min_length=1, max_length=20), EACH_ONCE
]
Velocities = Annotated[
    tuple[Annotated[float, Field(ge=0, le=30), NOT_TINY], ...], Field(min_length=1, max_length=20), EACH_ONCE
]


class Requirements(Section):
    """Bound and ceiling against what is not known of a spectrum, one unknown at a time."""

    stars: int = Field(60, ge=2, le=1_000_000, description="low-noise test stars whose posteriors are sampled, at most")
    library: int = Field(4096, ge=1024, le=100_000_000, description="simulated draws from the prior to start from")
    orders: int = Field(3, ge=1, le=3, description="Legendre orders that share each calibration error")
    calibration: Errors = Field((0.005, 0.01, 0.02, 0.05), description="1σ errors of the flux calibration per order")
    ebv: Errors = Field((0.01, 0.03, 0.05), description="1σ errors of E(B−V), mag")
    velocity_km_s: Velocities = Field((3.0, 10.0), description="1σ errors of the radial velocity, km/s")
    close: float = Field(
        0.005, ge=0, le=1, description="loss of R² of the ceiling up to which an error counts as small enough"
    )
