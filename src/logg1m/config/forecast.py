"""What to do next: exposure time, conditions and levers that σ(log g) is forecast for."""

from typing import Annotated

from pydantic import Field

from logg1m.config.base import EACH_ONCE, NOT_TINY, Section

Mags = Annotated[tuple[Annotated[float, Field(ge=0, le=40)], ...], Field(min_length=1, max_length=50), EACH_ONCE]
Hours = Annotated[tuple[Annotated[float, Field(ge=0.001, le=1e4)], ...], Field(min_length=2, max_length=50), EACH_ONCE]
Seeing = Annotated[tuple[Annotated[float, Field(ge=0.1, le=5)], ...], Field(min_length=1, max_length=20), EACH_ONCE]
Zenith = Annotated[tuple[Annotated[float, Field(ge=0, le=70)], ...], Field(min_length=1, max_length=20), EACH_ONCE]
Field_ = Annotated[tuple[Annotated[float, Field(ge=0, le=0.65)], ...], Field(min_length=1, max_length=20), EACH_ONCE]
Factors = Annotated[tuple[Annotated[float, Field(ge=0.1, le=1e3)], ...], Field(min_length=1, max_length=20), EACH_ONCE]
Sigmas = Annotated[tuple[Annotated[float, Field(ge=0.001, le=1e5)], ...], Field(max_length=20), EACH_ONCE]
Shares = Annotated[tuple[Annotated[float, Field(ge=0, le=0.1), NOT_TINY], ...], Field(max_length=20), EACH_ONCE]
Width = Annotated[float, Field(ge=0.001, le=1e4)]


class Forecast(Section):
    """σ(log g) against exposure time, magnitude, conditions and what else could be known."""

    stars: int = Field(300, ge=2, le=1_000_000, description="stars of the population, drawn from the priors")
    magnitudes: Mags = Field(
        (18.0, 18.5, 19.0, 19.5, 20.0, 20.5, 21.0, 21.5, 22.0, 22.5, 23.0, 23.5), description="HSC-i AB magnitudes"
    )
    hours: Hours = Field(
        (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0),
        description="exposure times, h; the number of exposures is the time over observation.exposure_time",
    )
    seeing: Seeing = Field((0.5, 0.65, 0.8, 1.0, 1.25, 1.5), description="seeing FWHM at 800 nm, arcsec")
    zenith_angle: Zenith = Field((0.0, 22.5, 35.0, 45.0, 60.0), description="zenith angles, degrees")
    field_angle: Field_ = Field((0.0, 0.1625, 0.325, 0.4875, 0.65), description="field angles, degrees")
    sky_continuum: Factors = Field(
        (1.0, 2.0, 4.0, 8.0),
        description="brightness of the sky between its lines over that of a dark night: an assumption, no model of "
        "moonlight",
    )
    at_magnitude: float = Field(22.0, ge=0, le=40, description="magnitude at which the conditions are varied")
    at_hours: float = Field(3.0, ge=0.001, le=1e4, description="exposure time at which the conditions are varied, h")
    goal: float = Field(0.2, ge=0.001, le=5, description="σ(log g) whose exposure time is asked for, dex")
    lever_stars: int = Field(
        300, ge=2, le=1_000_000, description="test stars of the run, low-noise ones and any, whose levers are computed"
    )
    teff_priors: Sigmas = Field((50.0, 100.0, 200.0), description="1σ of what photometry says of Teff, K")
    m_h_priors: Sigmas = Field((0.1, 0.2), description="1σ of what photometry says of [M/H], dex")
    calibration: Shares = Field(
        (0.0, 0.01, 0.02, 0.03, 0.05), description="1σ errors of the flux calibration, Legendre orders 1–3 each"
    )
    sky_residual: Shares = Field((0.005, 0.002, 0.0), description="what sky subtraction leaves, as a share of the sky")
    line_spread: Shares = Field((0.01, 0.05), description="1σ errors of the width of the line spread, as a share of it")
    window: float = Field(100.0, ge=20, le=1000, description="width of the windows that are left out or alone, Å")
    posterior_stars: int = Field(
        300,
        ge=0,
        le=1_000_000,
        description="stars whose posteriors are sampled and reweighted: the first of the low-noise ones whose levers are "
        "computed; 0: none",
    )
    library: int = Field(2048, ge=1024, le=100_000_000, description="simulated draws from the prior to start from")
    min_ess: float = Field(
        50.0, gt=1, le=1e9, description="effective sample size below which a reweighted star is refused"
    )
    population: str | None = Field(
        None,
        description="CSV file with columns teff, logg, m_h, weight (K, dex, dex, any scale), such as isochrones: a prior on "
        "log g that no spectrum gives",
    )
    population_kernel: tuple[Width, Width, Width] = Field(
        (75.0, 0.1, 0.1),
        description="1σ of the Gaussians about the rows of that table in Teff, log g, [M/H]: K, dex, dex",
    )
