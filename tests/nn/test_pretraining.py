"""Masked modelling: what is hidden cannot leak, the loss is the one on paper, and what can be known is learnt."""

import numpy as np
import pytest
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Architecture
from logg1m.nn.masks import Masks
from logg1m.nn.pretraining import MaskedModel, pack, unpack

N, PATCH = 64, 16
WAVE = torch.linspace(7100, 7200, N)


def model(pooling="mean", n_channels=1, n_pixels=N, wave=WAVE, mean=0.0, scale=1.0, **recipe) -> MaskedModel:
    torch.manual_seed(0)
    architecture = Architecture(patch=PATCH, width=16, depth=2, heads=2, mlp_ratio=2.0, pooling=pooling)
    mean, scale = (torch.as_tensor(v, dtype=torch.float32).expand(n_channels, n_pixels).clone() for v in (mean, scale))
    made = MaskedModel(Recipe(**({"pretraining": "masked_token"} | recipe)), architecture, mean, scale, wave)
    for head in made.heads:  # a head of zeros would hide a leak
        torch.nn.init.normal_(head.weight)
    return made.eval()


def batch(n=5, n_channels=1, n_pixels=N) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    seen = torch.randn(n, n_channels, n_pixels, generator=generator)
    error = torch.rand(n, n_pixels, generator=generator) + 0.5
    return seen, error, torch.rand(n, n_pixels, generator=generator) < 0.3


def test_what_is_packed_is_unpacked():
    seen, error, hidden = batch(n_channels=2)
    again = unpack(pack(seen, error, hidden))
    assert all(torch.equal(a, b) for a, b in zip(again, (seen, error, hidden)))


