"""What the Bayes-optimal ceiling needs to know of a source: its prior, exact spectra, and a library of draws."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from logg1m.bounds.completion import Completion
from logg1m.config.bayes import BayesConfig
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, Observer
from logg1m.sources import Source
from logg1m.spectra.masks import has_masked, measured
from logg1m.spectra.store import CHUNK_ROWS, Store

TARGET = "logg"
_LIGHT_KM_S = 299792.458
_COMPLETION_CHUNKS = 4  # of the library, behind the fluxes of masked pixels
_LIBRARY_DRAW = 1000  # draw of Stream.BOUNDS


class Prior(Protocol):
    """A product prior as a monotone map of each label from a standard normal score."""

    def labels(self, scores: np.ndarray) -> np.ndarray:
        """Standard normal scores (N, D) → labels (N, D)."""
        ...

    def scores(self, labels: np.ndarray) -> np.ndarray:
        """Labels (N, D) → standard normal scores (N, D)."""
        ...


class Model(Protocol):
    """Exact noise-free spectra of any labels under the prior."""

    names: tuple[str, ...]
    prior: Prior

    def flux(self, labels: np.ndarray) -> torch.Tensor:
        """Labels (N, D) in the order of `names` → normalised noise-free flux (N, P)."""
        ...


@dataclass(frozen=True)
class BoxPrior:
    """Independent uniform labels in [low, high], each (D,)."""

    low: np.ndarray
    high: np.ndarray

    def labels(self, scores: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(self.low + ndtr(scores) * (self.high - self.low), self.low, self.high))

    def scores(self, labels: np.ndarray) -> np.ndarray:
        return np.asarray(ndtri(np.clip((labels - self.low) / (self.high - self.low), 1e-15, 1 - 1e-15)))


class GridModel:
    """Spectra of an `Observer` under uniform priors; labels whose range is a point are fixed, not inferred.

    A radial velocity that varies from star to star is one more unknown label, redshift.

    Parameters
    ----------
    observer : exact spectra on any torch device
    ranges : label → [low, high] for the five labels (K, dex)
    rv_km_s : range of the radial velocity, km/s
    """

    def __init__(
        self, observer: Observer, ranges: dict[str, tuple[float, float]], rv_km_s: tuple[float, float]
    ) -> None:
        low, high = np.array([*(ranges[name] for name in LABELS), rv_km_s], dtype=np.float64).T
        low[-1], high[-1] = low[-1] / _LIGHT_KM_S, high[-1] / _LIGHT_KM_S
        self._observer, self._fixed, self._free = observer, low, high > low
        self.names = tuple(name for name, free in zip((*LABELS, "redshift"), self._free) if free)
        if TARGET not in self.names:
            raise InputError(f"the prior of {TARGET} is one value, {low[LABELS.index(TARGET)]:g}: nothing to infer")
        self.prior: Prior = BoxPrior(low[self._free], high[self._free])

    def flux(self, labels: np.ndarray) -> torch.Tensor:
        whole = np.tile(self._fixed, (len(labels), 1))
        whole[:, self._free] = labels
        return self._observer.flux(whole[:, :-1], whole[:, -1])


def model_of(source: Source) -> GridModel | None:
    """The exact model of a source that computes spectra from labels, else None."""
    from logg1m.sources.embedded import EmbeddedSource

    if not isinstance(source, EmbeddedSource):
        return None
    return GridModel(source.observer, source.data.priors.model_dump(), source.data.observation.rv_km_s)


@dataclass(frozen=True)
class Library:
    """Noise-free spectra whose labels are draws from the prior.

    names : the labels, in order; ids : (L,) int64, −1 for spectra of no store; labels : (L, D); chunks : numbers of
    the chunks that hold the rows, CHUNK_ROWS each but the last; read : chunk → flux (B, P)
    """

    names: tuple[str, ...]
    ids: np.ndarray
    labels: np.ndarray
    chunks: tuple[int, ...]
    read: Callable[[int], np.ndarray]

    @classmethod
    def stored(cls, store: Store, names: tuple[str, ...], most: int) -> "Library":
        """As many whole chunks of a store as hold `most` spectra, spread evenly over it; masked pixels are filled with
        what the labels say (`bounds.completion`, from at most four chunks)."""
        count = min(store.n_chunks, -(-most // CHUNK_ROWS))
        chunks = np.unique(np.linspace(0, store.n_chunks - 1, count).astype(int))
        ids = np.concatenate([np.arange(*store.rows(int(k))) for k in chunks])
        table, numbers = store.labels(), tuple(int(k) for k in chunks)
        read: Callable[[int], np.ndarray] = partial(store.read, name="flux")
        if has_masked(store):
            known = table[list(LABELS)].to_numpy()
            some = numbers[:: max(len(numbers) // _COMPLETION_CHUNKS, 1)][:_COMPLETION_CHUNKS]
            sample = np.concatenate([measured(store, k)[0] for k in some])
            completion = Completion.of(sample, np.concatenate([known[slice(*store.rows(k))] for k in some]))
            read = partial(_completed, store=store, completion=completion, labels=known)
        return cls(names, ids, table[list(names)].to_numpy()[ids], numbers, read)

    @classmethod
    def simulated(cls, model: Model, size: int, seed: int) -> "Library":
        """Fresh draws from the model's prior, simulated when read: for stores whose labels do not follow it."""
        u = uniform(seed, Stream.BOUNDS, np.arange(size), len(model.names), _LIBRARY_DRAW)
        labels = model.prior.labels(ndtri(u))

        def read(chunk: int) -> np.ndarray:
            return model.flux(labels[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]).cpu().numpy()

        return cls(model.names, np.full(size, -1), labels, tuple(range(-(-size // CHUNK_ROWS))), read)


def _completed(chunk: int, store: Store, completion: Completion, labels: np.ndarray) -> np.ndarray:
    """Flux of a chunk (B, P) with its masked pixels filled; labels (N, 5) of the whole store."""
    return completion(measured(store, chunk)[0], labels[slice(*store.rows(chunk))])


def library_of(data: Data, store: Store, model: Model | None, config: BayesConfig, seed: int) -> Library:
    """The stored spectra if their labels are draws from the model's prior, else simulated ones.

    Without a model nothing but the library can carry the posterior: the whole store is taken. With one,
    `config.library_max` spectra are enough to start from. Stored spectra that nuisances have disturbed are no draws of
    noise-free ones: then the library is simulated.
    """
    if model is None:
        return Library.stored(store, (TARGET,), store.n_spectra)
    if prior_is_exact(data) and not data.observation.nuisances.on:
        return Library.stored(store, model.names, config.library_max)
    return Library.simulated(model, config.library_max, seed)


def prior_is_exact(data: Data) -> bool:
    """Whether the prior of the posteriors is the law that the labels were drawn from.

    Labels on the edges of the grid (`data.labels = grid_edges`) are approximated by the uniform box: a model that
    has learned that they lie on nodes may beat the posterior under the box, and is no leak. Imported spectra bring
    labels of their own, which are the prior.
    """
    return data.source == "pfs_hdf5" or data.labels != "grid_edges"


def prior_text(data: Data) -> str:
    """How the prior is represented, for the report."""
    if data.source == "pfs_hdf5":
        return "the stored labels themselves"
    if prior_is_exact(data):
        return "uniform box"
    return "uniform box (an approximation: the labels lie on the edges of the grid)"
