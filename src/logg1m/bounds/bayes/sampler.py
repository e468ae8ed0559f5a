"""Adaptive importance sampling of one posterior, in coordinates z where the prior is standard normal.

The library (draws from the prior) is the first proposal and stays the defensive share of the mixture. Every further
proposal is a multivariate Student-t fitted to all samples so far under tempered weights w^β (Koblents & Míguez 2015,
Stat. Comput. 25, 407), with the largest β ≤ 1 that leaves enough effective samples: far from the posterior the steps
are cautious, and near it β = 1. All samples are pooled with deterministic-mixture weights (Owen & Zhou 2000, JASA 95,
135; AMIS: Cornuet et al. 2012, Scand. J. Stat. 39, 798): the density behind a sample is the mean over everything that
was drawn from. One Student-t serves curved and truncated posteriors; several narrow, well-separated modes may end
with a small effective sample size, which is reported.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import gammaincinv, gammaln, ndtri

from logg1m.config.bayes import BayesConfig

_FREEDOM = 5.0  # degrees of freedom: tails heavier than any posterior under a Gaussian prior in z
_INFLATION = 1.2  # of the fitted covariance
_JITTER = 1e-12  # variance added in every direction, against rounding
_NEGLIGIBLE = 40.0  # samples whose ln likelihood is this far below the best weigh less than e⁻⁴⁰ of it


@dataclass(frozen=True)
class Sample:
    """A weighted sample of a posterior: z (n, D), weight (n,) summing to one, ESS and iterations behind it."""

    z: np.ndarray
    weight: np.ndarray
    ess: float
    iterations: int


@dataclass(frozen=True)
class StudentT:
    """Multivariate Student-t with location (D,) and lower Cholesky factor (D, D) of its scale matrix."""

    centre: np.ndarray
    factor: np.ndarray

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """(n, D + 1) uniform numbers in (0, 1) → (n, D) draws: D normals over the root of one scaled chi-square."""
        chi2 = 2 * gammaincinv(_FREEDOM / 2, uniform[:, -1])
        step = ndtri(uniform[:, :-1]) / np.sqrt(chi2 / _FREEDOM)[:, None]
        return np.asarray(self.centre + step @ self.factor.T)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """ln density at z (n, D), (n,)."""
        dim = len(self.centre)
        distance = np.square(solve_triangular(self.factor, (z - self.centre).T, lower=True)).sum(axis=0)
        constant = gammaln((_FREEDOM + dim) / 2) - gammaln(_FREEDOM / 2) - dim / 2 * np.log(_FREEDOM * np.pi)
        constant -= np.log(np.diag(self.factor)).sum()
        return np.asarray(constant - (_FREEDOM + dim) / 2 * np.log1p(distance / _FREEDOM))


def effective_size(log_weight: np.ndarray) -> float:
    """ESS = (Σw)² / Σw² (Kong 1992) of unnormalised ln weights."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / np.square(weight).sum())


def normalised(log_weight: np.ndarray) -> np.ndarray:
    """Weights that sum to one."""
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def temper(log_weight: np.ndarray, enough: float) -> float:
    """The largest β ≤ 1 with ESS(β · log_weight) ≥ `enough`, by bisection in ln β (the ESS falls with β)."""
    if effective_size(log_weight) >= enough:
        return 1.0
    low, high = np.log(1e-9), 0.0
    for _ in range(20):
        middle = (low + high) / 2
        if effective_size(np.exp(middle) * log_weight) >= enough:
            low = middle
        else:
            high = middle
    return float(np.exp(low))


def fit(z: np.ndarray, log_weight: np.ndarray, enough: float) -> StudentT:
    """Student-t with the mean and (inflated) covariance of samples z (n, D) under their tempered weights."""
    weight = normalised(temper(log_weight, min(enough, len(z) / 2)) * log_weight)
    centre = weight @ z
    away = z - centre
    covariance = (away.T * weight) @ away
    scale = covariance * (_INFLATION * (_FREEDOM - 2) / _FREEDOM) + _JITTER * np.eye(len(centre))
    return StudentT(centre, np.linalg.cholesky(scale))


def sample(
    log_likelihood: Callable[[np.ndarray], np.ndarray],
    library_z: np.ndarray,
    library_log_likelihood: np.ndarray,
    uniforms: Callable[[int], np.ndarray],
    config: BayesConfig,
    start: StudentT | None = None,
) -> Sample:
    """Sample one posterior until its ESS reaches `config.target_ess`.

    Parameters
    ----------
    log_likelihood : z (n, D) → (n,), up to a constant that the library shares
    library_z : (L, D) standard normal scores of draws from the prior
    library_log_likelihood : (L,); −inf marks rows to leave out (the star itself)
    uniforms : iteration → (n, D + 1) uniform numbers in (0, 1)
    start : the first proposal, where somebody knows better than the library
    """
    present = np.isfinite(library_log_likelihood)
    z, likelihood = library_z[present], library_log_likelihood[present].astype(np.float64)
    prior = _log_normal(z)
    log_library = np.log(len(z))
    mixture = log_library + prior  # ln Σ_k n_k q_k(z) over everything that was drawn from
    proposals: list[StudentT] = []
    log_weight = prior + likelihood - mixture
    while effective_size(log_weight) < config.target_ess and len(proposals) < config.max_iterations:
        proposal = start if start is not None and not proposals else fit(z, log_weight, config.fit_ess)
        new_z = proposal.draw(uniforms(len(proposals)))
        new_likelihood = log_likelihood(new_z)
        log_n = np.log(len(new_z))
        proposals.append(proposal)

        keep = likelihood > max(likelihood.max(), new_likelihood.max()) - _NEGLIGIBLE
        z, likelihood, prior, mixture = z[keep], likelihood[keep], prior[keep], mixture[keep]
        mixture = np.logaddexp(mixture, log_n + proposal.log_density(z))

        new_prior = _log_normal(new_z)
        terms = [log_library + new_prior, *(log_n + q.log_density(new_z) for q in proposals)]
        z, likelihood = np.concatenate([z, new_z]), np.concatenate([likelihood, new_likelihood])
        prior = np.concatenate([prior, new_prior])
        mixture = np.concatenate([mixture, np.logaddexp.reduce(terms)])
        log_weight = prior + likelihood - mixture
    return Sample(z, normalised(log_weight), effective_size(log_weight), len(proposals))


def _log_normal(z: np.ndarray) -> np.ndarray:
    """ln density of the standard normal in D dimensions."""
    return np.asarray(-0.5 * np.square(z).sum(axis=1) - z.shape[1] / 2 * np.log(2 * np.pi))
