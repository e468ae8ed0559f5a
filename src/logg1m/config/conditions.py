"""What a real observation does not know: nuisances of a star beside its labels, all off by default."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from logg1m.config.base import NOT_TINY, Section

_MOST_CALIBRATION = 0.2  # root of the summed squares: a curve 1 + Σ aₖPₖ of five σ just reaches zero at an edge

OrderSigma = Annotated[float, Field(ge=0, le=0.2), NOT_TINY]


class Nuisances(Section):
    """What differs from star to star and no observer knows; bounds and ceiling marginalise it."""

    amplitude: Literal["known", "free"] = Field(
        "known",
        description="free: the median of the noise-free spectrum is unknown; every noisy draw is divided by its own",
    )
    calibration: Annotated[tuple[OrderSigma, ...], Field(max_length=8)] = Field(
        (),
        description="1σ errors of the flux calibration, one for each Legendre polynomial over the arm from order 1 on, "
        "as fractions of the flux; needs amplitude = free",
    )
    ebv: Annotated[float, Field(ge=0, le=0.3), NOT_TINY] = Field(
        0.0, description="1σ residual reddening E(B−V), mag, after correction; needs amplitude = free"
    )
    velocity_km_s: Annotated[float, Field(ge=0, le=30), NOT_TINY] = Field(
        0.0, description="1σ residual radial velocity, km/s, on top of rv_km_s"
    )

    @property
    def on(self) -> bool:
        """Whether anything at all is unknown."""
        return self != Nuisances()

    @model_validator(mode="after")
    def _together(self) -> "Nuisances":
        if (any(self.calibration) or self.ebv) and self.amplitude == "known":
            raise ValueError("calibration and ebv change the amplitude too, which then is unknown: set amplitude: free")
        if (total := math.hypot(*self.calibration)) > _MOST_CALIBRATION:
            raise ValueError(
                f"calibration: {list(self.calibration)} add up to {total:.3g} at the edges of the arm, expected at "
                f"most {_MOST_CALIBRATION} (root of the summed squares), or fluxes become negative"
            )
        return self
