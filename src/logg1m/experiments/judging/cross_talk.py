"""Cross-talk: how much of the log g error goes with the errors in Teff and [Fe/H], by linear regression."""

import numpy as np

from logg1m.metrics import Statistic


def explained_share(error: np.ndarray, others: np.ndarray) -> Statistic:
    """R² of the regression of errors (N,) on other errors (N, K) with a constant, as a statistic of counts (B, N).

    From weighted moments, so that a resample costs one product; 0 = the errors have nothing to do with one another.
    """
    columns = np.column_stack([others / _scale(others), error / _scale(error[:, None])])
    n_columns = columns.shape[1]
    products = np.column_stack([columns[:, [i]] * columns[:, i:] for i in range(n_columns)])
    upper = np.triu_indices(n_columns)

    def statistic(counts: np.ndarray) -> np.ndarray:
        covariance = np.empty((len(counts), n_columns, n_columns))
        total = counts.sum(axis=1)[:, None]
        first, second = counts @ columns / total, counts @ products / total
        covariance[:, upper[0], upper[1]] = covariance[:, upper[1], upper[0]] = second
        covariance -= first[:, :, None] * first[:, None, :]
        inner, along, variance = covariance[:, :-1, :-1], covariance[:, :-1, -1], covariance[:, -1, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            # An error that never varies explains nothing.
            slopes = np.linalg.pinv(inner, hermitian=True) @ along[:, :, None]
            return np.asarray((along * slopes[:, :, 0]).sum(axis=1) / variance)

    return statistic


def slopes(error: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Least-squares slopes (K,) of errors (N,) on other errors (N, K), with a constant."""
    design = np.column_stack([np.ones(len(error)), others])
    return np.asarray(np.linalg.lstsq(design, error, rcond=None)[0][1:])


def _scale(values: np.ndarray) -> np.ndarray:
    """Standard deviation per column, 1 where nothing varies: keeps K and dex on one footing."""
    spread = values.std(axis=0)
    return np.where(spread > 0, spread, 1.0)
