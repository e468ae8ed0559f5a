"""Derivatives of the noise-free flux with respect to labels from the spectra themselves.

Neighbours are nearest in label space, every label divided by its range. (a) kNN differences as the roadmap words
them: neighbours of like Teff and [M/H] on either side in log g; the rest of their label differences contaminates
them. (b) A local regression of flux on all labels among the neighbours, which separates the labels.
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from logg1m.bounds.nodes import node_weights
from logg1m.files import InputError
from logg1m.observe import LABELS

_LOGG = LABELS.index("logg")
_BATCH_STARS = 256


def knn_weights(scaled: np.ndarray, stars: np.ndarray, neighbours: int) -> csr_matrix:
    """Rows that turn a library of fluxes (M, P) into ∂F/∂log g per unit range by nearest-neighbour differences.

    For each star the `neighbours` spectra nearest in (Teff, [M/H]) with higher and with lower log g (by at least
    5 % of the range) are averaged; the difference of the two means over the difference of their log g is the
    estimate.

    Parameters
    ----------
    scaled : (M, 5) labels divided by their ranges
    stars : (N,) rows of `scaled`

    Returns
    -------
    (N, M) sparse matrix
    """
    others = [LABELS.index("teff"), LABELS.index("m_h")]
    n_library = len(scaled)
    candidates = min(n_library, 16 * neighbours + 1)
    tree = cKDTree(scaled[:, others])
    _, near = tree.query(scaled[stars][:, others], k=candidates)
    step = scaled[near, _LOGG] - scaled[stars, _LOGG][:, None]
    rows, columns, values = [], [], []
    for k in range(len(stars)):
        above = near[k][step[k] > 0.05][:neighbours]
        below = near[k][step[k] < -0.05][:neighbours]
        if not (len(above) and len(below)):
            above, below = (above, stars[k : k + 1]) if len(above) else (stars[k : k + 1], below)
        if not (len(above) and len(below)):
            continue  # no neighbour on either side: the row stays zero and the star counts as failed
        span = scaled[above, _LOGG].mean() - scaled[below, _LOGG].mean()
        for part, sign in ((above, 1.0), (below, -1.0)):
            rows.append(np.full(len(part), k))
            columns.append(part)
            values.append(np.full(len(part), sign / (len(part) * span)))
    if not rows:
        return csr_matrix((len(stars), n_library))
    return csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(len(stars), n_library)
    )


def regression_weights(
    scaled: np.ndarray, stars: np.ndarray, neighbours: int, degree: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a local regression of flux on all labels.

    Least squares with tricube weights (Cleveland 1979, JASA 74, 829) among the nearest `neighbours`, the star itself
    included; terms: a constant, the labels that vary and, for degree 2, their products. Where the nearest do not span
    all terms, as on the nodes of a grid, neighbours and terms are those of `nodes.node_weights`. Where none that are
    near span the labels (two that vary together) no derivative exists, and its weights are NaN; so are those of a
    label that is the same for all.

    Returns
    -------
    index : (N, k) rows of the library; weights : (N, 5, k) such that ∂F/∂θ per unit range = weights @ F[index]
    """
    varies = np.ptp(scaled, axis=0) > 0
    labels = int(varies.sum())
    terms = 1 + labels + (labels * (labels + 1) // 2 if degree == 2 else 0)
    if neighbours < terms + 2 or len(scaled) < neighbours:
        raise InputError(
            f"bounds.linear_neighbours = {neighbours}: a local regression with {terms} terms needs at least "
            f"{terms + 2} neighbours and at most the {len(scaled)} spectra there are"
        )
    if not varies.all():
        weights = np.full((len(stars), len(varies), neighbours), np.nan)
        index = np.repeat(stars[:, None], neighbours, axis=1)
        if labels:
            index, weights[:, varies] = regression_weights(scaled[:, varies], stars, neighbours, degree)
        return index, weights
    distance, index = cKDTree(scaled).query(scaled[stars], k=neighbours)
    weights = np.empty((len(stars), labels, neighbours))
    for start in range(0, len(stars), _BATCH_STARS):
        rows = slice(start, start + _BATCH_STARS)
        weights[rows] = _local_regression(scaled[index[rows]] - scaled[stars[rows], None, :], distance[rows], degree)
    unsolved = np.isnan(weights).any(axis=(1, 2))
    if unsolved.any():
        index[unsolved], weights[unsolved] = node_weights(scaled, stars[unsolved], neighbours, degree)
    return index, weights


def _local_regression(offset: np.ndarray, distance: np.ndarray, degree: int) -> np.ndarray:
    """Weights (N, L, k) from the labels of the neighbours less those of the star (N, k, L), nearest first."""
    width = np.where(distance[:, -1:] > 0, distance[:, -1:] * 1.001, 1.0)
    root = (1 - (distance / width) ** 3) ** 1.5  # square root of the tricube weight
    offset = offset / width[:, :, None]
    columns = [np.ones_like(distance)[:, :, None], offset]
    if degree == 2:
        i, j = np.triu_indices(offset.shape[2])
        columns.append(offset[:, :, i] * offset[:, :, j])
    left, singular, right = np.linalg.svd(np.concatenate(columns, axis=2) * root[:, :, None], full_matrices=False)
    spanned = singular[:, -1:] > 1e-10 * singular[:, :1]
    inverse = np.where(spanned, 1 / np.where(spanned, singular, 1.0), np.nan)
    slopes = (
        right.transpose(0, 2, 1)[:, 1 : 1 + offset.shape[2]] * inverse[:, None, :]
    )  # rows of V S⁻¹ that give labels
    return np.asarray(np.matmul(slopes, left.transpose(0, 2, 1)) * root[:, None, :] / width[:, :, None])


def apply_weights(index: np.ndarray, weights: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """weights (N, L, k) on the neighbours' fluxes flux[index], (N, L, P)."""
    out = np.empty((len(index), weights.shape[1], flux.shape[1]), dtype=np.float32)
    for k in range(len(index)):
        np.matmul(weights[k].astype(np.float32), flux[index[k]], out=out[k])
    return out
