"""Posteriors under what else is known: those of single spectra, reweighted, no new spectra needed.

A posterior is a weighted sample (`bounds.bayes.sampler`). Knowing more multiplies its weights by a factor g(θ): of photometry a
Gaussian about what was measured, of a population its density over that of the box. The effective sample size that is left says
whether the sample still carries it; where it is too small the star is refused and counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from logg1m import metrics
from logg1m.bounds.bayes import marginal
from logg1m.bounds.bayes.model import TARGET, Library, Model
from logg1m.bounds.bayes.posterior import Stars, library_log_likelihood
from logg1m.bounds.bayes.sampler import effective_size, normalised, sample
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.noise import Stream, uniform
from logg1m.observe.survey import Columns
from logg1m.spectra import passes

LogFactor = Callable[[np.ndarray], np.ndarray]  # labels (n, D) → ln g (n,)
_FIRST_DRAW = 5000  # of Stream.BOUNDS: proposals
ENOUGH_STARS = 0.98  # share of stars that must be left, or nothing is said of all


@dataclass(frozen=True)
class Drawn:
    """The posterior of one star: labels (n, D) with weights (n,) that sum to one, true log g, ESS."""

    star: int
    truth: float
    labels: np.ndarray
    weight: np.ndarray
    ess: float


@dataclass(frozen=True)
class Moments:
    """Mean, variance of log g (dex, dex²) and the ESS behind them."""

    mean: float
    variance: float
    ess: float


def drawn(
    stars: Stars,
    model: Model,
    library: Library,
    config: BayesConfig,
    seed: int,
    compute: Compute,
    columns: Columns | None = None,
    factor: LogFactor | None = None,
) -> list[Drawn]:
    """Sample the posterior of every star.

    Parameters
    ----------
    columns : of nuisances, which are marginalised
    factor : ln g(θ) that the prior is multiplied by from the start: the sampler run with that prior
    """
    columns = columns if columns else None
    likelihood = library_log_likelihood(stars, library, compute, columns)
    if factor is not None:
        likelihood = likelihood + factor(library.labels)
    places = model.prior.scores(library.labels)
    solve = partial(
        _solve,
        stars=stars,
        likelihood=likelihood,
        model=model,
        places=places,
        config=config,
        seed=seed,
        columns=columns,
        factor=factor,
    )
    with threadpool_limits(1):
        return list(passes.over(solve, range(len(stars)), compute, "posteriors of the forecast", unit="stars"))


def _solve(
    row: int,
    stars: Stars,
    likelihood: np.ndarray,
    model: Model,
    places: np.ndarray,
    config: BayesConfig,
    seed: int,
    columns: Columns | None,
    factor: LogFactor | None,
) -> Drawn:
    star, flux, error = int(stars.ids[row]), stars.flux[row], stars.error[row]

    def exact(scores: np.ndarray) -> np.ndarray:
        labels = model.prior.labels(scores)
        spectra = model.flux(labels)
        if columns is not None:
            found = marginal.log_likelihood(spectra, flux, error, columns)
        else:
            weight = torch.as_tensor(1 / error.astype(np.float64) ** 2).to(spectra)
            residual = spectra - torch.as_tensor(flux).to(spectra)
            found = np.asarray(-0.5 * (residual.square_() @ weight).double().cpu().numpy())
        return found if factor is None else found + factor(labels)

    def uniforms(iteration: int) -> np.ndarray:
        n, wide = config.samples_per_iteration, places.shape[1] + 1
        u = uniform(seed, Stream.BOUNDS, np.array([star]), n * wide, _FIRST_DRAW + iteration)
        return u.reshape(n, wide)

    found = sample(exact, places, likelihood[row], uniforms, config)
    return Drawn(star, float(stars.truth[row]), model.prior.labels(found.z), found.weight, found.ess)


def moments(posterior: Drawn, names: tuple[str, ...], factor: LogFactor | None = None) -> Moments:
    """Moments of log g, under a factor to the prior if one is given."""
    weight = posterior.weight
    if factor is not None:
        with np.errstate(divide="ignore"):
            log_weight = np.log(weight) + factor(posterior.labels)
        weight, ess = normalised(log_weight), effective_size(log_weight)
    else:
        ess = posterior.ess
    values = posterior.labels[:, names.index(TARGET)]
    mean = float(weight @ values)
    return Moments(mean, float(weight @ (values - mean) ** 2), ess)


def photometry(known: dict[str, float], measured: np.ndarray, names: tuple[str, ...]) -> LogFactor:
    """ln g of Gaussian errors, label → 1σ, about measured values in the order of `known`."""

    def factor(labels: np.ndarray) -> np.ndarray:
        away = [(labels[:, names.index(name)] - m) / s for (name, s), m in zip(known.items(), measured)]
        return np.asarray(-0.5 * np.square(away).sum(axis=0))

    return factor


def population_factor(places: np.ndarray, weight: np.ndarray, kernel: np.ndarray, names: tuple[str, ...]) -> LogFactor:
    """ln density of a population, a sum of Gaussians about its table's rows, up to a constant.

    Parameters
    ----------
    places : (K, 3) Teff, log g, [M/H] of the table; weight (K,); kernel (3,) 1σ of the Gaussians
    """
    columns = [names.index(name) for name in ("teff", "logg", "m_h")]
    scaled, log_weight = places / kernel, np.log(weight / weight.sum())

    def factor(labels: np.ndarray) -> np.ndarray:
        at = labels[:, columns] / kernel
        distance = np.square(at).sum(axis=1)[:, None] - 2 * at @ scaled.T + np.square(scaled).sum(axis=1)
        return np.asarray(logsumexp(log_weight - 0.5 * distance, axis=1))

    return factor


def compared(
    posteriors: list[Drawn],
    factors: list[LogFactor],
    names: tuple[str, ...],
    fewest: float,
    variance: float,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """What reweighting brings over the same stars.

    Parameters
    ----------
    factors : one for each star; fewest : ESS below which a star is refused
    variance : of log g under the prior, dex²

    Returns
    -------
    n, n_refused, ess_median, ess_least; mse and r2: the change of the expected squared error (posterior variance), and
    squared_error: that of the squared error itself, each with its interval; without them, and refused, where fewer than 98 %
    of the stars are left
    """
    before = [moments(p, names) for p in posteriors]
    after = [moments(p, names, f) for p, f in zip(posteriors, factors)]
    ess = np.array([m.ess for m in after])
    kept = ess >= fewest
    found: dict[str, Any] = {"n": len(after), "n_refused": int((~kept).sum()), "ess_median": float(np.median(ess))}
    found["ess_least"] = float(ess.min())
    if kept.mean() < ENOUGH_STARS:
        said = f"{found['n_refused']} of {len(after)} stars are left with fewer than {fewest:g} effective samples"
        return found | {"refused": said}
    truth = np.array([p.truth for p in posteriors])[kept]
    change = _of(after, "variance")[kept] - _of(before, "variance")[kept]
    errors = [(_of(m, "mean")[kept] - truth) ** 2 for m in (after, before)]
    return found | {
        "mse": metrics.with_interval(metrics.mean(change), int(kept.sum()), bootstrap, seed),
        "r2": metrics.with_interval(metrics.mean(-change / variance), int(kept.sum()), bootstrap, seed),
        "squared_error": metrics.with_interval(metrics.mean(errors[0] - errors[1]), int(kept.sum()), bootstrap, seed),
    }


def _of(found: list[Moments], name: str) -> np.ndarray:
    return np.array([getattr(m, name) for m in found])


def expected(
    posteriors: list[Drawn], names: tuple[str, ...], variance: float, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """MSE (dex²) and R² that posteriors expect of their means, with intervals over stars."""
    var = _of([moments(p, names) for p in posteriors], "variance")
    return {
        "mse": metrics.with_interval(metrics.mean(var), len(var), bootstrap, seed),
        "r2": metrics.with_interval(metrics.mean(1 - var / variance), len(var), bootstrap, seed),
    }


def factors_of_photometry(
    posteriors: list[Drawn], truths: np.ndarray, known: dict[str, float], names: tuple[str, ...], noise: np.ndarray
) -> Iterator[LogFactor]:
    """Of every star, about its true labels (N, 5) with errors drawn from noise (N, 5), standard normal."""
    from logg1m.observe import LABELS

    at = [LABELS.index(name) for name in known]
    sigma = np.array(list(known.values()))
    for row in range(len(posteriors)):
        yield photometry(known, truths[row, at] + sigma * noise[row, at], names)
