"""Stars whose labels are known, as a user would have them: noisy, on the model's pixels or at the survey's sampling."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from scipy.special import ndtr

from logg1m import noise
from logg1m.observe import LABELS
from logg1m.observe.pfs import GRID_SIGMA, LINE_SPREAD_SIGMA, PIXEL_SIZE
from logg1m.predict.rebin import edges_of
from logg1m.predict.steps import Ready, Spectra, make_ready
from logg1m.sources import Simulator
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.masks import measured
from logg1m.spectra.store import CHUNK_ROWS, Store

# The survey's pixels in medium resolution, Å: a little more than the model's range, as an arm has.
SURVEY_WAVE = 7088.0 + 0.45 * np.arange(3_944)


@dataclass(frozen=True)
class Known:
    """Noisy spectra as a model is asked about them, with what is true of them.

    ready : on the model's pixels; labels : name → (N,); ids : (N,)
    """

    ready: Ready
    labels: dict[str, np.ndarray]
    ids: np.ndarray


def identity_of(name: str, ids: np.ndarray) -> pd.DataFrame:
    """Who the spectra are, where only a number is known."""
    return pd.DataFrame({"catId": -1, "objId": ids, "input": name, "row": np.arange(len(ids))})


def noisy(flux: np.ndarray, error: np.ndarray, ids: np.ndarray, seed: int, level: float) -> np.ndarray:
    """flux + level · error · N(0, 1) with the frozen draw 0; NaN where the error is infinite (masked)."""
    normal = noise.normal(seed, torch.as_tensor(np.array(ids)), flux.shape[1]).numpy()
    sigma = np.where(np.isfinite(error), error, np.float32(np.nan)) * np.float32(level)
    return np.asarray(flux + sigma * normal, dtype=np.float32)


def _known(
    wave: np.ndarray, target: np.ndarray, flux: np.ndarray, error: np.ndarray, labels: dict[str, np.ndarray],
    ids: np.ndarray, seed: int, level: float,
) -> Known:  # fmt: skip
    observed = noisy(flux, error, ids, seed, level)
    velocity = np.zeros(len(ids))
    spectra = Spectra(wave, observed, error * np.float32(level), ~np.isfinite(observed), velocity, identity_of("", ids))
    return Known(make_ready(spectra, target, frame="rest"), labels, ids)


def simulated(source: Simulator, wave: np.ndarray, ids: np.ndarray, seed: int, level: float) -> Iterator[Known]:
    """Blocks of simulated stars of consecutive ids, on the model's pixels `wave` (P,)."""
    for low in range(0, len(ids), CHUNK_ROWS):
        some = ids[low : low + CHUNK_ROWS]
        block = source.simulate(int(some[0]), int(some[-1]) + 1)
        flux, error = block.measured()
        yield _known(wave, wave, flux, error, block.labels, some, seed, level)


def stored(store: Store, ids: np.ndarray, seed: int, level: float) -> Iterator[Known]:
    """Blocks of stored spectra, in the order of their chunks."""
    labels = store.labels()
    for chunk in range(store.n_chunks):
        first, last = store.rows(chunk)
        some = np.sort(ids[(ids >= first) & (ids < last)])
        if len(some):
            flux, error = measured(store, chunk, some - first)
            known = {str(name): labels[name].to_numpy()[some] for name in labels}
            yield _known(store.wave, store.wave, flux, error, known, some, seed, level)


class Sampling:
    """Stars of the embedded grid on other pixels than the simulator's, such as the survey's.

    The flux is the pixel mean behind the same line spread; noise has the same strength per Å, so that narrower pixels have
    more of it.
    """

    def __init__(self, source: EmbeddedSource, wave: np.ndarray = SURVEY_WAVE) -> None:
        self.source, self.wave = source, wave
        grid, edges = source.observer.grid.wave, edges_of(wave)
        sigma = np.sqrt(LINE_SPREAD_SIGMA**2 - GRID_SIGMA**2)
        near = np.rint((wave - grid[0]) / (grid[1] - grid[0])).astype(np.int64)
        column = (near[:, None] + np.arange(-17, 18)).clip(0, len(grid) - 1)
        weight = ndtr((edges[1:, None] - grid[column]) / sigma) - ndtr((edges[:-1, None] - grid[column]) / sigma)
        weight /= weight.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(len(wave)), column.shape[1])
        self.operator = csr_matrix((weight.ravel(), (rows, column.ravel())), shape=(len(wave), len(grid)))
        self.widths = np.diff(edges)

    def spectra(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Noise-free flux and error (N, P) normalised as the simulator does, flux_scale (N,), and labels (N, 5)."""
        labels, conditions = self.source.draw(ids)
        seen = self.source.observer.observe(labels, conditions)
        native, error = seen.flux.double().cpu().numpy(), seen.error.double().cpu().numpy()
        models = self.source.observer.models(labels, conditions.redshift).double().cpu().numpy()  # (N, M)
        flux = (self.operator @ models.T).T
        # The same amplitude: both are pixel means of one spectrum.
        common = np.array([np.interp(self.source.wave, self.wave, row) for row in flux])
        ratio = (native * common).sum(axis=1) / (common * common).sum(axis=1)
        density = np.array([np.interp(self.wave, self.source.wave, row**2) for row in error]) * PIXEL_SIZE
        return (
            (flux * ratio[:, None]).astype(np.float32),
            np.sqrt(density / self.widths).astype(np.float32),
            seen.flux_scale.double().cpu().numpy(),
            labels,
        )

    def known(self, target: np.ndarray, ids: np.ndarray, seed: int, level: float) -> Iterator[Known]:
        """Blocks of noisy stars of these ids, rebinned to the model's pixels `target`."""
        for low in range(0, len(ids), CHUNK_ROWS):
            some = ids[low : low + CHUNK_ROWS]
            flux, error, _, labels = self.spectra(some)
            table = dict(zip(LABELS, labels.T))
            yield _known(self.wave, target, flux, error, table, some, seed, level)
