"""The subspace of the models: against a full decomposition, against a dense Gaussian, and with masked pixels."""

import numpy as np
import pytest
import torch

from logg1m.inputs import subspace
from logg1m.inputs.subspace import Subspace, completed, groups, leading

N, D, K = 400, 60, 6
SEED = 7


def spectra(seed: int = 0, scatter: float = 1e-3) -> torch.Tensor:
    """Spectra (N, D) in K directions of falling variance, and a little in all others."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((D, K)))[0]
    x = 1 + rng.standard_normal((N, K)) * 3.0 ** -np.arange(K) @ directions.T + scatter * rng.standard_normal((N, D))
    return torch.as_tensor(x).float()


def test_basis_spans_the_leading_singular_vectors_of_the_weighted_spectra():
    weights = torch.linspace(0.5, 2, D)
    found = Subspace.of(spectra(), weights, K, SEED)
    z = (spectra() - spectra().mean(dim=0)) * weights
    _, singular, right = np.linalg.svd(z.double().numpy(), full_matrices=False)
    overlap = np.abs(right[:K] @ found.basis.double().numpy())
    np.testing.assert_allclose(overlap, np.eye(K), atol=2e-3)
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(K), atol=1e-5)
    np.testing.assert_allclose(found.covariance, np.diag(singular[:K] ** 2 / N), atol=1e-4 * singular[0] ** 2 / N)


def test_the_same_input_gives_the_same_bits_and_a_sign_that_is_not_arbitrary():
    first, second = (Subspace.of(spectra(), torch.ones(D), K, SEED) for _ in range(2))
    assert torch.equal(first.basis, second.basis)
    other = Subspace.of(spectra(), torch.ones(D), K, SEED + 1)
    np.testing.assert_allclose(other.basis, first.basis, atol=1e-3)  # other random directions, the same vectors


def test_what_cannot_be_had_is_not_asked_for():
    weights = torch.ones(D)
    weights[5:] = 0
    found = Subspace.of(spectra(), weights, K, SEED)
    assert found.basis.shape == (D, 5)
    assert not found.basis[5:].any()
    assert Subspace.of(spectra()[:3], torch.ones(D), K, SEED).basis.shape == (D, 3)


def test_random_directions_are_no_singular_vectors_and_leave_out_what_has_no_weight():
    weights = torch.ones(D)
    weights[:10] = 0
    found = Subspace.of(spectra(), weights, K, SEED, random=True)
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(K), atol=1e-5)
    assert not found.basis[:10].abs().max() > 1e-6
    assert found.covariance.diagonal().max() < 0.5 * Subspace.of(spectra(), weights, K, SEED).covariance.max()


def test_masked_training_spectra_count_where_they_are_good():
    x = spectra()
    x[::2, 3] = torch.nan
    found = Subspace.of(x, torch.ones(D), K, SEED)
    assert float(found.mean[3]) == pytest.approx(float(spectra()[1::2, 3].mean()), rel=1e-5)
    assert found.basis.isfinite().all()


@pytest.mark.parametrize(("share", "n"), [(0.05, 60), (0.1, 4), (0.5, 4)])
def test_masked_pixels_are_completed_as_a_dense_gaussian_says(share, n):
    """E[Vᵀz | good pixels] by conditioning the joint Gaussian of coefficients and pixels, without any of the algebra."""
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.standard_normal((D, K)))[0]
    prior = np.diag(10.0 ** -np.arange(K)) + 0.01 * np.ones((K, K))
    z = rng.standard_normal((n, D))
    good = rng.uniform(size=(n, D)) > share
    of_pixels = basis @ prior @ basis.T + np.eye(D)
    expected = []
    for row, seen in zip(z, good):
        filled = of_pixels[:, seen] @ np.linalg.solve(of_pixels[np.ix_(seen, seen)], row[seen])
        filled[seen] = row[seen]
        expected.append(basis.T @ filled)
    zeroed = torch.as_tensor(np.where(good, z, 0.0)).float()
    tensors = (torch.as_tensor(a).float() for a in (basis, prior))
    np.testing.assert_allclose(completed(*tensors, zeroed, torch.as_tensor(good)), expected, atol=2e-4)


def test_without_masked_pixels_it_is_the_plain_product_and_with_all_of_them_the_prior_mean():
    found = Subspace.of(spectra(), torch.ones(D), K, SEED)
    z = torch.as_tensor(np.random.default_rng(1).standard_normal((3, D))).float()
    nothing = completed(found.basis, found.covariance, z, torch.ones(3, D, dtype=torch.bool))
    np.testing.assert_allclose(nothing, z @ found.basis, atol=1e-3)
    everything = completed(found.basis, found.covariance, 0 * z, torch.zeros(3, D, dtype=torch.bool))
    assert not everything.any()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 1.0])
def test_products_over_masked_pixels_are_the_same_whether_these_are_few_or_many(share, monkeypatch):
    basis = torch.randn(D, K, generator=torch.Generator().manual_seed(1))
    bad = torch.rand(30, D, generator=torch.Generator().manual_seed(2)) < share
    expected = torch.einsum("bd,dk,dl->bkl", bad.float(), basis, basis)
    for few in (0, 10**9):
        monkeypatch.setattr(subspace, "_FEW", few)
        torch.testing.assert_close(subspace._masked_products(basis, bad), expected, atol=1e-4, rtol=1e-5)


def test_groups_are_of_equal_size_and_ordered_by_weight():
    weights = torch.tensor([3.0, 0.0, 1.0, 2.0, 4.0, 0.0, 5.0])
    member = groups(weights, 2)
    assert member.sum(dim=0).tolist() == [3, 2]
    assert member[:, 0].tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert not member[[1, 5]].any()


def test_leading_vectors_of_a_matrix_of_low_rank_rebuild_it():
    x = spectra(scatter=0.0) - 1
    start = torch.as_tensor(np.random.default_rng(0).standard_normal((D, K + 2))).float()
    v = leading(x, start, K)
    np.testing.assert_allclose(x @ v @ v.T, x, atol=1e-4)
