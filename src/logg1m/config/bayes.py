"""MVP-1.1: the Bayes-optimal ceiling by adaptive importance sampling."""

from pydantic import Field, model_validator

from logg1m.config.base import Section


class BayesConfig(Section):
    """Stars, samples and the effective sample sizes (ESS) that count as enough."""

    n_stars: int = Field(
        300, ge=1, le=10_000_000, description="low-noise test spectra whose posterior is sampled, at most"
    )
    n_full: int = Field(
        200, ge=0, le=10_000_000, description="further test spectra of any noise, for the full ceiling and SNR bins"
    )
    library_max: int = Field(
        32_768,
        ge=1024,
        le=100_000_000,
        description="stored spectra that serve as draws from the prior, in whole chunks of 1,024; all of them for "
        "sources that cannot compute spectra",
    )
    samples_per_iteration: int = Field(256, ge=32, le=1_000_000, description="exact spectra per star and iteration")
    max_iterations: int = Field(
        20, ge=0, le=10_000, description="iterations per star, at most; 0 uses the library alone"
    )
    min_ess: float = Field(100.0, gt=1, le=1e9, description="ESS from which a star counts as reached")
    target_ess: float = Field(
        300.0, gt=1, le=1e9, description="ESS at which sampling of a star stops; not below min_ess"
    )
    fit_ess: float = Field(50.0, ge=16, le=1e9, description="ESS of the tempered weights that a proposal is fitted to")
    min_reached: float = Field(
        0.98, ge=0, le=1, description="share of stars that must reach min_ess; below it no ceiling is stated"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "BayesConfig":
        if self.target_ess < self.min_ess:
            raise ValueError(f"target_ess: must be at least min_ess = {self.min_ess:g}, got {self.target_ess:g}")
        return self
