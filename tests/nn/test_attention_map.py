"""Attention per token of networks whose attention is known."""

import numpy as np
import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.inputs.subspace import Subspace
from logg1m.nn import attention_map
from logg1m.nn.features import Features
from logg1m.nn.learner import Learner, Material

P = 512
WAVE = 7100 + (np.arange(P) + 0.5) * 1750 / P
X = np.random.default_rng(0).standard_normal((6, 1, P)).astype(np.float32)


def received(pooling: str, tokeniser: str = "single", zero: bool = False, token: bool = False):
    torch.manual_seed(0)
    features = Features(Subspace.of(torch.randn(50, P), torch.ones(P), 4, 1), 2, masked=False) if token else None
    labels, wave = torch.linspace(1, 5, 9)[:, None], torch.as_tensor(WAVE)
    material = Material(torch.zeros(1, P), torch.ones(1, P), labels, wave, features=features)
    architecture = Architecture(patch=64, width=16, depth=2, heads=2, pooling=pooling)
    network = Learner(Recipe(tokeniser=tokeniser), architecture, material).eval()
    if zero:
        for layer in network.encoder.layers:
            torch.nn.init.zeros_(layer.qkv.weight)
    return attention_map.received(network, X, WAVE, torch.device("cpu"))


@pytest.mark.parametrize("tokeniser", ["single", "dual_32_256"])
def test_attention_of_a_layer_adds_up_to_one(tokeniser):
    table = received("mean", tokeniser)
    np.testing.assert_allclose(table.groupby("layer")["attention"].sum(), [1, 1], rtol=1e-5)


@pytest.mark.parametrize(("pooling", "tokens"), [("mean", 8), ("flatten", 8), ("cls", 9)])
def test_queries_of_zero_look_everywhere_alike(pooling, tokens):
    np.testing.assert_allclose(received(pooling, zero=True)["attention"], 1 / tokens, rtol=1e-5)
    np.testing.assert_allclose(received(pooling, zero=True, token=True)["attention"], 1 / (tokens + 1), rtol=1e-5)


def test_tokens_have_their_edges_in_wavelength():
    table = received("mean", "dual_32_256")
    first = table[table["layer"] == 1]
    assert len(first) == 16 + 2
    np.testing.assert_allclose(first["low"].iloc[[0, 15, 16]], [7100, 7100 + 15 * 1750 / 16, 7100])
    np.testing.assert_allclose(first["high"].iloc[[0, 15, 17]], [7100 + 1750 / 16, 8850, 8850])
