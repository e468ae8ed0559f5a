"""Where spectra come from: one protocol, one factory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from logg1m.config.compute import Compute
from logg1m.config.data import Data

if TYPE_CHECKING:
    import pandas as pd

    from logg1m.observe import Jacobian


@dataclass(frozen=True)
class Block:
    """Consecutive spectra: arrays name → (B, P) (flux, error, …), labels name → (B,)."""

    arrays: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise-free flux and 1σ error (B, P) float32; NaN and infinite at masked pixels."""
        flux, error = self.arrays["flux"], self.arrays["error"]
        if "mask" not in self.arrays:
            return flux, error
        bad = self.arrays["mask"] != 0
        return np.where(bad, np.float32(np.nan), flux), np.where(bad, np.float32(np.inf), error)


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


@runtime_checkable
class Simulator(Protocol):
    """A source that can simulate any spectrum, and compute exact derivatives of it."""

    def simulate(self, start: int, stop: int) -> Block:
        """Spectra start … stop − 1, in the store or beyond it: any ids of `ids`."""
        ...

    def derivatives(self, ids: np.ndarray) -> "Jacobian":
        """Spectra `ids` with the derivatives of their noise-free flux."""
        ...


@runtime_checkable
class Reporter(Protocol):
    """A source of spectra that were there before: it says what it mended, and who each spectrum is."""

    def summary(self) -> dict[str, Any]:
        """What was found and mended, for the manifest."""
        ...

    def identifiers(self) -> "pd.DataFrame":
        """One row per spectrum: where it came from, its identifiers, and other columns that are no labels."""
        ...


def build(data: Data, seed: int, compute: Compute) -> Source:
    """The source that the configuration names."""
    if data.source == "pfs_hdf5":
        from logg1m.sources.pfs.source import PfsHdf5Source

        return PfsHdf5Source(data)
    if data.source == "bosz":
        from logg1m.sources.bosz.source import BoszSource

        return BoszSource(data, seed, compute.device)
    from logg1m.sources.embedded import EmbeddedSource

    return EmbeddedSource(data, seed, compute.device)
