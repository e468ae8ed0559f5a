"""Derivatives where labels lie on the nodes of a grid: neighbours and terms that span the labels.

Spectra that a program interpolated along one axis of a grid share their other labels with many others. The nearest in
units of the ranges then often have one and the same value of a label, or two, and a regression on all products has no
solution; the more spectra, the closer they lie and the worse it gets. Here distances are in units of the nodes,
spectra of the same labels count once, neighbours that span the terms are chosen among many, and terms of second order
that the neighbours do not tell from the others are dropped: what is left are finite differences between nodes,
one-sided at the edges of the grid.
"""

import numpy as np
from scipy.linalg import qr
from scipy.spatial import cKDTree

_POOL = 512  # distinct labels that neighbours are chosen from, at least; and eight times the neighbours
_LEAST_UNIT = 0.125  # of a label's range; nodes that lie closer together, and labels without nodes, get this one
_WIDTH = 1.25  # bandwidth over the distance of the farthest neighbour: those that span a term keep some weight
_INDEPENDENT = 0.03  # share of a term's norm that the terms before it must leave, or else it is dropped
_RANK = 1e-6  # of the largest pivot
_BATCH_STARS = 256


def shared(values: np.ndarray) -> np.ndarray:
    """The values (M,) that more than one spectrum has, increasing, if at least half of the spectra have such."""
    distinct, count = np.unique(values, return_counts=True)
    several = count > 1
    return distinct[several] if count[several].sum() >= len(values) / 2 else distinct[:0]


def node_weights(scaled: np.ndarray, stars: np.ndarray, neighbours: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """What `derivatives.regression_weights` returns, for labels on nodes.

    Parameters
    ----------
    scaled : (M, L) labels divided by their ranges; each varies
    stars : (N,) rows of `scaled`

    Returns
    -------
    index : (N, k) rows of the library; weights : (N, L, k), NaN for a star whose neighbours do not span the labels, 0
    where there are fewer than k distinct labels
    """
    points, first = np.unique(scaled, axis=0, return_index=True)
    unit = _units(scaled)
    tree = cKDTree(points / unit)
    pool = min(max(8 * neighbours, _POOL), len(points))
    kept = min(neighbours, pool)
    index = np.repeat(stars[:, None], neighbours, axis=1)
    weights = np.zeros((len(stars), scaled.shape[1], neighbours))
    for start in range(0, len(stars), _BATCH_STARS):
        rows = slice(start, start + _BATCH_STARS)
        at = scaled[stars[rows]]
        distance, near = tree.query(at / unit, k=pool)
        offset = (points[near] - at[:, None, :]) / unit
        chosen = _spanning(offset, distance, kept, degree)
        distance = np.take_along_axis(distance, chosen, axis=1)
        offset = np.take_along_axis(offset, chosen[:, :, None], axis=1)
        index[rows, :kept] = first[np.take_along_axis(near, chosen, axis=1)]
        weights[rows, :, :kept] = _regression(offset, distance, degree) / unit[:, None]
    return index, weights


def _units(scaled: np.ndarray) -> np.ndarray:
    """Unit of distance along every axis, (L,): the usual step between the values that spectra share."""
    steps = [np.diff(shared(values)) for values in scaled.T]
    return np.array([max(_LEAST_UNIT, float(np.median(step))) if len(step) else _LEAST_UNIT for step in steps])


def _terms(offset: np.ndarray, degree: int) -> np.ndarray:
    """Constant, labels, squares and products of labels (N, k, L), in that order, (N, k, T)."""
    columns = [np.ones_like(offset[:, :, :1]), offset]
    if degree == 2:
        i, j = np.triu_indices(offset.shape[2], 1)
        columns += [offset**2, offset[:, :, i] * offset[:, :, j]]
    return np.concatenate(columns, axis=2)


def _root_weights(distance: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Square root of the tricube weight."""
    return np.asarray((1 - (distance / width) ** 3) ** 1.5)


def _spanning(offset: np.ndarray, distance: np.ndarray, kept: int, degree: int) -> np.ndarray:
    """Places (N, kept) in the pool, nearest first: those that span the terms best, then the nearest of the rest."""
    width = distance[:, -1:] * 1.001
    design = _terms(offset / width[:, :, None], degree) * _root_weights(distance, width)[:, :, None]
    chosen = np.empty((len(design), kept), dtype=np.intp)
    for k, rows in enumerate(design):
        triangle, order = qr(rows.T, mode="r", pivoting=True)
        pivot = np.abs(np.diagonal(triangle))
        span = order[: min(int((pivot > _RANK * pivot[0]).sum()), kept)]
        rest = np.ones(len(rows), dtype=bool)
        rest[span] = False
        chosen[k] = np.sort(np.concatenate([span, np.flatnonzero(rest)[: kept - len(span)]]))
    return chosen


def _regression(offset: np.ndarray, distance: np.ndarray, degree: int) -> np.ndarray:
    """Weights (N, L, k) of least squares on the terms that the neighbours tell from each other."""
    labels = offset.shape[2]
    width = _WIDTH * distance.max(axis=1, keepdims=True)
    root = _root_weights(distance, width)
    design = _terms(offset / width[:, :, None], degree) * root[:, :, None]
    independent = _independent(design)
    left, singular, right = np.linalg.svd(np.where(independent[:, None, :], design, 0.0), full_matrices=False)
    solid = singular > 1e-10 * singular[:, :1]  # the others belong to the terms that were dropped
    inverse = np.where(solid, 1 / np.where(solid, singular, 1.0), 0.0)
    slopes = right.transpose(0, 2, 1)[:, 1 : 1 + labels] * inverse[:, None, :]
    weights = np.matmul(slopes, left.transpose(0, 2, 1)) * root[:, None, :] / width[:, :, None]
    weights[~np.all(independent[:, : 1 + labels], axis=1)] = np.nan
    return np.asarray(weights)


def _independent(design: np.ndarray) -> np.ndarray:
    """Which columns of (N, k, T) are no combination of those before them, (N, T): Gram and Schmidt, twice."""
    basis = np.zeros_like(design)
    independent = np.zeros((len(design), design.shape[2]), dtype=bool)
    for j in range(design.shape[2]):
        column = design[:, :, j, None]
        norm = np.linalg.norm(column[:, :, 0], axis=1)
        before = basis[:, :, :j]
        for _ in range(2):
            column = column - before @ (before.transpose(0, 2, 1) @ column)
        left = np.linalg.norm(column[:, :, 0], axis=1)
        new = (norm > 0) & (left > _INDEPENDENT * norm)
        basis[new, :, j] = column[new, :, 0] / left[new, None]
        independent[:, j] = new
    return independent
