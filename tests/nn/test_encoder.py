"""The transformer: shapes, the published number of parameters, attention that sums to one, pooling."""

import pytest
import torch

from logg1m.config.networks import PRESETS, Architecture
from logg1m.files import InputError
from logg1m.nn.encoder import Encoder, Layer

WAVE = torch.linspace(7100, 8850, 4096)
SMALL = Architecture(patch=128, width=16, depth=2, heads=2, mlp_ratio=2.0)


def test_the_reference_has_about_4_9_million_parameters():
    encoder = Encoder(PRESETS["reference"], 1, WAVE, "single", "learned")
    assert sum(p.numel() for p in encoder.parameters()) == pytest.approx(4.9e6, rel=0.03)


@pytest.mark.parametrize("pooling", ["mean", "cls", "flatten"])
@pytest.mark.parametrize("position", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("tokeniser", ["single", "dual_32_256"])
def test_every_combination_gives_one_vector_per_spectrum_and_gradients_everywhere(pooling, position, tokeniser):
    architecture = SMALL.model_copy(update={"pooling": pooling})
    encoder = Encoder(architecture, 2, WAVE, tokeniser, position)
    out = encoder(torch.randn(3, 2, 4096))
    assert out.shape == (3, encoder.n_features)
    (out**3).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())


@pytest.mark.parametrize("pooling", ["mean", "cls", "flatten"])
@pytest.mark.parametrize("position", ["learned", "rotary"])
def test_a_token_beside_the_patches_meets_them_and_stands_in_front_of_what_they_are_pooled_to(pooling, position):
    encoder = Encoder(SMALL.model_copy(update={"pooling": pooling}), 1, WAVE, "single", position)
    x, beside = torch.randn(3, 1, 4096), torch.randn(3, 1, 16)
    out = encoder(x, None, beside)
    assert out.shape == (3, 16 + encoder.n_features)
    tokens = encoder.encode(encoder.tokeniser(x), encoder.centres, beside)
    torch.testing.assert_close(out, torch.cat([tokens[:, 0], encoder.pool(tokens[:, 1:])], dim=1))
    for own, other in ((out[:, :16], encoder(2 * x, None, beside)[:, :16]), (out, encoder(x, None, 2 * beside))):
        assert not torch.allclose(own, other, atol=1e-4)
    torch.testing.assert_close(encoder(x, WAVE, beside), out, atol=1e-3, rtol=1e-3)


def test_fused_attention_is_the_weighted_mean_of_the_values():
    layer = Layer(SMALL)
    x = torch.randn(2, 5, 16)
    weights = layer.attention(x, None)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 2, 5))
    _, _, value = layer._heads(x, None)
    after = x + layer.out((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(x, None), after + layer.mlp(layer.norm_mlp(after)))


def test_flatten_refuses_another_number_of_tokens_without_their_wavelengths_and_mean_takes_it():
    short = torch.randn(2, 1, 2048)
    flat = Encoder(SMALL.model_copy(update={"pooling": "flatten"}), 1, WAVE, "single", "learned")
    with pytest.raises(InputError, match="takes 32 tokens, got 16"):
        flat(short)
    assert flat(short, WAVE[:2048]).shape == (2, 16 * 32)
    assert Encoder(SMALL, 1, WAVE, "single", "sinusoidal")(short, WAVE[:2048]).shape == (2, 16)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="not a multiple"):
        Architecture(patch=16, width=20, depth=1, heads=4)
