"""Bayes-optimal inference of log g: the posterior of single spectra under the prior that generated their labels.

The data of a star are its noisy normalised flux y; σ(λ) counts as known and free of label information; the model is
the normalised noise-free flux F(θ), which does not depend on magnitude. ln likelihood = −½ Σ (y − F(θ))²/σ².

1. Library: stored noise-free spectra are draws from the prior. Their log-likelihoods for all stars are two matrix
   products per chunk, Σ (y − F)²/σ² = const − 2 (y/σ²)·F + (1/σ²)·F², centred on the mean spectrum. A star never
   meets its own spectrum. Faint stars are done here.
2. Where the source computes spectra, `bayes.sampler` adds exact ones until the effective sample size is reached.

No estimator has a smaller mean squared error over the prior than the posterior mean. Sources that cannot compute
spectra have the library alone: the ESS says whether that is enough.

Where a spectrum has nuisances (`observe.survey`), both likelihoods are those of `bayes.marginal`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from logg1m.bounds.bayes import marginal
from logg1m.bounds.bayes.model import TARGET, Library, Model
from logg1m.bounds.bayes.sampler import Sample, effective_size, normalised, sample
from logg1m.config.bayes import BayesConfig
from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.noise import Stream, normal, uniform
from logg1m.observe.survey import Columns
from logg1m.spectra import passes
from logg1m.spectra.amplitude import rescaling
from logg1m.spectra.store import CHUNK_ROWS

COLUMNS = ("id", "truth", "mean", "var", "median", "rank", "ess", "iterations", "converged")
_STAR_TILE = 128  # rows of the library's matrix products, the last tile padded
_GROUP = 2048  # stars whose library log-likelihoods are held at once, at most
_GROUP_BYTES = 2**30  # memory that those may take
_BATCH = 8  # stars per task
_RANK_DRAW, _FIRST_DRAW = 1001, 1100  # draws of Stream.BOUNDS


@dataclass(frozen=True)
class Stars:
    """What is observed of S stars: ids (S,), true log g (S,) dex, noisy flux (S, P) and its 1σ error (S, P)."""

    ids: np.ndarray
    truth: np.ndarray
    flux: np.ndarray
    error: np.ndarray

    @classmethod
    def observed(
        cls,
        ids: np.ndarray,
        truth: np.ndarray,
        flux: np.ndarray,
        error: np.ndarray,
        noise_level: float,
        seed: int,
        free: bool = False,
    ) -> "Stars":
        """Noise-free flux and error (S, P) of stored spectra → their frozen noisy spectra (draw 0).

        An infinite error marks a masked pixel: its weight in every likelihood is zero, whatever its flux. With `free`
        amplitudes every noisy spectrum is divided by its own median (`spectra.amplitude`), and its error with it.

        Raises
        ------
        InputError
            If there is no star, or if noise or an error is not positive.
        """
        sigma = np.asarray(error * noise_level, dtype=np.float32)
        if not len(ids) or not 0 < noise_level < np.inf or not (sigma > 0).all():
            raise InputError(
                f"the Bayes ceiling needs at least one star and positive errors: got {len(ids)} stars, "
                f"noise_level {noise_level:g}"
            )
        noise = normal(seed, torch.as_tensor(ids), flux.shape[1]).numpy()
        masked = np.isinf(sigma)
        noisy = np.where(masked, np.float32(0), flux + np.where(masked, np.float32(0), sigma) * noise)
        if free:
            factor = rescaling(torch.as_tensor(np.where(masked, np.float32(np.nan), noisy))).numpy()
            noisy, sigma = noisy * factor, sigma * factor
        return cls(np.asarray(ids), np.asarray(truth, dtype=np.float64), noisy, sigma)

    def __getitem__(self, rows: slice) -> "Stars":
        return Stars(self.ids[rows], self.truth[rows], self.flux[rows], self.error[rows])

    def __len__(self) -> int:
        return len(self.ids)


def posterior(
    stars: Stars,
    model: Model | None,
    library: Library,
    config: BayesConfig,
    seed: int,
    compute: Compute,
    columns: Columns | None = None,
) -> pd.DataFrame:
    """Posterior of log g, star by star; a star's row does not depend on the others nor on the workers.

    Parameters
    ----------
    model : exact spectra; None uses the weights of the library alone
    columns : of nuisances, which are marginalised; model and library are then of spectra without any

    Returns
    -------
    `COLUMNS`: id; truth, mean, median (dex); var (dex²); rank of the truth in the posterior, uniform in (0, 1) if
    the posterior is right; ess; iterations; converged (ess ≥ `config.min_ess`)
    """
    names = library.names if model is None else model.names
    if names != library.names or TARGET not in names:
        raise InputError(f"the library holds labels {library.names}, the model needs {names} with {TARGET}")
    places = library.labels if model is None else model.prior.scores(library.labels)
    columns = columns if columns else None  # none of them, none marginalised
    solve = partial(
        _solve, model=model, places=places, target=names.index(TARGET), config=config, seed=seed, columns=columns
    )
    rows: list[tuple[float, ...]] = []
    with threadpool_limits(1):  # parallelism is over stars; BLAS threads under it would only get in each other's way
        together = _group_size(len(library.ids))
        for start in range(0, len(stars), together):
            group = stars[start : start + together]
            likelihood = library_log_likelihood(group, library, compute, columns)
            parts = [slice(k, k + _BATCH) for k in range(0, len(group), _BATCH)]
            tasks = [(group[part], likelihood[part]) for part in parts]
            for batch in passes.over(solve, tasks, compute, "posteriors", lambda task: len(task[0])):
                rows += batch
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"id": "int64", "iterations": "int64", "converged": bool})


def _group_size(library: int) -> int:
    """Stars whose float32 log-likelihoods of a library of so many spectra are held at once: whole tiles."""
    fitting = _GROUP_BYTES // (4 * library)
    return int(np.clip(fitting - fitting % _STAR_TILE, _STAR_TILE, _GROUP))


def library_log_likelihood(
    stars: Stars, library: Library, compute: Compute, columns: Columns | None = None
) -> np.ndarray:
    """−½ Σ (y − F)²/σ² of every star for every library spectrum, (S, L) float32; −inf for the star itself. With columns,
    nuisances marginalised.

    In float32 the products are good to 0.005 at low noise (against float64; per-pixel SNR about 20).
    """
    products = _plain(stars, library) if columns is None else _marginalised(stars, library, columns)
    result = np.empty((len(stars), len(library.ids)), dtype=np.float32)
    column = 0
    for part in passes.over(products, library.chunks, compute, "library weights", lambda _: CHUNK_ROWS):
        result[:, column : column + part.shape[1]] = part
        column += part.shape[1]
    for row, star in enumerate(stars.ids):
        result[row, library.ids == star] = -np.inf
    return result


def _plain(stars: Stars, library: Library) -> Callable[[int], np.ndarray]:
    """Chunk of the library → ln likelihoods (S, B) of all stars."""
    n_stars, n_pixels = stars.flux.shape
    centre = library.read(library.chunks[0]).mean(axis=0)
    padding = ((0, -n_stars % _STAR_TILE), (0, 0))
    inverse = np.square(1 / stars.error.astype(np.float64))
    away = stars.flux.astype(np.float64) - centre
    constant = 0.5 * (inverse * away**2).sum(axis=1)[:, None]
    linear = torch.as_tensor(np.pad(inverse * away, padding).astype(np.float32))
    quadratic = torch.as_tensor(np.pad(-0.5 * inverse, padding).astype(np.float32))

    def products(chunk: int) -> np.ndarray:
        flux = library.read(chunk)
        model = torch.zeros((CHUNK_ROWS, n_pixels))
        model[: len(flux)] = torch.as_tensor(flux - centre)
        square = model.square()
        out = torch.empty((len(linear), CHUNK_ROWS))
        for k in range(0, len(linear), _STAR_TILE):
            tile = slice(k, k + _STAR_TILE)
            torch.addmm(linear[tile] @ model.T, quadratic[tile], square.T, out=out[tile])
        return np.asarray(out.numpy()[:n_stars, : len(flux)] - constant, dtype=np.float32)

    return products


def _marginalised(stars: Stars, library: Library, columns: Columns) -> Callable[[int], np.ndarray]:
    """The same with nuisances marginalised."""
    shared = marginal.Products(columns, library.read(library.chunks[0]).mean(axis=0))
    padding = ((0, -len(stars) % _STAR_TILE), (0, 0))
    flux, error = np.pad(stars.flux, padding), np.pad(stars.error, padding, constant_values=1)

    def products(chunk: int) -> np.ndarray:
        spectra = library.read(chunk)
        count = len(spectra)
        made = shared.chunk(np.pad(spectra, ((0, CHUNK_ROWS - count), (0, 0)), mode="edge"))
        out = np.empty((len(flux), count), dtype=np.float32)
        for k in range(0, len(flux), _STAR_TILE):
            tile = slice(k, k + _STAR_TILE)
            weights, constants = shared.weights(flux[tile], error[tile])
            out[tile] = shared.log_likelihood(weights, constants, made).numpy()[:, :count]
        return out[: len(stars)]

    return products


def _solve(
    task: tuple[Stars, np.ndarray],
    model: Model | None,
    places: np.ndarray,
    target: int,
    config: BayesConfig,
    seed: int,
    columns: Columns | None,
) -> list[tuple[float, ...]]:
    """Rows of the table for one batch: stars and their library log-likelihoods (S, L)."""
    stars, likelihood = task
    rows = []
    for k, star in enumerate(stars.ids):
        if model is None:
            log_weight = likelihood[k].astype(np.float64)
            drawn = Sample(places, normalised(log_weight), effective_size(log_weight), 0)
            values = places[:, target]
        else:
            exact = partial(_log_likelihood, model=model, flux=stars.flux[k], error=stars.error[k], columns=columns)
            drawn = sample(
                exact, places, likelihood[k], partial(_uniforms, seed, star, places.shape[1], config), config
            )
            values = model.prior.labels(drawn.z)[:, target]
        truth = float(stars.truth[k])
        summary = _summary(drawn, values, truth, seed, star)
        rows.append((star, truth, *summary, drawn.ess, drawn.iterations, drawn.ess >= config.min_ess))
    return rows


def _log_likelihood(
    scores: np.ndarray, model: Model, flux: np.ndarray, error: np.ndarray, columns: Columns | None
) -> np.ndarray:
    """−½ Σ (y − F)²/σ² at standard normal scores (n, D), from exact spectra; with columns, nuisances marginalised."""
    spectra = model.flux(model.prior.labels(scores))
    if columns is not None:
        return marginal.log_likelihood(spectra, flux, error, columns)
    inverse = torch.as_tensor(1 / error.astype(np.float64) ** 2).to(spectra)
    residual = spectra - torch.as_tensor(flux).to(spectra)
    return np.asarray(-0.5 * (residual.square_() @ inverse).double().cpu().numpy())


def _uniforms(seed: int, star: int, dimensions: int, config: BayesConfig, iteration: int) -> np.ndarray:
    """Uniform numbers behind the proposals of one star and iteration, (n, D + 1)."""
    n = config.samples_per_iteration
    u = uniform(seed, Stream.BOUNDS, np.array([star]), n * (dimensions + 1), _FIRST_DRAW + iteration)
    return u.reshape(n, dimensions + 1)


def _summary(drawn: Sample, values: np.ndarray, truth: float, seed: int, star: int) -> tuple[float, ...]:
    """Mean, variance, median and rank of the truth.

    The rank is that of the truth among ESS equal samples, (k + U)/(ESS + 1): uniform if the posterior is right.
    """
    mean = drawn.weight @ values
    variance = drawn.weight @ (values - mean) ** 2
    order = np.argsort(values, kind="stable")
    middle = min(int(np.searchsorted(np.cumsum(drawn.weight[order]), 0.5)), len(values) - 1)
    within = uniform(seed, Stream.BOUNDS, np.array([star]), 1, _RANK_DRAW)[0, 0]
    rank = (drawn.weight[values < truth].sum() * drawn.ess + within) / (drawn.ess + 1)
    return float(mean), float(variance), float(values[order[middle]]), float(rank)
