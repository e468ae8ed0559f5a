"""Derivatives from spectra: exact where flux is of the fitted degree, contaminated where labels are not separated."""

from collections.abc import Callable

import numpy as np
import pytest

from logg1m.bounds import derivatives
from logg1m.files import InputError
from logg1m.observe import LABELS

LOGG = LABELS.index("logg")
PIXELS, LIBRARY = 16, 3_000
STARS = np.arange(0, LIBRARY, 29)


@pytest.fixture(scope="module")
def scaled() -> np.ndarray:
    """Labels in units of their ranges."""
    return np.random.default_rng(1).random((LIBRARY, 5))


def linear(seed: int = 2) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    slope = np.random.default_rng(seed).standard_normal((5, PIXELS))
    return lambda labels: 1 + labels @ slope, slope


def quadratic(seed: int = 3) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """Flux with all products of labels, and its derivatives (N, 5, P)."""
    flux, slope = linear()
    form = np.random.default_rng(seed).standard_normal((5, 5, PIXELS))
    return (
        lambda labels: flux(labels) + np.einsum("ni,nj,ijp->np", labels, labels, form),
        lambda labels: slope + np.einsum("nj,ijp->nip", labels, form + form.transpose(1, 0, 2)),
    )


def regressed(scaled: np.ndarray, flux: np.ndarray, degree: int, neighbours: int = 64) -> np.ndarray:
    index, weights = derivatives.regression_weights(scaled, STARS, neighbours, degree)
    return derivatives.apply_weights(index, weights, flux.astype(np.float32))


@pytest.mark.parametrize("degree", [1, 2])
def test_a_linear_flux_gives_its_slopes(scaled, degree):
    flux, slope = linear()
    found = regressed(scaled, flux(scaled), degree)
    assert found.shape == (len(STARS), 5, PIXELS)
    np.testing.assert_allclose(found, np.broadcast_to(slope, found.shape), rtol=0, atol=1e-4)


def test_a_quadratic_flux_gives_its_derivatives_at_degree_two(scaled):
    flux, derivative = quadratic()
    np.testing.assert_allclose(regressed(scaled, flux(scaled), 2), derivative(scaled[STARS]), rtol=0, atol=1e-4)


def test_a_plane_through_a_quadratic_flux_is_off(scaled):
    flux, derivative = quadratic()
    error = regressed(scaled, flux(scaled), 1) - derivative(scaled[STARS])
    assert np.sqrt(np.mean(error**2)) > 0.05


def test_the_weights_depend_on_labels_alone_and_sum_to_nothing(scaled):
    index, weights = derivatives.regression_weights(scaled, STARS, 64, 2)
    assert weights.shape == (len(STARS), 5, 64)
    np.testing.assert_allclose(weights.sum(axis=2), 0, atol=1e-8)  # a constant flux has no derivative
    np.testing.assert_array_equal(index[:, 0], STARS)  # the star itself is its nearest neighbour


def test_weights_are_those_of_weighted_least_squares_one_star_at_a_time(scaled):
    index, weights = derivatives.regression_weights(scaled, STARS[:3], 40, 1)
    for k, star in enumerate(STARS[:3]):
        distance = np.linalg.norm(scaled[index[k]] - scaled[star], axis=1)
        tricube = (1 - (distance / (1.001 * distance.max())) ** 3) ** 3
        design = np.column_stack([np.ones(40), scaled[index[k]] - scaled[star]])
        normal = np.linalg.solve(design.T @ (tricube[:, None] * design), design.T * tricube)
        np.testing.assert_allclose(weights[k], normal[1:], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("neighbours", "degree"), [(7, 1), (22, 2), (LIBRARY + 1, 2)])
def test_too_few_neighbours_are_refused(scaled, neighbours, degree):
    with pytest.raises(InputError, match=rf"linear_neighbours = {neighbours}.*at least {8 if degree == 1 else 23}"):
        derivatives.regression_weights(scaled, STARS, neighbours, degree)


@pytest.mark.parametrize("kind", ["two labels vary together", "all spectra are alike"])
def test_labels_that_the_neighbours_do_not_separate_have_no_derivative(scaled, kind):
    labels = scaled.copy()
    if kind == "two labels vary together":
        labels[:, 4] = labels[:, 3]
    else:
        labels[:] = 0.5
    _, weights = derivatives.regression_weights(labels, STARS, 64, 1)
    assert np.isnan(weights).all()


def test_a_label_that_never_varies_has_no_derivative_and_the_others_have_theirs(scaled):
    labels = scaled.copy()
    labels[:, 3] = 0.3
    flux, slope = linear()
    found = regressed(labels, flux(labels), 1)
    others = [0, 1, 2, 4]
    assert np.isnan(found[:, 3]).all()
    np.testing.assert_allclose(found[:, others], np.broadcast_to(slope[others], (len(STARS), 4, PIXELS)), atol=1e-4)


def test_neighbour_differences_give_the_slope_of_a_flux_that_depends_on_log_g_alone(scaled):
    slope = np.linspace(-2, 2, PIXELS)
    flux = 1 + scaled[:, LOGG, None] * slope
    found = derivatives.knn_weights(scaled, STARS, 8) @ flux
    np.testing.assert_allclose(found, np.broadcast_to(slope, found.shape), rtol=0, atol=1e-9)


def test_neighbour_differences_are_contaminated_by_the_other_labels_and_the_regression_is_not(scaled):
    flux, slope = linear()
    differences = derivatives.knn_weights(scaled, STARS, 8) @ flux(scaled)
    contaminated = np.sqrt(np.mean((differences - slope[LOGG]) ** 2))
    assert contaminated > 0.1 * np.sqrt(np.mean(slope[LOGG] ** 2))
    assert np.abs(regressed(scaled, flux(scaled), 1)[:, LOGG] - slope[LOGG]).max() < 1e-3 * contaminated


def test_neighbours_are_alike_in_teff_and_metallicity_and_lie_on_both_sides_in_log_g(scaled):
    weights = derivatives.knn_weights(scaled, STARS, 8).toarray()
    alike = [LABELS.index("teff"), LABELS.index("m_h")]
    inner = (scaled[STARS, LOGG] > 0.3) & (scaled[STARS, LOGG] < 0.7)
    for star, row in zip(STARS[inner], weights[inner]):
        above, below = np.flatnonzero(row > 0), np.flatnonzero(row < 0)
        assert len(above) == len(below) == 8
        assert (scaled[above, LOGG] > scaled[star, LOGG] + 0.05).all()
        assert (scaled[below, LOGG] < scaled[star, LOGG] - 0.05).all()
        assert np.abs(scaled[np.r_[above, below]][:, alike] - scaled[star, alike]).max() < 0.15
        assert row.sum() == pytest.approx(0, abs=1e-12)


def test_a_star_at_the_edge_in_log_g_is_its_own_neighbour_on_the_empty_side(scaled):
    star = np.argsort(scaled[:, LOGG])[[0, -1]]
    weights = derivatives.knn_weights(scaled, star, 8).toarray()
    for k, (row, sign) in enumerate(zip(weights, (-1, 1))):
        assert np.sign(row[star[k]]) == sign
        assert row @ scaled[:, LOGG] == pytest.approx(1)


def test_a_star_without_neighbours_in_log_g_gets_no_difference(scaled):
    labels = scaled.copy()
    labels[:, LOGG] = 0.5
    weights = derivatives.knn_weights(labels, STARS, 8)
    assert weights.shape == (len(STARS), LIBRARY)
    assert weights.nnz == 0
