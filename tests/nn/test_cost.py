"""Operations are counted as on paper."""

import torch
from torch import nn

from logg1m.nn.cost import flops_per_spectrum


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        return (self.second(self.first(x)) ** 2).mean()


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(2, 1, 6, 4))

    def loss(self, x: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(self.query, self.query, self.query).sum()


def test_linear_layers_cost_two_per_weight_forward_and_for_each_gradient():
    forward = 2 * (8 * 16 + 16 * 4)
    weights, inputs = forward, 2 * 16 * 4  # the first layer's input needs no gradient
    assert flops_per_spectrum(Linear(), (8,), 1) == forward + weights + inputs


def test_attention_counts_whichever_kernel_a_device_would_choose():
    product = 2 * 6 * 6 * 4
    assert flops_per_spectrum(Attention(), (1,), 1) == 6 * product  # two products, and two gradients of each


def test_counting_changes_nothing():
    model = Linear()
    before = model.first.weight.clone()
    flops_per_spectrum(model, (8,), 1)
    assert torch.equal(model.first.weight, before)
    assert model.first.weight.grad is None
