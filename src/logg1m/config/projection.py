"""The model that is given the directions in which noise-free spectra vary: its perceptron, and how it is trained."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from logg1m.config.base import Section
from logg1m.config.networks import Training

# Validated after every pass, so that the best one is kept: it never stops early.
_TRAINING = Training(epochs=24, batch_size=512, learning_rate=2e-3, patience=100_000)


def _in_part(value: object) -> object:
    """Settings given in part: those left out are the projection's own, not those of the networks."""
    return {**_TRAINING.model_dump(), **value} if isinstance(value, Mapping) else value


class Projection(Section):
    """Projection onto the subspace of the models; what an experiment varies of it (components, …) is in its recipe."""

    width: int = Field(256, ge=1, le=65_536, description="hidden width of the perceptron")
    depth: int = Field(3, ge=1, le=100, description="hidden layers of the perceptron")
    basis_rows: int = Field(
        20_000, ge=2, le=1_000_000, description="noise-free training spectra behind the basis, at most"
    )
    training: Annotated[Training, BeforeValidator(_in_part)] = _TRAINING
    threads: int = Field(1, ge=1, le=10_000, description="per run on a CPU")
