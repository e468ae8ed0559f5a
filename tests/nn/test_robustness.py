"""Conditions of robustness on spectra whose resampled values are known, and networks that know index or wavelength."""

import numpy as np
import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.inputs.subspace import Subspace
from logg1m.nn import robustness
from logg1m.nn.encoder import Encoder
from logg1m.nn.features import Features
from logg1m.nn.learner import Learner, Material

P = 512
STEP = 1750 / P
WAVE = 7100 + (torch.arange(P, dtype=torch.float64) + 0.5) * STEP
LINE = (WAVE[None, None] - 7500).expand(3, 2, P)  # linear in wavelength: linear interpolation is exact
CPU = torch.device("cpu")


def small(pooling: str) -> Architecture:
    return Architecture(patch=64, width=16, depth=2, heads=2, pooling=pooling)


def learner(pooling: str, position: str, objective: str = "mse", features: Features | None = None) -> Learner:
    torch.manual_seed(1)
    mean, scale = torch.full((1, P), 2.0), torch.full((1, P), 0.5)
    made = Learner(
        Recipe(position=position, objective=objective), small(pooling),
        Material(mean, scale, torch.linspace(1, 5, 9)[:, None], WAVE, features=features),
    )  # fmt: skip
    torch.nn.init.normal_(made.head.weight)
    return made.eval()


# --- rebinning


def test_the_own_grid_gives_the_same_spectrum():
    x = torch.randn(3, 2, P)
    made, inside = robustness.rebin(x, WAVE, WAVE)
    torch.testing.assert_close(made, x, atol=1e-6, rtol=0)
    assert inside.all()


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0])
def test_another_grid_inside_the_range_is_exact_for_a_straight_line(factor):
    target = WAVE.mean() + factor * (WAVE - WAVE.mean()) + 0.3 * STEP * (factor < 1)
    made = robustness.rebin(LINE, WAVE, target)[0][0, 0]
    # A pixel's mean of flux that is constant within every old pixel is the line's to a quarter of a pixel's rise.
    torch.testing.assert_close(made, target - 7500, atol=STEP / 4, rtol=0)


def test_rebinning_conserves_flux_as_an_independent_sum_over_overlaps():
    x = torch.randn(P, dtype=torch.float64)
    target = WAVE.mean() + 0.83 * (WAVE - WAVE.mean())
    width = float(target[1] - target[0])
    made, inside = robustness.rebin(x[None], WAVE, target)
    assert inside.all()
    low = np.maximum.outer((target - width / 2).numpy(), (WAVE - STEP / 2).numpy())
    high = np.minimum.outer((target + width / 2).numpy(), (WAVE + STEP / 2).numpy())
    overlap = np.clip(high - low, 0, None)
    np.testing.assert_allclose(made[0].numpy(), overlap @ x.numpy() / width, atol=1e-9)


def test_wider_pixels_average_the_noise():
    x = torch.randn(400, 1, P)
    made, inside = robustness.rebin(x, WAVE, WAVE.mean() + 2 * (WAVE - WAVE.mean()))
    assert float(made[..., inside].std()) == pytest.approx(2**-0.5, rel=0.02)


def test_beyond_the_range_there_is_nothing():
    x, inside = robustness.rebin(torch.ones(1, 1, P), WAVE, WAVE + 100.5 * STEP)
    torch.testing.assert_close(x[0, 0, : P - 101], torch.ones(P - 101))
    assert (x[0, 0, P - 101 :] == 0).all()
    assert not inside[P - 101 :].any()


# --- conditions


def seen(x: torch.Tensor, mean: float = 0.0, scale: float = 1.0) -> robustness.Seen:
    shape = x.shape[1:]
    return robustness.Seen(x, torch.full(shape, mean), torch.full(shape, 1 / scale))


def test_crops_hide_their_share_in_place_and_nothing_else():
    x = torch.rand(2, 1, P) + 1
    for name, blue, red in (("crop_10", 51, 51), ("crop_blue_20", 102, 0), ("crop_red_5", 0, 26), ("hidden_64", 64, 0)):
        under = robustness.conditions(P)[name](seen(x), WAVE)
        assert under.wave is None
        assert (under.standardised[..., :blue] == 0).all()
        assert (under.standardised[..., P - red :] == 0).all()
        assert torch.equal(under.standardised[..., blue : P - red], x[..., blue : P - red]), name


def test_a_shift_moves_pixels_their_statistics_and_their_wavelengths_together():
    x, mean, inverse = torch.randn(2, 1, P), torch.rand(1, P), torch.rand(1, P) + 0.5
    under = robustness.conditions(P)["shift_64"](robustness.Seen(x, mean, inverse), WAVE)
    plain = ((x - mean) * inverse)[..., 64:]
    torch.testing.assert_close(under.standardised[..., :-64], plain, atol=1e-5, rtol=1e-5)
    assert (under.standardised[..., -64:] == 0).all()
    torch.testing.assert_close(under.wave[:-64], WAVE[64:])


