"""The decision points of the roadmap: outcomes, and the rules by which they are reached."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from logg1m.config.base import Name, Section, over
from logg1m.config.bounds import Statistic

Gate = Literal["d1", "d2", "d3"]
OUTCOMES: dict[str, tuple[str, str]] = {
    "d1": ("continue", "stop"),
    "d2": ("windows", "full"),
    "d3": ("multi", "single"),
}
_DEFAULT: dict[Gate, str] = {"d1": "continue", "d2": "full", "d3": "single"}


class Decisions(Section):
    """Rules of the decision points; every threshold is here."""

    override: dict[Gate, Name] = Field(
        default_factory=dict, description="d1: continue | stop; d2: windows | full; d3: multi | single"
    )
    default: Annotated[dict[Gate, Name], over(_DEFAULT)] = Field(
        _DEFAULT, description="outcome when the evidence is inconclusive"
    )
    d1_statistic: Statistic = Field(
        "rmse_over_bayes",
        description="ratio of model error to bound that D1 reads, for the best honest model, networks included; "
        "MVP-1.1, which has classical models only, reads bounds.statistic. rmse_over_bayes: where there is no Bayes "
        "ceiling, RMSE over the prior-aware bound",
    )
    d1_continue_above: float = Field(
        2.0,
        gt=0,
        le=1e6,
        description="D1: the whole interval above: continue with Phase 2; MVP-1.1 has bounds.headroom_above",
    )
    d1_stop_below: float = Field(
        1.25,
        gt=0,
        le=1e6,
        description="D1: the whole interval below: stop; between the two the default holds; MVP-1.1 has "
        "bounds.near_bound_below",
    )
    d4_members: int = Field(
        3, ge=1, le=5, description="largest number of directions combined into the recipe of Phase 2"
    )

    @model_validator(mode="after")
    def _outcomes(self) -> "Decisions":
        if self.d1_stop_below > self.d1_continue_above:
            raise ValueError(
                f"d1_stop_below = {self.d1_stop_below:g} must not exceed d1_continue_above = {self.d1_continue_above:g}"
            )
        for where in ("override", "default"):
            for name, outcome in getattr(self, where).items():
                if outcome not in OUTCOMES[name]:
                    raise ValueError(f"{where}.{name} = {outcome!r}: expected one of {', '.join(OUTCOMES[name])}")
        return self
