"""Single-precision eigenvectors, corrected, give double-precision answers."""

import numpy as np
import pytest
import torch

from logg1m.baselines.spectral import Spectrum

ALPHAS = (0.1, 10.0, 1e4)


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 200)) * np.exp(rng.normal(size=200))
    return x.T @ x


def test_solutions_are_those_of_a_direct_solver(matrix):
    right = np.random.default_rng(1).normal(size=200)
    solved = Spectrum.of(torch.from_numpy(matrix), 200).solve(right, ALPHAS)
    assert solved is not None
    for k, alpha in enumerate(ALPHAS):
        direct = np.linalg.solve(matrix + alpha * np.eye(200), right)
        np.testing.assert_allclose(solved[:, k], direct, rtol=1e-8, atol=1e-10 * np.abs(direct).max())


def test_leading_components_are_those_of_a_double_precision_decomposition(matrix):
    values, vectors = Spectrum.of(torch.from_numpy(matrix), 200).leading(20)
    expected_values, expected = np.linalg.eigh(matrix)
    np.testing.assert_allclose(values, expected_values[::-1][:20], rtol=1e-10)
    overlap = np.abs((vectors * expected[:, ::-1][:, :20]).sum(axis=0))
    np.testing.assert_allclose(overlap, 1.0, atol=1e-8)


def test_a_problem_too_ill_conditioned_for_single_precision_is_reported_and_solved_precisely():
    rng = np.random.default_rng(2)
    basis, _ = np.linalg.qr(rng.normal(size=(50, 50)))
    matrix = (basis * np.logspace(-6, 8, 50)) @ basis.T
    matrix = (matrix + matrix.T) / 2
    right = matrix @ rng.normal(size=50)
    assert Spectrum.of(torch.from_numpy(matrix), 50).solve(right, (1e-4,)) is None
    solved = Spectrum.of(torch.from_numpy(matrix), 50, precise=True).solve(right, (1e-4,))
    assert solved is not None
    residual = matrix @ solved[:, 0] + 1e-4 * solved[:, 0] - right
    assert np.linalg.norm(residual) < 1e-10 * np.linalg.norm(right)


@pytest.mark.parametrize("rows", [2, 60, 100])
def test_a_matrix_of_few_rows_is_solved_by_its_thin_factor(rows):
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 200)) * np.exp(rng.normal(size=200))
    x -= x.mean(axis=0)
    x[:, 7] = 0  # a pixel that never varies
    matrix, right = x.T @ x, x.T @ rng.normal(size=rows)
    thin = Spectrum.of(torch.from_numpy(matrix), rows - 1)
    assert thin.vectors.shape == (200, rows - 1)
    assert Spectrum.of(thin.matrix, rows - 1, precise=True).vectors.shape == (200, 200), "the way out stays open"
    exact_values, exact = np.linalg.eigh(matrix)
    np.testing.assert_allclose(thin.values, exact_values, rtol=1e-9, atol=1e-9 * exact_values[-1])
    solved = thin.solve(right, ALPHAS)
    assert solved is not None
    for k, alpha in enumerate(ALPHAS):
        direct = np.linalg.solve(matrix + alpha * np.eye(200), right)
        np.testing.assert_allclose(solved[:, k], direct, rtol=1e-8, atol=1e-10 * np.abs(direct).max())
    count = min(20, rows - 1)
    values, vectors = thin.leading(count)
    np.testing.assert_allclose(values, exact_values[::-1][:count], rtol=1e-9)
    np.testing.assert_allclose(np.abs((vectors * exact[:, ::-1][:, :count]).sum(axis=0)), 1.0, atol=1e-7)


def test_a_full_matrix_that_was_said_to_be_thin_is_decomposed_in_full(matrix):
    assert Spectrum.of(torch.from_numpy(matrix), 60).vectors.shape == (200, 200)
