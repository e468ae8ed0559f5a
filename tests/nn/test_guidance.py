"""Soft guidance: following it moves attention, and the loss of tokens, towards the windows."""

import pytest
import torch

from logg1m.config.networks import Architecture
from logg1m.nn.encoder import Encoder
from logg1m.nn.guidance import Guidance

WAVE = torch.linspace(7100, 8850, 512)
WINDOW = torch.zeros(512, dtype=torch.bool)
WINDOW[64:96] = True


def encoder(pooling: str) -> Encoder:
    torch.manual_seed(0)
    return Encoder(Architecture(patch=32, width=16, depth=2, heads=2, pooling=pooling), 1, WAVE, "single", "learned")


def mass(network: Encoder, x: torch.Tensor) -> float:
    hidden, rotation = network.placed(network.tokeniser(x), network.centres)
    hidden = network.layers[0](hidden, rotation)
    received = network.layers[1].attention(hidden, rotation).mean(dim=(1, 2))
    return float(received[:, hidden.shape[1] - 16 + 2].mean())


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_following_attention_guidance_moves_attention_onto_the_window(pooling):
    network = encoder(pooling)
    guidance = Guidance("attention", network, WINDOW, n_targets=1)
    assert guidance.inside.tolist() == [float(k == 2) for k in range(16)]
    x, labels = torch.randn(16, 1, 512), torch.zeros(16, 1)
    before = mass(network, x)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        guidance(network, network.tokeniser(x), labels).backward()
        optimiser.step()
    assert before == pytest.approx(1 / 16, abs=0.03)
    assert mass(network, x) > 0.5


def test_token_loss_weighs_tokens_inside_windows_more():
    network = encoder("mean")
    guidance = Guidance("token_loss", network, WINDOW, n_targets=2)
    tokens = network.tokeniser(torch.randn(4, 1, 512))
    encoded = network.encode(tokens, network.centres)
    targets = torch.randn(4, 2)
    squared = ((guidance.head(encoded) - targets[:, None]) ** 2).mean(dim=2)
    weight = torch.tensor([4.0 if k == 2 else 1.0 for k in range(16)])
    expected = 0.2 * (squared * weight).sum(dim=1).mean() / weight.sum()
    torch.testing.assert_close(guidance(network, tokens, targets), expected)
