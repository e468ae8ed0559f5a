"""What a line spread of unknown width does to a spectrum: ∂F/∂ln σ of the Gaussian, as one more nuisance."""

import numpy as np
from scipy.sparse import csr_matrix

from logg1m.observe import Observer

_STEP = 1e-3  # relative, of the central difference; its error is 1e-6 of the derivative


def by_width(observer: Observer, labels: np.ndarray) -> np.ndarray:
    """∂F/∂ln σ of normalised flux (N, P) for labels (N, 5) of stars at rest; the median stays where it is."""
    import torch

    coefficients = observer.interpolator.coefficients(torch.as_tensor(labels, device=observer.device))
    ln_flux = torch.addmm(observer.mean_t, observer.components_t, coefficients.T).double().cpu().numpy()
    flux = np.exp(ln_flux)
    wider, narrower = (_spread(observer, 1 + step) @ flux for step in (_STEP, -_STEP))
    plain = (_spread(observer, 1.0) @ flux).T
    slope = ((wider - narrower) / (2 * _STEP)).T
    return normalised(plain, slope)


def normalised(flux: np.ndarray, slope: np.ndarray, median: float = 0.5) -> np.ndarray:
    """The derivative of flux/median(flux) · 0.5 from flux and its derivative, (N, P) each."""
    order, half = np.argsort(flux, axis=1, kind="stable"), flux.shape[1] // 2
    middle = order[:, [half - 1, half]] if flux.shape[1] % 2 == 0 else order[:, [half, half]]
    at = np.take_along_axis(flux, middle, axis=1).mean(axis=1, keepdims=True)
    moved = np.take_along_axis(slope, middle, axis=1).mean(axis=1, keepdims=True)
    return np.asarray(median / at * (slope - flux * moved / at))


def _spread(observer: Observer, wider: float) -> csr_matrix:
    rows, columns, weights = observer.spread(wider)
    return csr_matrix((weights, (rows, columns)), shape=(len(observer.wave), len(observer.grid.wave)))
