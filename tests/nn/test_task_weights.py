"""Weights of several losses: their mean is one, and balancing evens out what drives the encoder."""

import pytest
import torch

from logg1m.nn.task_weights import TaskWeights


@pytest.mark.parametrize("kind", ["single", "multi_equal", "multi_logg_first", "multi_balanced"])
def test_weights_have_mean_one(kind):
    assert float(TaskWeights(kind, 3).weights.mean()) == pytest.approx(1)


def test_log_g_first_weighs_the_others_less():
    weights = TaskWeights("multi_logg_first", 3).weights
    assert weights[0] / weights[1] == pytest.approx(5)


def test_balanced_weights_even_out_the_gradients():
    weights = TaskWeights("multi_balanced", 3)
    encoded = torch.randn(8, 4).requires_grad_()
    for _ in range(200):
        losses = torch.stack([scale * (encoded**2).mean() for scale in (1.0, 10.0, 0.1)])
        total = weights(losses, encoded)
    products = weights.weights * torch.tensor([1.0, 10.0, 0.1])
    torch.testing.assert_close(products / products[0], torch.ones(3), rtol=1e-4, atol=1e-4)
    assert float(weights.weights.mean()) == pytest.approx(1)
    assert torch.isfinite(total)


def test_evaluation_leaves_the_weights_alone():
    weights = TaskWeights("multi_balanced", 2).eval()
    encoded = torch.randn(8, 4).requires_grad_()
    weights(torch.stack([encoded.sum(), 5 * encoded.sum()]), encoded)
    assert torch.equal(weights.weights, torch.ones(2))
