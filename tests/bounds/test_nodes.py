"""Labels on the nodes of a grid: derivatives where the nearest spectra do not span the labels."""

import numpy as np
import pytest

from logg1m.bounds import derivatives, fisher, nodes
from logg1m.config.data import Data
from logg1m.observe import LABELS, Conditions
from logg1m.sources.embedded import EmbeddedSource

AXES = [  # nodes in units of the ranges: 10, 9, 7, 3 and 3 of them
    np.linspace(0, 1, 10),
    np.linspace(0, 1, 9),
    np.linspace(0, 1, 7),
    np.linspace(0, 1, 3),
    np.linspace(0, 1, 3),
]
PIXELS = 12


def labels_of(kind: str, n: int, seed: int = 1) -> np.ndarray:
    """Labels (n, 5): continuous, on nodes along all axes but one, or on nodes along all."""
    rng = np.random.default_rng(seed)
    free = rng.random((n, 5))
    if kind == "continuous":
        return free
    on = np.column_stack([axis[np.abs(free[:, k, None] - axis).argmin(1)] for k, axis in enumerate(AXES)])
    return on if kind == "grid" else np.where(np.arange(5) == rng.integers(0, 5, n)[:, None], free, on)


@pytest.mark.parametrize("n", [2_000, 8_000, 22_000])
@pytest.mark.parametrize("kind", ["continuous", "edges", "grid"])
def test_nearly_every_star_has_a_derivative_however_many_spectra_there_are(kind, n):
    stars = np.random.default_rng(2).choice(n, 200, replace=False)
    _, weights = derivatives.regression_weights(labels_of(kind, n), stars, 64, 2)
    assert np.isnan(weights).any(axis=(1, 2)).mean() < 0.01


@pytest.mark.parametrize(("neighbours", "degree"), [(64, 2), (64, 1), (23, 2), (8, 1)])
@pytest.mark.parametrize("kind", ["edges", "grid"])
def test_a_linear_flux_gives_its_slopes_on_nodes(kind, neighbours, degree):
    slope = np.random.default_rng(2).standard_normal((5, PIXELS))
    scaled, stars = labels_of(kind, 6_000), np.arange(100)
    index, weights = nodes.node_weights(scaled, stars, neighbours, degree)
    assert index.shape == (100, neighbours)
    assert weights.shape == (100, 5, neighbours)
    solved = np.isfinite(weights).all(axis=(1, 2))
    assert solved.mean() > 0.95
    flux = (1 + scaled @ slope)[index[solved]]
    np.testing.assert_allclose(weights[solved] @ flux, np.broadcast_to(slope, (solved.sum(), 5, PIXELS)), atol=1e-8)


def test_squares_that_the_nodes_allow_are_fitted_and_others_dropped():
    """Curvature along the first axis is taken up also at its edges; the last axis has two nodes: one-sided differences."""
    scaled = labels_of("grid", 20_000)
    scaled[:, 4] = np.round(scaled[:, 4])
    index, weights = nodes.node_weights(scaled, np.arange(200), 64, 2)
    assert np.isfinite(weights).all()
    flux = (scaled[:, 0] ** 2)[index]
    np.testing.assert_allclose(np.einsum("nlk,nk->nl", weights, flux)[:, 0], 2 * scaled[:200, 0], atol=1e-8)
    flux = (scaled[:, 4] ** 2)[index]
    np.testing.assert_allclose(np.einsum("nlk,nk->nl", weights, flux)[:, 4], 1, atol=1e-8)  # (1 − 0) / 1


def test_spectra_of_the_same_labels_count_once():
    scaled = np.tile(labels_of("grid", 300), (40, 1))  # the 64 nearest of a star have two labels or so
    slope = np.arange(1.0, 6.0)
    index, weights = derivatives.regression_weights(scaled, np.arange(100), 64, 1)
    found = np.einsum("nlk,nk->nl", weights, (scaled @ slope)[index])
    np.testing.assert_allclose(found, np.broadcast_to(slope, (100, 5)), atol=1e-8)


def test_fewer_distinct_labels_than_neighbours_leave_the_rest_without_weight():
    scaled = np.vstack([np.zeros(5), np.eye(5), -np.eye(5)]).repeat(10, axis=0)
    index, weights = nodes.node_weights(scaled, np.array([0]), 64, 2)
    assert (weights[0, :, 11:] == 0).all()
    np.testing.assert_allclose(weights[0] @ scaled[index[0]], np.eye(5), atol=1e-10)


def test_where_the_nearest_span_the_labels_nothing_is_touched(monkeypatch):
    monkeypatch.setattr(
        derivatives, "node_weights", lambda *_: pytest.fail("continuous labels need no other neighbours")
    )
    derivatives.regression_weights(labels_of("continuous", 3_000), np.arange(100), 64, 2)


@pytest.mark.parametrize(("share", "count"), [(0.8, 9), (0.3, 0)])
def test_shared_values_are_those_that_most_spectra_have(share, count):
    values = np.random.default_rng(1).random(4_000)
    on = np.random.default_rng(2).random(4_000) < share
    values[on] = np.round(values[on] * 8) / 8
    assert len(nodes.shared(values)) == count


@pytest.fixture(scope="module")
def on_edges() -> tuple[EmbeddedSource, np.ndarray, Conditions]:
    source = EmbeddedSource(Data.model_validate({"n_spectra": 2_500, "labels": "grid_edges"}), 3)
    labels, conditions = source.draw(np.arange(2_500))
    return source, labels, conditions


@pytest.mark.parametrize("kind", ["edges", "grid"])
def test_bounds_on_nodes_agree_with_exact_ones(on_edges, kind):
    source, labels, conditions = on_edges
    if kind == "grid":
        axes = source.grid.axes.values()
        labels = np.column_stack([v[np.abs(labels[:, k, None] - v).argmin(1)] for k, v in enumerate(axes)])
    ranges = fisher.prior_ranges(source.data.priors.model_dump())
    scale, stars = np.array([ranges[name] for name in LABELS]), np.arange(120)
    seen = [source.observer.observe(labels[k : k + 500], conditions[k : k + 500]) for k in range(0, 2_500, 500)]
    flux = np.concatenate([part.flux.numpy() for part in seen])
    error = seen[0].error.numpy()[:120]
    index, weights = derivatives.regression_weights(labels / scale, stars, 64, 2)
    found = derivatives.apply_weights(index, weights, flux) / scale[:, None].astype(np.float32)
    exact = source.observer.jacobian(labels[:120], conditions[:120]).d_flux.numpy()
    sigmas = [fisher.bounds(fisher.fisher_information(d, error), ranges, 1e8)["sigma_5d"] for d in (found, exact)]
    ratio = sigmas[0] / sigmas[1]
    assert ratio.notna().mean() > 0.98
    assert 0.9 < ratio.median() < 1.15
    assert ratio.quantile(0.1) > 0.75
    assert ratio.quantile(0.9) < 1.5
