"""The Bayes posterior of single users' spectra, by the sampler of MVP-1.1 started at the network's estimate.

What is observed is y = a · F(θ) + noise with an amplitude a that nobody knows, and with the nuisances of the training's
conditions; all of them are marginalised (`bounds.bayes.marginal`), a under a flat prior. The first proposal is the Gaussian at
the mode that Gauss–Newton steps from the estimate find (Laplace's approximation), as a Student-t; a few draws from the prior
stay in the mixture as its defensive share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm

from logg1m.bounds.bayes import marginal
from logg1m.bounds.bayes.model import GridModel, Library
from logg1m.bounds.bayes.sampler import Sample, StudentT, sample
from logg1m.config.bayes import BayesConfig
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, Conditions, Observer, StellarGrid
from logg1m.predict import calibration, flags
from logg1m.predict.bound import Bound, unknown
from logg1m.predict.domain import Domain
from logg1m.predict.predicting import Predictor
from logg1m.predict.steps import Ready

LIBRARY = 1_024  # draws from the prior
_FIRST_DRAW = 2_100  # draws of Stream.BOUNDS
_TILE = 128  # spectra whose derivatives are computed together
_STEPS = 5  # of Gauss and Newton
_FURTHEST = 3.5  # score that a step may reach
_WIDER = 1.5  # of the Gaussian's variance
_NARROWEST, _WIDEST = 1e-3, 3.0  # standard deviations of a proposal in units of the prior's score
_SCORE = 2.5  # beyond which an estimate is taken as lying at the prior's edge
CONFIG = BayesConfig(target_ess=200.0, samples_per_iteration=512)
_REFERENCE = Conditions(*(np.array([value]) for value in (21.0, 0.8, 22.5, 0.325, 0.0)))  # no flux depends on them


@dataclass(frozen=True)
class Found:
    """Of one spectrum: mean, standard deviation and quantiles of log g (dex); how well it was sampled; χ² per pixel at the
    best sample."""

    mean: float
    sigma: float
    quantiles: Mapping[str, float]
    ess: float
    iterations: int
    chi2: float


class Sampler:
    """Exact spectra under the prior that a model was trained with."""

    def __init__(self, data: Data, seed: int, domain: Domain, bound: Bound, config: BayesConfig = CONFIG) -> None:
        observation = data.observation
        self.observer, self.columns = Observer(StellarGrid.load(), observation), unknown(observation)
        self.model = GridModel(self.observer, data.priors.model_dump(), (0.0, 0.0))
        self.domain, self.bound, self.config, self.seed = domain, bound, config, seed
        library = Library.simulated(self.model, LIBRARY, seed)
        self.scores = self.model.prior.scores(library.labels)
        self.library = torch.as_tensor(np.concatenate([library.read(chunk) for chunk in library.chunks]))
        self.free = [LABELS.index(name) for name in self.model.names]
        self.target = self.model.names.index("logg")
        low, high = np.array([getattr(data.priors, name) for name in LABELS], dtype=np.float64).T
        self.fixed, self.widths = low, (high - low)[self.free]

    @classmethod
    def of(cls, predictor: Predictor) -> "Sampler":
        """Of a model's folder.

        Raises
        ------
        InputError
            If its training spectra cannot be computed from labels here.
        """
        conditions = predictor.model.about["conditions"]
        if conditions["data"].get("source") != "embedded" or predictor.domain is None or predictor.bound is None:
            raise InputError(
                "--estimator posterior computes spectra from labels, which needs a model of the embedded grid; this one was "
                f"trained on spectra of the source {conditions['data'].get('source')!r}: use --estimator network"
            )
        data = Data.model_validate(conditions["data"])
        return cls(data, int(conditions["seed"]), predictor.domain, predictor.bound)

    def beside(self, rows: pd.DataFrame, ready: Ready, replaces: bool) -> pd.DataFrame:
        """Rows of a predictor with the posterior in further columns, or in the place of the network's estimate."""
        usable = np.isfinite(ready.flux).any(axis=1) & ~flags.do_not_use(rows["logg1m_flag"].to_numpy())
        estimates = rows["log_g"].to_numpy(dtype=np.float64)
        labels = self.bound.labels(self.domain, ready) if len(ready) else np.empty((0, 5))
        labels[:, LABELS.index("logg")] = estimates
        rows_used = np.flatnonzero(usable)
        found: list[Found | None] = [None] * len(ready)
        if len(rows_used):
            given = (
                ready.flux[rows_used],
                ready.error[rows_used],
                labels[rows_used],
                rows["objId"].to_numpy()[rows_used],
            )
            for row, each in zip(rows_used, self.of_spectra(*given)):
                found[row] = each

        def column(name: str) -> np.ndarray:
            return np.array([np.nan if f is None else getattr(f, name) for f in found], dtype=np.float64)

        bits = flags.disagree(
            rows["logg1m_flag"].to_numpy(), estimates, column("mean"), rows["log_gErr"].to_numpy(dtype=np.float64)
        )
        new: dict[str, Any] = {"logg1m_flag": bits, "log_gStatus": flags.words(bits), "flag": flags.do_not_use(bits)}
        if replaces:
            new |= {"log_g": column("mean"), "log_gErr": column("sigma")}
            for name in calibration.LEVELS:
                new[f"log_g_{name}"] = np.array([np.nan if f is None else f.quantiles[name] for f in found])
        else:
            new |= {"log_g_posterior": column("mean"), "log_g_posteriorErr": column("sigma")}
        return rows.assign(**new, ess=column("ess"), iterations=column("iterations"), chi2=column("chi2"))

    def of_spectra(
        self, flux: np.ndarray, error: np.ndarray, labels: np.ndarray | None, stars: np.ndarray
    ) -> list[Found]:
        """Posteriors of spectra (N, P) of median about 0.5, NaN at masked pixels.

        Parameters
        ----------
        labels : estimates of the five labels (N, 5) to start from; None: from the library alone
        stars : numbers (N,) of the random draws
        """
        good = np.isfinite(flux) & np.isfinite(error)
        weight = np.where(good, 1 / np.where(good, error, 1.0).astype(np.float64) ** 2, 0.0)
        y = np.where(good, flux, 0.0).astype(np.float64)
        starts: list[StudentT | None] = [None] * len(flux)
        if labels is not None:
            starts = [
                q
                for k in range(0, len(y), _TILE)
                for q in self.proposals(*(v[k : k + _TILE] for v in (y, weight, labels)))
            ]
        found = []
        for k, start in enumerate(starts):
            exact = partial(self._log_likelihood, y=y[k], weight=weight[k])
            in_library = self.log_likelihood(self.library, y[k], weight[k])
            drawn = sample(exact, self.scores, in_library, partial(self._uniforms, int(stars[k])), self.config, start)
            best = (
                self.model.flux(self.model.prior.labels(drawn.z[np.argmax(drawn.weight)][None])).double().cpu().numpy()
            )
            found.append(self._summary(drawn, self._chi2(best[0], y[k], weight[k]) / max(int(good[k].sum()), 1)))
        return found

    def proposals(self, y: np.ndarray, weight: np.ndarray, labels: np.ndarray) -> list[StudentT]:
        """Of N spectra: Laplace's approximation at the mode that a few Gauss–Newton steps from some labels find.

        Parameters
        ----------
        y, weight : flux and 1/σ² (N, P), zero where masked; labels : (N, 5)
        """
        at = self.model.prior.scores(labels[:, self.free]).clip(-_SCORE, _SCORE)
        kept, step = at.copy(), np.zeros_like(at)
        best = np.full(len(at), -np.inf)
        covariance = np.tile(np.eye(at.shape[1]), (len(at), 1, 1))
        for _ in range(_STEPS):
            value, move, inverse = self._newton(y, weight, at)
            better = value > best
            best = np.where(better, value, best)
            kept, covariance = np.where(better[:, None], at, kept), np.where(better[:, None, None], inverse, covariance)
            step = np.where(better[:, None], move, step / 2)  # too far: half of the way
            at = (kept + step).clip(-_FURTHEST, _FURTHEST)
        made = []
        for centre, matrix in zip(at, covariance):
            values, vectors = np.linalg.eigh(matrix * _WIDER)
            spread = vectors * np.sqrt(values.clip(_NARROWEST**2, _WIDEST**2))
            made.append(StudentT(centre, np.linalg.cholesky(spread @ spread.T)))
        return made

    def _newton(self, y: np.ndarray, weight: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, ...]:
        """ln posterior (N,) at scores (N, D), steps (N, D) to the modes of its quadratic approximation, their covariances."""
        n, dim = at.shape
        labels = np.tile(self.fixed, (n, 1))
        labels[:, self.free] = self.model.prior.labels(at)
        jacobian = self.observer.jacobian(labels, _REFERENCE[np.zeros(n, dtype=np.int64)])
        models, derivatives = (v.double().cpu().numpy() for v in (jacobian.flux, jacobian.d_flux[:, self.free]))
        value, step, covariance = np.empty(n), np.empty((n, dim)), np.empty((n, dim, dim))
        for k in range(n):
            product, square = (weight[k] * y[k]) @ models[k], (weight[k] * models[k]) @ models[k]
            amplitude = product / max(square, 1e-300)
            slope = amplitude * self.widths * norm.pdf(at[k])
            nuisances = amplitude * self.columns(models[k][None])[0]
            columns = np.concatenate([derivatives[k] * slope[:, None], nuisances])
            information = (columns * weight[k]) @ columns.T
            information += np.diag(np.concatenate([np.ones(dim), self.columns.precision]))  # the priors
            pull = (columns * weight[k]) @ (y[k] - amplitude * models[k])
            pull[:dim] -= at[k]
            scale = 1 / np.sqrt(information.diagonal().clip(1e-300))
            inverse = np.linalg.inv(information * np.outer(scale, scale)) * np.outer(scale, scale)
            value[k] = self.log_likelihood(jacobian.flux[k : k + 1], y[k], weight[k])[0] - 0.5 * float(at[k] @ at[k])
            step[k], covariance[k] = (inverse @ pull)[:dim].clip(-1.0, 1.0), inverse[:dim, :dim]
        return value, step, covariance

    def _log_likelihood(self, scores: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return self.log_likelihood(self.model.flux(self.model.prior.labels(scores)), y, weight)

    def log_likelihood(self, spectra: torch.Tensor, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """ln L (n,) of every noise-free spectrum (n, P) for y (P,) with weights 1/σ² (P,), nuisances marginalised."""
        error = np.full(len(y), np.inf)
        error[weight > 0] = weight[weight > 0] ** -0.5
        return marginal.log_likelihood(spectra.double(), y, error, self.columns)

    def _chi2(self, flux: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        """χ² of a noise-free spectrum (P,) with its nuisances as they fit best."""
        columns, residual = self.columns(flux[None])[0], y - flux
        normal = (columns * weight) @ columns.T + np.diag(self.columns.precision)
        residual = residual - np.linalg.solve(normal, (columns * weight) @ residual) @ columns
        return float((residual * weight) @ residual)

    def _uniforms(self, star: int, iteration: int) -> np.ndarray:
        n, dimensions = self.config.samples_per_iteration, len(self.free)
        ids = np.array([star & 0xFFFFFFFF])
        u = uniform(self.seed, Stream.BOUNDS, ids, n * (dimensions + 1), _FIRST_DRAW + iteration)
        return np.asarray(u.reshape(n, dimensions + 1))

    def _summary(self, drawn: Sample, chi2: float) -> Found:
        values = self.model.prior.labels(drawn.z)[:, self.target]
        mean = float(drawn.weight @ values)
        sigma = float(np.sqrt(drawn.weight @ (values - mean) ** 2))
        order = np.argsort(values, kind="stable")
        cumulative = np.cumsum(drawn.weight[order]) - drawn.weight[order] / 2
        quantiles = {
            name: float(np.interp(level, cumulative, values[order])) for name, level in calibration.LEVELS.items()
        }
        return Found(mean, sigma, quantiles, drawn.ess, drawn.iterations, chi2)
