"""The Bayes posterior of single users' spectra, by the sampler of MVP-1.1 started at the network's estimate.

What is observed is y = a · F(θ) + noise with an amplitude a that nobody knows; under a flat prior of a the likelihood is
−½ (Σ y²/σ² − (Σ yF/σ²)²/Σ F²/σ²). The first proposal is the Gaussian that one Gauss–Newton step from the estimate gives
(Laplace's approximation), as a Student-t; a few draws from the prior stay in the mixture as its defensive share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from logg1m.bounds.bayes.model import GridModel, Library
from logg1m.bounds.bayes.sampler import Sample, StudentT, sample
from logg1m.config.bayes import BayesConfig
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, Conditions, Observer, StellarGrid
from logg1m.predict import calibration, flags
from logg1m.predict.bound import Bound
from logg1m.predict.domain import Domain
from logg1m.predict.predicting import Predictor
from logg1m.predict.steps import Ready

LIBRARY = 1_024  # draws from the prior
_FIRST_DRAW = 2_100  # draws of Stream.BOUNDS
_WIDER = 1.5  # of the Gaussian's variance
_NARROWEST, _WIDEST = 1e-3, 3.0  # standard deviations of a proposal in units of the prior's score
_SCORE = 2.5  # beyond which an estimate is taken as lying at the prior's edge
CONFIG = BayesConfig(target_ess=300.0)


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
        self.observer = Observer(StellarGrid.load(), observation)
        self.model = GridModel(self.observer, data.priors.model_dump(), (0.0, 0.0))
        self.domain, self.bound, self.config, self.seed = domain, bound, config, seed
        library = Library.simulated(self.model, LIBRARY, seed)
        self.scores = self.model.prior.scores(library.labels)
        self.library = np.concatenate([library.read(chunk) for chunk in library.chunks]).astype(np.float64)
        self.free = [LABELS.index(name) for name in self.model.names]
        self.target = self.model.names.index("logg")

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
        return cls(Data.model_validate(conditions["data"]), int(conditions["seed"]), predictor.domain, predictor.bound)

    def beside(self, rows: pd.DataFrame, ready: Ready, replaces: bool) -> pd.DataFrame:
        """Rows of a predictor with the posterior in further columns, or in the place of the network's estimate."""
        usable = np.isfinite(ready.flux).any(axis=1) & ~flags.do_not_use(rows["logg1m_flag"].to_numpy())
        estimates = rows["log_g"].to_numpy(dtype=np.float64)
        labels = self.bound.labels(self.domain, ready) if len(ready) else np.empty((0, 5))
        labels[:, LABELS.index("logg")] = estimates
        found = [
            self.of_spectrum(ready.flux[k], ready.error[k], labels[k], int(rows["objId"].iloc[k]))
            if usable[k]
            else None
            for k in range(len(ready))
        ]

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

    def of_spectrum(self, flux: np.ndarray, error: np.ndarray, labels: np.ndarray | None, star: int = 0) -> Found:
        """The posterior of one spectrum (P,) of median about 0.5, NaN at masked pixels.

        Parameters
        ----------
        labels : estimates of the five labels (5,) to start from; None: from the library alone
        star : number of the random draws
        """
        good = np.isfinite(flux) & np.isfinite(error)
        weight = np.where(good, 1 / np.where(good, error, 1.0).astype(np.float64) ** 2, 0.0)
        y = np.where(good, flux, 0.0).astype(np.float64)
        exact = partial(self._log_likelihood, y=y, weight=weight)
        in_library = log_likelihood(self.library, y, weight)
        start = None if labels is None else self.proposal(y, weight, labels)
        drawn = sample(exact, self.scores, in_library, partial(self._uniforms, star), self.config, start)
        best = float(max(in_library.max(), exact(drawn.z[np.argmax(drawn.weight)][None])[0]))
        return self._summary(drawn, -2 * best / max(int(good.sum()), 1))

    def proposal(self, y: np.ndarray, weight: np.ndarray, labels: np.ndarray) -> StudentT:
        """Laplace's approximation one Gauss–Newton step from some labels (5,), in the prior's scores."""
        at = self.model.prior.scores(labels[self.free][None]).clip(-_SCORE, _SCORE)
        inside = labels.astype(np.float64).copy()
        inside[self.free] = self.model.prior.labels(at)[0]
        fixed = [k for k in range(len(LABELS)) if k not in self.free]
        inside[fixed] = self.model._fixed[fixed]
        none = np.zeros(1)
        jacobian = self.observer.jacobian(
            inside[None], Conditions(none + 21.0, none + 0.8, none + 22.5, none + 0.325, none)
        )
        model = jacobian.flux[0].double().cpu().numpy()
        slope = (self.model.prior.high - self.model.prior.low) * norm.pdf(at[0])  # type: ignore[attr-defined]
        columns = jacobian.d_flux[0].double().cpu().numpy()[self.free] * slope[:, None]  # (D, P) per unit of score
        amplitude = (weight * y) @ model / max((weight * model) @ model, 1e-300)
        columns = np.concatenate([amplitude * columns, model[None]])
        information = (columns * weight) @ columns.T
        dim = len(self.free)
        information[:dim, :dim] += np.eye(dim)  # the prior
        pull = (columns * weight) @ (y - amplitude * model)
        pull[:dim] -= at[0]
        scale = 1 / np.sqrt(information.diagonal().clip(1e-300))
        inverse = np.linalg.inv(information * np.outer(scale, scale)) * np.outer(scale, scale)
        step = (inverse @ pull)[:dim].clip(-1.0, 1.0)
        values, vectors = np.linalg.eigh(inverse[:dim, :dim] * _WIDER)
        spread = vectors * np.sqrt(values.clip(_NARROWEST**2, _WIDEST**2))
        return StudentT((at[0] + step).clip(-4.0, 4.0), np.linalg.cholesky(spread @ spread.T))

    def _log_likelihood(self, scores: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        spectra = self.model.flux(self.model.prior.labels(scores)).double().cpu().numpy()
        return log_likelihood(spectra, y, weight)

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


def log_likelihood(spectra: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """−½ χ² of every noise-free spectrum (n, P) for y (P,) with weights 1/σ² (P,), at its best amplitude, (n,)."""
    product, square = spectra @ (weight * y), (spectra * spectra) @ weight
    return np.asarray(-0.5 * ((weight * y) @ y - product**2 / np.maximum(square, 1e-300)))
