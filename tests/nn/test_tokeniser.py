"""Patches: what each token sees, padding, wavelengths, and which tokens lie in a window."""

import pytest
import torch

from logg1m.nn.tokeniser import Patches, Tokeniser


def test_a_token_is_the_linear_map_of_its_own_pixels():
    patches = Patches(n_channels=2, patch=4, width=3)
    x = torch.randn(5, 2, 12)
    tokens = patches(x)
    assert tokens.shape == (5, 3, 3)
    pixels = x[:, :, 4:8].flatten(1)  # of the second token, channel by channel
    torch.testing.assert_close(tokens[:, 1], pixels @ patches.embed.weight.T + patches.embed.bias)


def test_a_rest_of_pixels_is_padded_with_zeros():
    patches = Patches(1, 5, 3)
    x = torch.randn(2, 1, 12)
    assert patches(x).shape == (2, 3, 3)
    torch.testing.assert_close(patches(x), patches(torch.nn.functional.pad(x, (0, 3))))


def test_two_scales_stand_side_by_side_with_their_own_embedding():
    tokeniser = Tokeniser("dual_32_256", 1, patch=16, width=8)
    x = torch.randn(3, 1, 512)
    tokens = tokeniser(x)
    assert tokens.shape == (3, 16 + 2, 8)
    small, large = tokeniser.scales
    torch.testing.assert_close(tokens[:, :16], small(x) + tokeniser.scale_embedding[0])
    torch.testing.assert_close(tokens[:, 16:], large(x) + tokeniser.scale_embedding[1])


@pytest.mark.parametrize(("kind", "count"), [("single", 32), ("single_32", 16), ("dual_48_480", 11 + 2)])
def test_centres_are_mean_log_wavelengths_and_masks_are_shares(kind, count):
    tokeniser = Tokeniser(kind, 1, patch=16, width=8)
    wave = torch.linspace(7100, 7320, 512)
    centres = tokeniser.centres(wave)
    assert len(centres) == count
    assert centres[0] == pytest.approx(float(wave[: tokeniser.scales[0].patch].log().mean()))
    visible = torch.zeros(512, dtype=torch.bool)
    visible[: tokeniser.scales[0].patch // 2] = True
    share = tokeniser.share_inside(visible)
    assert share[0] == 0.5
    assert share[1] == 0
