"""The model that is put into a folder of its own, and spectra of the user's that a run applies it to."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from logg1m.config.base import EACH_ONCE, Section

Bit = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_]+$")]


class Predict(Section):
    """results/model/, its calibration, and the spectra that the rule `predict` is asked for."""

    model: Literal["winner", "projection"] = Field(
        "winner",
        description="winner: the best honest model of all phases, chosen on validation stars (it needs the whole roadmap); "
        "projection: the one of MVP-0.B at the largest scale, which the main job makes",
    )
    calibration_size: int = Field(
        50_000,
        ge=200,
        le=2**28,
        description="simulated stars that errors and quantiles are calibrated on, and as many that judge them; of a source "
        "that cannot simulate, the validation stars, one half each",
    )
    bound_stars: int = Field(
        4_000, ge=100, le=1_000_000, description="simulated stars from which labels for log_gBound are learnt"
    )
    spectra: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], EACH_ONCE] = Field(
        (),
        max_length=10_000,
        description="files of the rule `predict`: paths or patterns, relative to the run's folder",
    )
    chunk: int = Field(50_000, ge=1, le=100_000_000, description="spectra of one job of the rule `predict`")
    frame: Literal["observed", "rest"] = Field(
        "observed", description="rest: wavelengths of the spectra are those of the star, and no velocity is needed"
    )
    v_los: float | None = Field(None, ge=-1e5, le=1e5, description="one radial velocity for all spectra, km/s")
    rv: str | None = Field(None, max_length=1_000, description="a table of radial velocities: v_los and objId or row")
    mask_bits: Annotated[tuple[Bit, ...], EACH_ONCE] = Field(
        (), max_length=64, description="bits of integer masks that mark bad pixels; none: those that the format says"
    )
    bound: bool = Field(False, description="also log_gBound, what each spectrum allowed; exact, and slow")
    estimator: Literal["network", "posterior", "both"] = Field("network", description="see docs/predict.md")

    @model_validator(mode="after")
    def _one_velocity(self) -> "Predict":
        if self.v_los is not None and self.rv is not None:
            raise ValueError(f"v_los = {self.v_los:g} and rv = {self.rv!r}: expected one velocity for all, or a table")
        return self