def test_a_sky_line_contaminates_its_neighbours_when_it_is_rebinned():
    flux, scale = torch.zeros(1, 1, P), torch.full((1, P), 0.1)
    flux[..., 200], scale[..., 200] = 5.0, 5.0  # one standard deviation of a noisy pixel
    under = robustness.conditions(P)["half_pixel"](robustness.Seen(flux, torch.zeros(1, P), 1 / scale), WAVE)
    back = robustness.conditions(P)["step_1.1_back"](robustness.Seen(flux, torch.zeros(1, P), 1 / scale), WAVE)
    assert 0.9 < float(under.standardised[0, 0, 199]) < 1.1  # against the scale of the new pixel
    assert float(back.standardised[..., 199:202].abs().max()) > 2  # against that of the old one


def test_hidden_pixels_stay_hidden_on_another_grid():
    x, inverse = torch.ones(1, 1, P), torch.ones(1, P)
    inverse[:, 100:110] = 0.0
    under = robustness.conditions(P)["half_pixel"](robustness.Seen(x, torch.zeros(1, P), inverse), WAVE)
    assert (under.standardised[..., 99:110] == 0).all()
    torch.testing.assert_close(under.standardised[..., :99], x[..., :99])


def test_a_wider_grid_and_back_gives_a_straight_line_back():
    under = robustness.conditions(P)["step_1.1_back"](seen(LINE.float()), WAVE)
    assert under.wave is None
    torch.testing.assert_close(under.standardised[..., 2:-2], LINE.float()[..., 2:-2], atol=STEP / 2, rtol=0)


def test_a_shift_of_more_than_the_spectrum_is_left_out():
    assert "shift_256" in robustness.conditions(512)
    assert "shift_256" not in robustness.conditions(256)


# --- networks under conditions


def test_rotary_codes_know_distances_only():
    x = torch.randn(4, 1, P)
    network = learner("mean", "rotary")
    torch.testing.assert_close(network.on_grid(x, WAVE * 1.03), network.on_grid(x, WAVE), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("position", ["learned", "sinusoidal", "rotary"])
def test_flattened_tokens_are_read_by_wavelength(position):
    tokens = torch.randn(2, 8, 16)
    moved = WAVE + 64 * STEP  # by one token
    known = Encoder(small("flatten"), 1, WAVE, "single", position).pool(tokens, moved).unflatten(1, (8, 16))
    torch.testing.assert_close(known[:, 1:], tokens[:, :-1], atol=1e-4, rtol=1e-4)
    assert (known[:, 0] == 0).all()


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


def projection(masked: bool) -> Features:
    made = Features(Subspace.of(2 + torch.randn(60, P), torch.ones(P), 6, 1), 3, masked)
    made.standardise_by(made.raw(2 + torch.randn(60, P)))
    return made


def test_a_projection_reads_by_wavelength_on_its_own_grid_and_hidden_pixels_are_masked():
    x, made = torch.randn(3, 1, P), robustness.conditions(P)
    for name in ("hidden_64", "shift_64"):
        found = robustness.on_own_grid(made[name](seen(x), WAVE), WAVE)
        assert found[..., :64].isnan().all()
        torch.testing.assert_close(found[..., 64:], x[..., 64:], atol=1e-5, rtol=1e-5)
    wider = robustness.on_own_grid(made["step_1.1"](seen(LINE.float()), WAVE), WAVE)
    back = robustness.on_own_grid(made["step_1.1_back"](seen(LINE.float()), WAVE), WAVE)
    torch.testing.assert_close(wider, back, equal_nan=True)
    torch.testing.assert_close(wider[..., 2:-2], LINE.float()[..., 2:-2], atol=STEP / 2, rtol=0)


@pytest.mark.parametrize("pooling", ["mean", "flatten", "cls"])
def test_a_network_with_the_projection_is_asked_as_of_spectra_that_are_masked_there(pooling):
    network, x = learner(pooling, "rotary", features=projection(masked=True)), torch.randn(5, 1, P) + 2
    x[1, 0, 200:230] = torch.nan
    table = robustness.predictions(network, x.numpy(), WAVE.numpy(), np.arange(5), CPU)
    assert np.isfinite(table.to_numpy()).all()
    for name, blue, red in (("hidden_64", 64, 0), ("crop_10", 51, 51)):
        hidden = x.clone()
        hidden[..., :blue], hidden[..., P - red :] = torch.nan, torch.nan
        with torch.no_grad():
            np.testing.assert_allclose(table[name], network.predict(hidden)[:, 0], rtol=1e-4, err_msg=name)


def test_a_network_of_indices_encodes_the_same_for_every_grid():
    network, x = learner("mean", "learned", "gaussian_nll"), torch.randn(3, 1, P)
    torch.testing.assert_close(network.on_grid(x, WAVE + 64 * STEP), network.on_grid(x))


def test_no_spectra_give_an_empty_table():
    table = robustness.predictions(
        learner("mean", "learned"), np.empty((0, 1, P), np.float32), WAVE.numpy(), np.empty(0, int), CPU
    )
    assert len(table) == 0
    assert "crop_10" in table
