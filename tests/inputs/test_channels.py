"""Channels: their formulas, their order, and which of them need an error."""

import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.files import InputError
from logg1m.inputs.channels import MASKED_SHARE, channels, needs_error, needs_mean, with_neutral

P = 256
NAMES = Recipe.model_fields["channels"].annotation.__args__[0].__args__  # every choice of the configuration
FLUX = torch.rand(3, P, generator=torch.Generator().manual_seed(1)) + 0.5
ERROR = torch.rand(3, P, generator=torch.Generator().manual_seed(2)) + 0.1
MEAN = torch.linspace(0.4, 0.6, P)


def one(name: str, flux: torch.Tensor = FLUX, error: torch.Tensor | None = ERROR) -> torch.Tensor:
    return channels((name,), flux, error, MEAN)[:, 0]


def test_channels_are_stacked_in_the_order_of_their_names():
    made = channels(NAMES, FLUX, ERROR, MEAN)
    assert made.shape == (3, len(NAMES), P)
    for k, name in enumerate(NAMES):
        torch.testing.assert_close(made[:, k], one(name))


def test_flux_and_error_are_passed_as_they_are():
    torch.testing.assert_close(one("flux"), FLUX)
    torch.testing.assert_close(one("error"), ERROR)


def test_flux_over_error_and_its_logarithm_stay_finite_where_the_error_vanishes():
    torch.testing.assert_close(one("flux_over_error"), FLUX / ERROR, rtol=0.02, atol=0)
    torch.testing.assert_close(one("log_error"), ERROR.log(), rtol=0, atol=0.02)
    nothing = torch.zeros_like(ERROR)
    assert one("flux_over_error", error=nothing).isfinite().all()
    assert one("log_error", error=nothing).isfinite().all()


def test_a_weighted_residual_has_the_shape_of_the_error_and_its_level_alone_the_size():
    residual, level = one("weighted_residual"), one("error_level")
    middle = ERROR.median(dim=1, keepdim=True).values
    torch.testing.assert_close(residual, (FLUX - MEAN) / ERROR * middle, rtol=0.02, atol=1e-4)
    torch.testing.assert_close(level, middle.log().expand(3, P), rtol=0, atol=0.02)
    torch.testing.assert_close(one("weighted_residual", error=3 * ERROR), residual, rtol=0.01, atol=1e-4)
    assert one("flux_over_error", error=3 * ERROR).allclose(one("flux_over_error") / 3, rtol=0.02)


def test_a_weighted_residual_needs_the_mean_of_training_spectra():
    assert [name for name in NAMES if needs_mean((name,))] == ["weighted_residual"]
    with pytest.raises(InputError, match="needs the mean of training spectra"):
        channels(("weighted_residual",), FLUX, ERROR)


def test_derivative_of_a_straight_line_is_its_slope():
    line = 0.5 + 0.003 * torch.arange(P, dtype=torch.float32).expand(2, P)
    torch.testing.assert_close(one("derivative", line), torch.full((2, P), 0.003), rtol=1e-3, atol=0)


def test_smooth_residual_keeps_a_narrow_line_and_drops_the_continuum():
    line = torch.ones(1, P)
    line[0, 100] = 0.5
    residual = one("smooth_residual", line)[0]
    assert residual[100] == pytest.approx(-0.5 * 24 / 25, rel=1e-4)
    assert residual[:80].abs().max() < 1e-6
    assert residual[120:].abs().max() < 1e-6


def test_masked_share_is_that_of_the_pixels_around_and_zero_where_nothing_is_masked():
    good = torch.ones(2, P, dtype=torch.bool)
    good[0, 100], good[0, 0] = False, False
    share = channels((MASKED_SHARE,), FLUX[:2], None, good=good)[:, 0]
    assert share[0, 88:113] == pytest.approx([1 / 25] * 25)
    assert share[0, :13] == pytest.approx([1 / (13 + k) for k in range(13)])  # a shorter mean at the edge
    assert not share[0, 13:88].any()
    assert not share[0, 113:].any()
    assert not share[1].any()
    assert not one(MASKED_SHARE).any()


def test_what_is_neutral_stands_for_masked_pixels_of_every_channel_but_the_masked_share():
    good = torch.rand(3, P, generator=torch.Generator().manual_seed(3)) > 0.1
    names, neutral = ("flux", MASKED_SHARE, "derivative"), torch.full((3, P), 7.0)
    stacked = channels(names, FLUX, None, good=good)
    filled = with_neutral(names, stacked, good, neutral)
    assert torch.equal(filled[:, 1], stacked[:, 1])
    for k in (0, 2):
        assert torch.equal(filled[:, k], torch.where(good, stacked[:, k], 7.0))


def test_the_error_of_a_masked_pixel_has_the_size_of_its_star():
    names = ("error", "log_error", "flux_over_error", "flux")
    shape = torch.linspace(0.1, 0.3, 40)
    size = torch.tensor([[0.5], [4.0]])
    good = torch.ones(2, 40, dtype=torch.bool)
    good[0, 3:9], good[1, 20] = False, False
    whole = torch.stack([shape * size, (shape * size).log(), 1 / (shape * size), torch.full((2, 40), 0.5)], dim=1)
    neutral = torch.stack([shape, shape.log(), 1 / shape, torch.full((40,), 0.5)])
    seen = torch.where(good[:, None], whole, torch.inf)
    torch.testing.assert_close(with_neutral(names, seen, good, neutral), whole)
    nothing = torch.zeros_like(good)
    torch.testing.assert_close(with_neutral(names, seen, nothing, neutral), neutral.expand(2, 4, 40))


def test_level_changes_neither_derivative_nor_residual():
    for name in ("derivative", "smooth_residual"):
        torch.testing.assert_close(one(name, FLUX + 5), one(name), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_channels_that_need_an_error_say_so(name):
    wants = name in ("flux_over_error", "weighted_residual", "error_level", "log_error", "error")
    assert needs_error(("flux", name)) == wants
    if wants:
        with pytest.raises(InputError, match=f"channel '{name}' needs an error"):
            one(name, error=None)
    else:
        one(name, error=None)


def test_unknown_channel_is_refused():
    with pytest.raises(InputError, match="unknown channel 'colour'"):
        one("colour")
