"""Where spectra come from: one protocol, one factory."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from logg1m.config.compute import Compute
from logg1m.config.data import Data


@dataclass(frozen=True)
class Block:
    """Consecutive spectra: arrays name → (B, P) (flux, error, …), labels name → (B,)."""

    arrays: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


class Source(Protocol):
    """A finite sequence of spectra that can be read in any block, in any order, with the same result."""

    n_spectra: int
    wave: np.ndarray  # (P,) vacuum Å
    arrays: dict[str, str]  # array name → dtype
    labels: dict[str, str]  # label name → unit

    def describe(self) -> dict[str, Any]:
        """What identifies the data, as plain JSON; equal descriptions mean equal spectra."""
        ...

    def read(self, start: int, stop: int) -> Block:
        """Spectra start … stop − 1."""
        ...


def build(data: Data, seed: int, compute: Compute) -> Source:
    """The source that the configuration names."""
    from logg1m.sources.embedded import EmbeddedSource

    return EmbeddedSource(data, seed, compute.device)
