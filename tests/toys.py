"""Stores and sources whose answers are known: 64 pixels, flux linear (or any function) of five labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.observe import LABELS, Jacobian
from logg1m.sources import Block, Source
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store

ONE = Compute(threads=1, device="cpu")
TWO = Compute(threads=2, device="cpu")
PIXELS = 64


@dataclass
class ToySource:
    """`flux_of` the labels (N, 5) → (N, P), with the error of each pixel; a `logg1m.sources.Source`.

    With `design` (5, P) it is a `Simulator` too: flux = … + labels @ design, error independent of the labels.
    """

    values: np.ndarray  # (N, 5) labels
    flux: np.ndarray  # (N, P)
    error: np.ndarray  # (N, P)
    design: np.ndarray

    def __post_init__(self) -> None:
        self.n_spectra, pixels = self.flux.shape
        self.wave = 7100.0 + np.arange(pixels, dtype=np.float64)
        self.arrays = {"flux": "float32", "error": "float32"}
        self.labels = dict.fromkeys(LABELS, "")

    def describe(self) -> dict[str, Any]:
        return {"kind": "toy", "sum": [float(self.values.sum()), float(self.flux.sum()), float(self.error.sum())]}

    def read(self, start: int, stop: int) -> Block:
        rows = slice(start, stop)
        return Block(
            {"flux": self.flux[rows], "error": self.error[rows]},
            {name: self.values[rows, k] for k, name in enumerate(LABELS)},
        )

    def simulate(self, start: int, stop: int) -> Block:
        return self.read(start, stop)

    def derivatives(self, ids: np.ndarray) -> Jacobian:
        d_flux = torch.as_tensor(self.design, dtype=torch.float32).expand(len(ids), *self.design.shape)
        flux, error = (torch.as_tensor(array[ids]) for array in (self.flux, self.error))
        return Jacobian(flux, error, d_flux, torch.zeros_like(d_flux))


def linear_source(
    n: int,
    seed: int = 0,
    pixels: int = PIXELS,
    sigma: float = 1.0,
    labels: Callable[[np.random.Generator, int], np.ndarray] = lambda rng, n: rng.standard_normal((n, 5)),
) -> ToySource:
    """flux = offset + labels @ design, errors of `sigma` times a factor per pixel."""
    rng = np.random.default_rng(seed)
    values = labels(rng, n)
    design = 0.3 * rng.standard_normal((5, pixels)) + 0.2 * rng.standard_normal(pixels)
    offset = rng.uniform(1, 2, pixels)
    error = np.broadcast_to(sigma * rng.uniform(0.5, 2, pixels), (n, pixels))
    return ToySource(
        values, (offset + values @ design).astype(np.float32), error.astype(np.float32), design.astype(np.float32)
    )


def store_of(source: Source, folder: Path) -> Store:
    generate(source, folder / "manifest.json", ONE)
    return Store(folder / "manifest.json")


def noisy(store: Store, ids: np.ndarray, seed: int, level: float = 1.0) -> np.ndarray:
    """Noisy float32 rows of the ids, one after another."""
    from logg1m.protocol.pools import noisy_rows

    flux, error = (np.concatenate([store.read(c, name) for c in range(store.n_chunks)]) for name in ("flux", "error"))
    return noisy_rows(flux[ids], error[ids], ids, seed, level, draw=0)


def members_of(ids: np.ndarray, snr: np.ndarray, pool: str = "test") -> pd.DataFrame:
    """The columns that evaluations need, indexed by spectrum id; the upper half in `snr` is low-noise."""
    return pd.DataFrame(
        {"pool": pool, "rank": np.arange(len(ids)), "low_noise": snr >= np.median(snr), "snr": snr},
        index=pd.Index(ids, name="id"),
    )


def paired_difference(
    build: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]],
    error_a: np.ndarray,
    error_b: np.ndarray,
    settings: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Interval of statistic(a) − statistic(b) on the same spectra; `build` makes a statistic of errors (N,), dex."""
    a, b = build(error_a), build(error_b)
    return metrics.with_interval(lambda counts: a(counts) - b(counts), len(error_a), settings, seed)


@dataclass
class Masked:
    """Another source with a mask (N, P), and anything at all under it."""

    inner: Any
    mask: np.ndarray
    flux_under: float | None = None  # None: what the source has there
    error_under: float = 1e-6

    def __post_init__(self) -> None:
        self.n_spectra, self.wave, self.labels = self.inner.n_spectra, self.inner.wave, self.inner.labels
        self.arrays = self.inner.arrays | {"mask": "uint8"}

    def describe(self) -> dict[str, Any]:
        return {"kind": "masked", "inner": self.inner.describe(), "under": [self.flux_under, self.error_under]}

    def read(self, start: int, stop: int) -> Block:
        block, mask = self.inner.read(start, stop), self.mask[start:stop]
        arrays = {name: np.array(values) for name, values in block.arrays.items()}
        if self.flux_under is not None:
            arrays["flux"][mask], arrays["error"][mask] = self.flux_under, self.error_under
        return Block(arrays | {"mask": mask.astype(np.uint8)}, block.labels)

    def derivatives(self, ids: np.ndarray) -> Jacobian:
        found: Jacobian = self.inner.derivatives(ids)
        return found


class Prefix:
    """The first spectra of a source."""

    def __init__(self, inner: Any, n_spectra: int) -> None:
        self.inner, self.n_spectra = inner, n_spectra
        self.wave, self.labels, self.arrays = inner.wave, inner.labels, inner.arrays

    def describe(self) -> dict[str, Any]:
        return {"kind": "prefix", "n": self.n_spectra, "inner": self.inner.describe()}

    def read(self, start: int, stop: int) -> Block:
        block: Block = self.inner.read(start, stop)
        return block


def masked_stores(source: Source, mask: np.ndarray, folder: Path) -> dict[str, Store]:
    """The same spectra without a mask, with one that masks nothing, and with one (N, P) over the truth and over 1e9."""
    made = {
        "none": source,
        "nothing": Masked(source, np.zeros_like(mask)),
        "truth": Masked(source, mask),
        "huge": Masked(source, mask, 1e9),
    }
    return {name: store_of(one, folder / name) for name, one in made.items()}