@pytest.mark.parametrize("pooling", ["mean", "cls", "flatten"])
@pytest.mark.parametrize("position", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("tokeniser", ["single", "dual_32_256"])
def test_hidden_pixels_never_reach_a_reconstruction_and_visible_ones_do(tokeniser, position, pooling):
    n_pixels = 600  # no multiple of any patch
    made = model(pooling, 2, n_pixels, torch.linspace(7100, 8850, n_pixels), tokeniser=tokeniser, position=position)
    seen, _, hidden = batch(2, 2, n_pixels)
    with torch.no_grad():
        before = made.reconstruct(seen, hidden)
        other_hidden = made.reconstruct(torch.where(hidden[:, None], 100.0, seen), hidden)
        other_visible = made.reconstruct(torch.where(hidden[:, None], seen, seen + 1), hidden)
    assert len(before) == (1 if tokeniser == "single" else 2)
    for a, b, c in zip(before, other_hidden, other_visible):
        assert a.shape == seen.shape
        assert torch.equal(a, b)
        assert not torch.allclose(a, c)


def test_a_network_is_told_what_is_hidden():
    """A hidden pixel and a visible one with the mean flux must not look the same."""
    seen, nothing = torch.zeros(1, 1, N), torch.zeros(1, N, dtype=torch.bool)
    some = nothing.clone()
    some[:, :PATCH] = True
    made = model()
    assert not torch.allclose(made.reconstruct(seen, nothing)[0], made.reconstruct(seen, some)[0])


@pytest.mark.parametrize(("reconstruction", "power"), [("l1", 1), ("l2", 2)])
def test_loss_is_the_error_weighted_mean_over_hidden_pixels(reconstruction, power):
    made = model(reconstruction=reconstruction, mean=0.5, scale=2.0)
    seen, error, hidden = batch()
    target = (seen - 0.5) / 2
    with torch.no_grad():
        difference = (made.reconstruct(target, hidden)[0] - target)[:, 0].abs() ** power
        expected = [
            np.average(d[h].numpy(), weights=(1 / e[h] ** power).numpy()) for d, h, e in zip(difference, hidden, error)
        ]
        loss, of_the_mean = made.losses(pack(seen, error, hidden))
        mean = made.loss(pack(seen, error, hidden), torch.zeros(5, 1), 0.0)
    assert loss.numpy() == pytest.approx(np.array(expected), rel=1e-5)
    assert float(mean) == pytest.approx(np.mean(expected), rel=1e-5)
    by_hand = [
        np.average((t[0][h].abs() ** power).numpy(), weights=(1 / e[h] ** power).numpy())
        for t, h, e in zip(target, hidden, error)
    ]
    assert of_the_mean.numpy() == pytest.approx(np.array(by_hand), rel=1e-5)


def test_sky_lines_do_not_dominate_and_neither_do_bright_stars():
    made = model()
    seen, error, hidden = batch()
    sky = torch.arange(N) % 7 == 0
    loud = torch.where(sky & hidden[:, None], seen + 50, seen)
    known = torch.where(sky, error * 1000, error)
    with torch.no_grad():
        ignored, flat = (
            made.losses(pack(loud, e, hidden))[0] / made.losses(pack(seen, e, hidden))[0] for e in (known, error)
        )
        brighter = made.losses(pack(seen, error / 100, hidden))[0] / made.losses(pack(seen, error, hidden))[0]
    assert ignored.numpy() == pytest.approx(np.ones(5), abs=0.01)
    assert flat.median() > 5
    assert brighter.numpy() == pytest.approx(np.ones(5), rel=1e-4)


def test_pixels_that_are_never_shown_do_not_count():
    scale = torch.ones(N)
    scale[32:] = 0  # outside of the windows of a recipe
    made = model(scale=scale)
    seen, error, hidden = batch()
    assert torch.equal(*(made.losses(pack(x, error, hidden))[0] for x in (seen, torch.where(scale > 0, seen, 9.0))))
    restored = made.restored(torch.zeros(1, 1, N))
    assert torch.isnan(restored[0, 0, 32:]).all()
    assert (restored[0, 0, :32] == 0).all()


def test_the_first_reconstruction_is_the_mean_spectrum():
    torch.manual_seed(0)
    architecture = Architecture(patch=PATCH, width=16, depth=1, heads=2)
    made = MaskedModel(Recipe(pretraining="masked_token"), architecture, torch.zeros(1, N), torch.ones(1, N), WAVE)
    loss, of_the_mean = made.losses(pack(*batch()))
    assert torch.allclose(loss, of_the_mean)


def test_a_spectrum_with_one_factor_is_reconstructed_as_well_as_noise_allows():
    """x = factor · profile + noise: the best linear estimate of what is hidden leaves a known error."""
    torch.manual_seed(0)
    n, sigma, profile = 4_000, 0.5, torch.ones(N)
    seen = torch.randn(n, 1, 1) * profile + sigma * torch.randn(n, 1, N)
    scale = (1 + sigma**2) ** 0.5
    architecture = Architecture(patch=PATCH, width=16, depth=1, heads=2, mlp_ratio=2.0)
    made = MaskedModel(
        Recipe(pretraining="masked_token", mask_share=0.25),
        architecture,
        torch.zeros(1, N),
        torch.full((1, N), scale),
        WAVE,
    )
    masks = Masks("masked_token", 0.25, N, PATCH, seed=3)
    optimiser = torch.optim.AdamW(made.parameters(), lr=5e-3)
    error = torch.full((n, N), sigma)
    for step in range(150):
        rows = torch.arange(64) + 64 * (step % 56)
        optimiser.zero_grad()
        made.loss(pack(seen[rows], error[rows], masks(rows, step)), torch.zeros(64, 1), 0.0).backward()
        optimiser.step()
    rows = torch.arange(3_600, n)
    with torch.no_grad():
        loss = float(made.loss(pack(seen[rows], error[rows], masks(rows, 0)), torch.zeros(400, 1), 0.0))
    visible = 0.75 * N
    best = (sigma**2 + 1 / (1 + visible / sigma**2)) / scale**2  # noise, and what the visible pixels leave open
    assert best == pytest.approx(0.204, abs=0.001)
    assert best - 0.01 < loss < 1.15 * best
