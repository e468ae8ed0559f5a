"""Where spectra come from and how they are observed."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from logg1m.config.base import Section
from logg1m.config.files_sources import BoszConfig, PfsHdf5Config

ALL_SPECTRA = 2**32  # spectrum ids are 32-bit counters, so this is no limit at all; written `null` in YAML

Range = tuple[float, float]


class Priors(Section):
    """Uniform label priors [low, high]; the embedded grid covers exactly these ranges."""

    teff: Range = Field((3750.0, 6000.0), description="effective temperature, K")
    logg: Range = Field((1.0, 5.0), description="surface gravity, dex (cgs)")
    m_h: Range = Field((-2.5, 0.5), description="metallicity [M/H], dex")
    a_m: Range = Field((0.0, 0.4), description="alpha enhancement [α/M], dex")
    c_m: Range = Field((-0.5, 0.0), description="carbon enhancement [C/M], dex")

    @model_validator(mode="after")
    def _ordered(self) -> "Priors":
        for name, (low, high) in self:
            if not low <= high:
                raise ValueError(f"{name}: low must not exceed high, got [{low}, {high}]")
        return self


class Observation(Section):
    """Observing conditions of the simulated PFS red-arm medium-resolution spectra."""

    mag: Range = Field((20.5, 22.5), description="HSC-i AB magnitude, uniform")
    rv_km_s: Range = Field((0.0, 0.0), description="radial velocity, km/s, uniform; within ±550")
    extinction_av: float = Field(0.0, ge=0, description="V-band extinction A_V, mag (Cardelli et al. 1989)")
    noise_seeing: Literal["fixed", "sampled"] = Field(
        "fixed", description="fixed: the value of `seeing`; sampled: uniform in `seeing_range`"
    )
    seeing: float = Field(0.8, gt=0, description="seeing FWHM at 800 nm, arcsec")
    seeing_range: Range = Field((0.5, 1.5), description="seeing FWHM, arcsec, when sampled")
    zenith_angle: Range = Field((0.0, 45.0), description="target zenith angle, degrees, uniform")
    field_angle: Range = Field((0.0, 0.65), description="target field angle, degrees, uniform")
    exposures: int = Field(12, ge=1, description="number of exposures")
    exposure_time: float = Field(900.0, gt=0, description="time of one exposure, s")

    @model_validator(mode="after")
    def _ranges(self) -> "Observation":
        allowed = {
            "mag": (0, 40), "rv_km_s": (-550, 550), "seeing_range": (0.1, 5),
            "zenith_angle": (0, 70), "field_angle": (0, 0.65),
        }  # fmt: skip
        for name, (lowest, highest) in allowed.items():
            low, high = getattr(self, name)
            if not lowest <= low <= high <= highest:
                raise ValueError(f"{name}: expected {lowest} <= low <= high <= {highest}, got [{low}, {high}]")
        return self


class Data(Section):
    """The spectra of the run."""

    source: Literal["embedded", "pfs_hdf5", "bosz"] = Field(
        "embedded",
        description="embedded: simulated from the grid in the package; bosz: from a folder of model spectra; "
        "pfs_hdf5: read from shards written by pfsspec",
    )
    n_spectra: Annotated[
        int,
        BeforeValidator(lambda value: ALL_SPECTRA if value is None else value),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 10, "maximum": ALL_SPECTRA}, {"type": "null"}]}),
    ] = Field(
        32_000,
        ge=10,
        le=ALL_SPECTRA,
        description="number of spectra; ids are 0 … n_spectra − 1; null (pfs_hdf5 only): all that the shards hold",
    )
    labels: Literal["continuous", "grid_edges"] = Field(
        "continuous",
        description="continuous: uniform labels; grid_edges: on grid nodes along all axes but one",
    )
    compression: Literal["none", "blosc"] = Field(
        "none", description="none is fastest; blosc = lz4 with bitshuffle, for slow disks"
    )
    priors: Priors = Priors()
    observation: Observation = Observation()
    pfs_hdf5: PfsHdf5Config | None = Field(None, description="the shards; needed if source is pfs_hdf5")
    bosz: BoszConfig | None = Field(None, description="the model spectra; needed if source is bosz")

    @model_validator(mode="after")
    def _section_of_the_source(self) -> "Data":
        if self.source in ("pfs_hdf5", "bosz") and getattr(self, self.source) is None:
            raise ValueError(f"source = '{self.source}' needs the section data.{self.source}, which is missing")
        if self.source != "pfs_hdf5" and self.n_spectra == ALL_SPECTRA:
            raise ValueError(f"n_spectra = null is for source = 'pfs_hdf5'; '{self.source}' needs a number")
        return self
