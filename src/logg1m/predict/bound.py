"""The Fisher bound of a user's spectrum: what it allowed, whatever the model.

Derivatives are exact, at the labels that the model infers; those that it does not are estimated by ridge regression on the
coefficients of a spectrum in the subspace of the models (`domain`), and serve nothing else. The errors are the spectrum's own.
The amplitude is unknown, as it is to a model that divides every spectrum by its own median: the median of a noise-free spectrum,
by which the simulator divides, follows whatever pixel it falls on, and is nothing that anybody measures.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from logg1m.bounds.fisher import fisher_information, marginalised, with_nuisances
from logg1m.config.data import Observation
from logg1m.inputs.subspace import completed
from logg1m.observe import LABELS, WAVE, Conditions, Jacobian, Observer, StellarGrid
from logg1m.observe.survey import Columns
from logg1m.predict.domain import Domain
from logg1m.predict.steps import Ready

_RIDGE = 1e-3  # per star
_SINGULAR = 1e14  # condition number
_BLOCK = 256  # stars whose derivatives are held at once


def of_information(information: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """σ(log g), dex, with the other labels free, (N,), of Fisher information (N, 5, 5) (Kay 1993, eq. 3.31).

    known : (5,) labels that are not free; NaN where the information cannot be inverted
    """
    free = np.arange(len(LABELS)) if known is None else np.flatnonzero(~known)
    chosen = information[:, free[:, None], free]
    scale = 1 / np.sqrt(chosen.diagonal(axis1=1, axis2=2).clip(1e-300))
    scaled = chosen * scale[:, :, None] * scale[:, None, :]
    solvable = np.linalg.cond(scaled) < _SINGULAR
    sigma, k = np.full(len(information), np.nan), free.tolist().index(LABELS.index("logg"))
    sigma[solvable] = np.sqrt(np.linalg.inv(scaled[solvable])[:, k, k]) * scale[solvable, k]
    return sigma


def unknown(observation: Observation) -> Columns:
    """What nobody knows of a user's spectrum beside its labels: the amplitude, and the nuisances of these conditions."""
    return Columns(observation.nuisances.model_copy(update={"amplitude": "free"}), WAVE)


def sigma_of(jacobian: Jacobian, error: np.ndarray, columns: Columns, known: np.ndarray | None = None) -> np.ndarray:
    """σ(log g) (N,), dex, for errors (N, P), infinite where masked; see `of_information`."""
    d_flux, flux = (values.double().cpu().numpy() for values in (jacobian.d_flux, jacobian.flux))
    information = fisher_information(with_nuisances(d_flux, flux, columns), error.astype(np.float64))
    return of_information(marginalised(information, columns), known)


def shares(jacobian: Jacobian) -> np.ndarray:
    """Share of the information on log g, other labels and amplitude free, that every pixel has, (P,), over all spectra.

    The derivative by log g less what the others explain of it: the efficient score (Bickel et al. 1993).
    """
    parts = torch.cat([jacobian.d_flux, jacobian.flux[:, None]], dim=1)
    d, sigma = parts.double().cpu().numpy(), jacobian.error.double().cpu().numpy()
    k = LABELS.index("logg")
    total = np.zeros(d.shape[2])
    for star in range(len(d)):
        scaled = d[star] / sigma[star]
        others = np.delete(scaled, k, axis=0)
        part = scaled[k] - np.linalg.lstsq(others.T, scaled[k], rcond=None)[0] @ others
        total += part**2 / (part**2).sum()
    return total / len(d)


def fit_labels(coefficients: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Ridge on coefficients of spectra (N, K) and their products with the first eight, for labels (N, 5)."""
    centre, scale = coefficients.mean(axis=0), coefficients.std(axis=0).clip(1e-9)
    x = _products((coefficients - centre) / scale)
    mean = labels.mean(axis=0)
    normal = x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(normal, x.T @ (labels - mean))
    return {"centre": centre, "scale": scale, "regression": weights, "label_mean": mean}


def _products(x: np.ndarray) -> np.ndarray:
    few = x[:, :8]
    rows, columns = np.triu_indices(few.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, few[:, rows] * few[:, columns]], axis=1)


def coefficients(domain: Domain, ready: Ready) -> np.ndarray:
    """Coefficients of spectra in the subspace of the models, (N, K)."""
    z = (torch.as_tensor(ready.flux) - domain.mean) * domain.weights
    bad = z.isnan()
    z = z.masked_fill(bad, 0.0)
    c = z @ domain.basis
    if bool((rows := bad.any(dim=1) & ~bad.all(dim=1)).any()):
        c[rows] = completed(domain.basis, domain.covariance, z[rows], ~bad[rows])
    return np.asarray(c.double().numpy())


class Bound:
    """The bound of any spectrum whose model can be computed: exact derivatives at inferred labels, its own errors."""

    def __init__(self, tensors: dict[str, np.ndarray], data: Mapping[str, Any]) -> None:
        """tensors : of `fit_labels`, shares (P,), limits (5, 2) of the labels; data : the configuration of the spectra"""
        self.t, self.data = tensors, data

    @cached_property
    def observer(self) -> Observer:
        return Observer(StellarGrid.load(), Observation.model_validate(self.data["observation"]))

    @cached_property
    def columns(self) -> Columns:
        """The amplitude, and the nuisances of the training's conditions, which are unknown too."""
        return unknown(self.observer.observation)

    @property
    def shares(self) -> np.ndarray:
        """Share of the information on log g in every pixel, (P,)."""
        return self.t["shares"]

    def labels(self, domain: Domain, ready: Ready) -> np.ndarray:
        """The five labels (N, 5), estimated for this purpose alone."""
        t = self.t
        x = _products((coefficients(domain, ready) - t["centre"]) / t["scale"])
        return np.asarray(x @ t["regression"] + t["label_mean"])

    def __call__(self, labels: np.ndarray, error: np.ndarray) -> np.ndarray:
        """σ(log g) (N,), dex, at labels (N, 5) for errors (N, P) of spectra whose median is 0.5, infinite where masked.

        NaN where nothing is measured, or no bound exists.
        """
        limits = self.t["limits"]
        known = limits[:, 1] <= limits[:, 0]
        sigma = np.full(len(labels), np.nan)
        usable = np.flatnonzero(np.isfinite(error).any(axis=1) & np.isfinite(labels).all(axis=1))
        for low in range(0, len(usable), _BLOCK):
            rows = usable[low : low + _BLOCK]
            at = labels[rows].clip(limits[:, 0], limits[:, 1])
            none = np.zeros(len(rows))
            conditions = Conditions(none + 21.0, none + 0.8, none + 22.5, none + 0.325, none)
            sigma[rows] = sigma_of(self.observer.jacobian(at, conditions), error[rows], self.columns, known)
        return sigma


def wider(masked: np.ndarray | float) -> np.ndarray:
    """Factor by which an error grows when a share of the information is masked."""
    return np.asarray(1 / np.sqrt(1 - np.clip(masked, 0.0, 0.99)))
