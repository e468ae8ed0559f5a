"""Where spectra come from and how they are observed."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from logg1m.config.base import EACH_ONCE, Section
from logg1m.config.conditions import Nuisances
from logg1m.config.files_sources import BoszConfig, PfsHdf5Config
from logg1m.config.protocol import MOST_SPECTRA

ALL_SPECTRA = MOST_SPECTRA  # so many that it is no limit at all; written `null` in YAML
N_PIXELS = 4096  # of simulated spectra

_FASTEST, _MOST_SIGMA = 550, 6.4  # km/s; σ: no uniform number of 32 bits is farther out

Range = tuple[float, float]


@dataclass(frozen=True)
class Ends:
    """Where both ends of a range [low, high] may lie."""

    lowest: float
    highest: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        end = Annotated[float, Field(ge=self.lowest, le=self.highest)]
        return no_info_after_validator_function(_ordered, handler.generate_schema(tuple[end, end]))


def _ordered(value: Range) -> Range:
    if value[0] > value[1]:
        raise ValueError(f"low must not exceed high, got [{value[0]:g}, {value[1]:g}]")
    return value


class Priors(Section):
    """Uniform label priors [low, high]; the embedded grid covers exactly these ranges."""

    teff: Annotated[Range, Ends(1000, 100000)] = Field((3750.0, 6000.0), description="effective temperature, K")
    logg: Annotated[Range, Ends(-2, 10)] = Field((1.0, 5.0), description="surface gravity, dex (cgs)")
    m_h: Annotated[Range, Ends(-10, 5)] = Field((-2.5, 0.5), description="metallicity [M/H], dex")
    a_m: Annotated[Range, Ends(-5, 5)] = Field((0.0, 0.4), description="alpha enhancement [α/M], dex")
    c_m: Annotated[Range, Ends(-5, 5)] = Field((-0.5, 0.0), description="carbon enhancement [C/M], dex")


class Observation(Section):
    """Observing conditions of the simulated PFS red-arm medium-resolution spectra."""

    mag: Annotated[Range, Ends(0, 40)] = Field((20.5, 22.5), description="HSC-i AB magnitude, uniform")
    rv_km_s: Annotated[Range, Ends(-_FASTEST, _FASTEST)] = Field(
        (0.0, 0.0), description="radial velocity, km/s, uniform"
    )
    extinction_av: float = Field(0.0, ge=0, le=20, description="V-band extinction A_V, mag (Cardelli et al. 1989)")
    noise_seeing: Literal["fixed", "sampled"] = Field(
        "fixed", description="fixed: the value of `seeing`; sampled: uniform in `seeing_range`"
    )
    seeing: float = Field(0.8, ge=0.1, le=5, description="seeing FWHM at 800 nm, arcsec")
    seeing_range: Annotated[Range, Ends(0.1, 5)] = Field((0.5, 1.5), description="seeing FWHM, arcsec, when sampled")
    zenith_angle: Annotated[Range, Ends(0, 70)] = Field(
        (0.0, 45.0), description="target zenith angle, degrees, uniform"
    )
    field_angle: Annotated[Range, Ends(0, 0.65)] = Field(
        (0.0, 0.65), description="target field angle, degrees, uniform"
    )
    exposures: int = Field(12, ge=1, le=100_000, description="number of exposures")
    exposure_time: float = Field(900.0, ge=1, le=100_000, description="time of one exposure, s")
    sky_level: Annotated[Range, Ends(0.1, 10)] = Field(
        (1.0, 1.0), description="brightness of the sky over that of a dark night, uniform; the observer knows it"
    )
    bad_pixels: float = Field(
        0.0, ge=0, le=0.5, description="share of pixels that are masked, half of them single, half in runs of 3–20"
    )
    mask_o2_a: bool = Field(False, description="mask the telluric O₂ A band, 7592–7700 Å vacuum, in every spectrum")
    nuisances: Nuisances = Nuisances()
    arms: Annotated[tuple[Literal["b", "r", "m", "n"], ...], EACH_ONCE] = Field(
        ("m",),
        min_length=1,
        max_length=3,
        description="arms that are simulated together: b blue, r red at low or m at medium resolution, n near infrared; "
        "one of r and m, in which magnitudes are measured. Pixels that the grid of stars does not cover are left out",
    )

    @model_validator(mode="after")
    def _one_red_arm(self) -> "Observation":
        if len({"r", "m"} & set(self.arms)) != 1:
            raise ValueError(f"arms = {list(self.arms)}: expected one of r and m, with b and n as you like")
        return self

    @model_validator(mode="after")
    def _moves(self) -> "Observation":
        fastest = max(map(abs, self.rv_km_s)) + _MOST_SIGMA * self.nuisances.velocity_km_s
        if fastest > _FASTEST:
            raise ValueError(
                f"rv_km_s = {list(self.rv_km_s)} with nuisances.velocity_km_s = {self.nuisances.velocity_km_s:g} reaches "
                f"{fastest:.0f} km/s at {_MOST_SIGMA:g} σ: expected at most {_FASTEST:g}, which the grid's wavelengths allow"
            )
        return self

    def described(self) -> dict[str, Any]:
        """What identifies spectra that were observed so, as plain JSON; what is off is left out, as it was before it
        could be switched on."""
        values, off = self.model_dump(mode="json"), Observation().model_dump(mode="json")
        return {name: value for name, value in values.items() if name not in _SURVEY or value != off[name]}

    @property
    def masks(self) -> bool:
        """Whether any pixel is masked."""
        return self.bad_pixels > 0 or self.mask_o2_a

    @property
    def surveyed(self) -> bool:
        """Whether stars differ in anything that ideal conditions leave alone."""
        return self.nuisances.on or self.sky_level != (1.0, 1.0)


# Fields that observations have only where they are not as they were before there was a choice.
_SURVEY = ("sky_level", "bad_pixels", "mask_o2_a", "nuisances", "arms")


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
        other_arms = self.observation.arms != Observation().arms
        if self.source == "pfs_hdf5" and (self.observation.surveyed or self.observation.masks or other_arms):
            raise ValueError(
                "observation.nuisances, sky_level, bad_pixels, mask_o2_a and arms say how spectra are simulated; "
                "those of source = 'pfs_hdf5' come as they are"
            )
        return self
