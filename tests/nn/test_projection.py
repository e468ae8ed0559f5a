"""The features of a projection, its perceptron, and that both are the same compiled, resumed and by parts."""

import numpy as np
import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.projection import Projection
from logg1m.inputs.subspace import Subspace
from logg1m.nn.features import Features
from logg1m.nn.projection import ProjectionLearner

N, P, K, LEVELS = 300, 64, 4, 4
SMALL = Projection(width=16, depth=2)


def noise_free() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.as_tensor(1 + rng.standard_normal((N, K)) @ rng.standard_normal((K, P))).float()


def features(levels: int = LEVELS, masked: bool = False) -> Features:
    weights = torch.linspace(0.5, 2.0, P)
    weights[:8] = 0.0
    return Features(Subspace.of(noise_free(), weights, K, 1), levels, masked)


def test_coefficients_are_the_plain_product_and_levels_tell_the_noise():
    made = features()
    x = noise_free()
    z = (x - x.mean(dim=0)) * made.weights
    np.testing.assert_allclose(made.raw(x)[:, :K], z @ made.basis, atol=1e-3)
    sigma = torch.where(made.weights > 0, 1 / made.weights, 1.0)
    noise = torch.as_tensor(np.random.default_rng(1).standard_normal((N, P))).float() * sigma
    levels = torch.stack([made.raw(x + scale * noise)[:, K:].mean(dim=0) for scale in (1.0, 3.0)])
    np.testing.assert_allclose(levels[1] - levels[0], 2 * np.log(3), atol=0.02)
    np.testing.assert_allclose(levels[0].exp(), 1 - K / (P - 8), atol=0.15)  # of unit noise, less what V takes out


def test_a_pixel_without_weight_changes_nothing():
    made, x = features(), noise_free()
    other = x.clone()
    other[:, :8] = 1e6
    assert torch.equal(made(x), made(other))


def test_features_are_standardised_by_those_of_training_spectra():
    made = features(masked=True)
    seen = made.raw(noise_free())
    seen[::3, -1] = torch.nan  # a group without any good pixel
    made.standardise_by(seen)
    standardised = (seen - made.centre) / made.scale
    np.testing.assert_allclose(standardised.nanmean(dim=0), 0, atol=1e-4)
    np.testing.assert_allclose((standardised**2).nanmean(dim=0), 1, atol=1e-3)


def test_masked_pixels_reach_nothing_and_good_ones_are_the_same_with_and_without_the_machinery():
    made, plain = features(masked=True), features()
    x = noise_free() + torch.as_tensor(np.random.default_rng(4).standard_normal((N, P))).float()
    whole = made.raw(x)
    np.testing.assert_allclose(made(x), plain(x), atol=2e-3)
    x[:, 20:30] = torch.nan
    x[0] = torch.nan
    found = made(x)
    assert found.isfinite().all()
    assert (made.raw(x)[1:, :K] - whole[1:, :K]).std() < 0.5 * whole[:, :K].std(dim=0).min()


def test_no_levels_are_no_levels():
    assert features(levels=0)(noise_free()).shape == (N, K)


@pytest.mark.parametrize("objective", ["mse", "gaussian_nll", "ordinal"])
@pytest.mark.parametrize("heads", ["single", "multi_equal", "multi_balanced"])
def test_any_number_of_labels_and_any_objective_have_a_loss_and_a_prediction(objective, heads):
    count = 1 if heads == "single" else 3
    labels = torch.as_tensor(np.random.default_rng(2).normal(3, 1, (N, count))).float()
    recipe = Recipe(model="projection", objective=objective, heads=heads)
    learner = ProjectionLearner(recipe, SMALL, features(), labels)
    np.testing.assert_allclose(learner.predict(noise_free()).detach()[0], labels.mean(dim=0), atol=1e-5)
    learner.loss(noise_free(), labels, 0.0).backward()
    assert all(p.grad is not None for p in learner.perceptron.parameters())


def test_the_compiled_loss_is_the_loss():
    labels = torch.as_tensor(np.random.default_rng(2).normal(3, 1, (N, 1))).float()
    learner = ProjectionLearner(Recipe(model="projection"), SMALL, features(), labels)
    asked = []
    compiled = learner.compiled_loss(lambda function: asked.append(function) or function)
    assert torch.equal(compiled(noise_free(), labels, 0.0), learner.loss(noise_free(), labels, 0.0))
    assert len(asked) == 1


def test_derivatives_go_through_everything():
    learner = ProjectionLearner(Recipe(model="projection"), SMALL, features(), torch.randn(N, 1))
    torch.nn.init.normal_(learner.head.weight)
    x = noise_free()[:3].requires_grad_()
    (gradient,) = torch.autograd.grad(learner.predict(x).sum(), x)
    assert not gradient[:, :8].any()
    assert gradient[:, 8:].abs().sum(dim=0).all()
