"""Conditions of robustness on spectra whose resampled values are known, and networks that know index or wavelength."""

import numpy as np
import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.nn import robustness
from logg1m.nn.encoder import Encoder
from logg1m.nn.learner import Learner, Material

P = 512
STEP = 1750 / P
WAVE = 7100 + (torch.arange(P, dtype=torch.float64) + 0.5) * STEP
LINE = (WAVE[None, None] - 7500).expand(3, 2, P)  # linear in wavelength: linear interpolation is exact
CPU = torch.device("cpu")


def small(pooling: str) -> Architecture:
    return Architecture(patch=64, width=16, depth=2, heads=2, pooling=pooling)


def learner(pooling: str, position: str, objective: str = "mse") -> Learner:
    torch.manual_seed(1)
    made = Learner(
        Recipe(position=position, objective=objective), small(pooling),
        Material(torch.full((1, P), 2.0), torch.full((1, P), 0.5), torch.linspace(1, 5, 9)[:, None], WAVE),
    )  # fmt: skip
    torch.nn.init.normal_(made.head.weight)
    return made.eval()


# --- resampling


def test_the_own_grid_gives_the_very_same_spectrum():
    x = torch.randn(3, 2, P)
    assert torch.equal(robustness.resample(x, WAVE, WAVE), x)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0])
def test_another_grid_inside_the_range_is_exact_for_a_straight_line(factor):
    target = WAVE.mean() + factor * (WAVE - WAVE.mean()) + 0.3 * STEP * (factor < 1)
    torch.testing.assert_close(robustness.resample(LINE, WAVE, target)[0, 0], target - 7500)


def test_beyond_the_range_there_is_nothing():
    x = robustness.resample(torch.ones(1, 1, P), WAVE, WAVE + 100.5 * STEP)
    assert (x[0, 0, : P - 101] == 1).all()
    assert (x[0, 0, P - 101 :] == 0).all()


# --- conditions


def test_crops_hide_their_share_in_place_and_nothing_else():
    x = torch.rand(2, 1, P) + 1
    for name, blue, red in (("crop_10", 51, 51), ("crop_blue_20", 102, 0), ("crop_red_5", 0, 26), ("hidden_64", 64, 0)):
        seen, grid = robustness.conditions(P)[name](x, WAVE)
        assert grid is None
        assert (seen[..., :blue] == 0).all()
        assert (seen[..., P - red :] == 0).all()
        assert torch.equal(seen[..., blue : P - red], x[..., blue : P - red]), name


def test_a_shift_moves_pixels_and_their_wavelengths_together():
    x = torch.randn(2, 1, P)
    seen, grid = robustness.conditions(P)["shift_64"](x, WAVE)
    assert torch.equal(seen[..., :-64], x[..., 64:])
    assert (seen[..., -64:] == 0).all()
    torch.testing.assert_close(grid[:-64], WAVE[64:])


def test_a_wider_grid_interpolated_back_gives_a_straight_line_back():
    seen, grid = robustness.conditions(P)["step_1.1_back"](LINE, WAVE)
    assert grid is None
    torch.testing.assert_close(seen[..., 2:-2], LINE[..., 2:-2])


def test_a_shift_of_more_than_the_spectrum_is_left_out():
    assert "shift_256" in robustness.conditions(512)
    assert "shift_256" not in robustness.conditions(256)


# --- networks under conditions


def test_rotary_codes_know_distances_only():
    x = torch.randn(4, 1, P)
    network = learner("mean", "rotary")
    torch.testing.assert_close(network.on_grid(x, WAVE * 1.03), network.on_grid(x, WAVE), atol=1e-5, rtol=1e-4)


def test_flattened_tokens_are_read_by_wavelength_where_the_network_knows_it():
    tokens = torch.randn(2, 8, 16)
    moved = WAVE + 64 * STEP  # by one token
    known = Encoder(small("flatten"), 1, WAVE, "single", "sinusoidal").pool(tokens, moved).unflatten(1, (8, 16))
    torch.testing.assert_close(known[:, 1:], tokens[:, :-1], atol=1e-4, rtol=1e-4)
    assert (known[:, 0] == 0).all()
    indexed = Encoder(small("flatten"), 1, WAVE, "single", "learned").pool(tokens, moved)
    assert torch.equal(indexed, tokens.flatten(1))


@pytest.mark.parametrize("tokeniser", ["single", "dual_32_256"])
def test_reading_by_wavelength_on_the_own_grid_changes_nothing(tokeniser):
    encoder = Encoder(small("flatten"), 1, WAVE, tokeniser, "rotary")
    tokens = torch.randn(2, sum(encoder.sizes), 16)
    torch.testing.assert_close(encoder.pool(tokens, WAVE), tokens.flatten(1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "flatten", "cls"])
@pytest.mark.parametrize("position", ["learned", "sinusoidal", "rotary"])
def test_predictions_under_hidden_pixels_are_those_of_the_mean_spectrum_there(pooling, position):
    network, x = learner(pooling, position), torch.randn(5, 1, P) + 2
    table = robustness.predictions(network, x.numpy(), WAVE.numpy(), np.arange(5) + 7, CPU)
    assert list(table["id"]) == [7, 8, 9, 10, 11]
    assert set(table.columns) == {"id", *robustness.conditions(P)}
    assert np.isfinite(table.to_numpy()).all()
    hidden = x.clone()
    hidden[..., :64] = 2.0
    with torch.no_grad():
        expected = network.predict(hidden)[:, 0].numpy()
    np.testing.assert_allclose(table["hidden_64"], expected, rtol=1e-5)


def test_a_network_of_indices_predicts_the_same_for_every_grid():
    network, x = learner("flatten", "learned", "gaussian_nll"), torch.randn(3, 1, P)
    torch.testing.assert_close(network.on_grid(x, WAVE + 64 * STEP), network.on_grid(x))


def test_no_spectra_give_an_empty_table():
    table = robustness.predictions(
        learner("mean", "learned"), np.empty((0, 1, P), np.float32), WAVE.numpy(), np.empty(0, int), CPU
    )
    assert len(table) == 0
    assert "crop_10" in table
