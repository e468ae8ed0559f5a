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


def received(network: Encoder, x: torch.Tensor) -> torch.Tensor:
    hidden, rotation = network.placed(network.tokeniser(x), network.centres)
    hidden = network.layers[0](hidden, rotation)
    tokens = network.layers[1].attention(hidden, rotation).mean(dim=(1, 2))[:, hidden.shape[1] - 16 :]
    return tokens / tokens.sum(dim=1, keepdim=True)


def mass(network: Encoder, x: torch.Tensor) -> float:
    with torch.no_grad():
        return float(received(network, x)[:, 2].mean())


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_following_attention_guidance_moves_attention_onto_the_window(pooling):
    network = encoder(pooling)
    guidance = Guidance("attention", network, WINDOW, n_targets=1)
    assert guidance.inside.tolist() == [float(k == 2) for k in range(16)]
    x, labels = torch.randn(16, 1, 512), torch.zeros(16, 1)
    before = mass(network, x)
    torch.testing.assert_close(guidance.target.sum(), torch.tensor(1.0))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(120):
        optimiser.zero_grad()
        guidance(network, network.tokeniser(x), labels).backward()
        optimiser.step()
    assert before == pytest.approx(1 / 16, abs=0.03)
    aim = float(guidance.target[2])  # half of the attention, and the window's share of the other half
    assert mass(network, x) == pytest.approx(aim, abs=0.05)
    last = received(network, x)
    assert (last[:, torch.arange(16) != 2] > 0.3 * (1 - aim) / 15).all()  # and no token is left without


def test_guidance_is_least_where_the_attention_is_as_wished_and_not_where_one_token_has_it_all():
    guidance = Guidance("attention", encoder("mean"), WINDOW | (torch.arange(512) >= 480), n_targets=1)
    assert guidance.inside.sum() == 2
    collapsed = torch.full((16,), 1e-6)
    collapsed[2] = 1.0

    def divergence(attention: torch.Tensor) -> float:
        return float((guidance.target * (guidance.target / attention).log()).sum())

    assert divergence(guidance.target) == pytest.approx(0, abs=1e-6)
    assert divergence(collapsed) > divergence(torch.full((16,), 1 / 16)) > 0


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
