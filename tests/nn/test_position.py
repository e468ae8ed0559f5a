"""Positions: wavelengths keep their code on another grid, indices do not; rotations act on distances alone."""

import pytest
import torch

from logg1m.nn.position import Position, rotate

WAVE = torch.linspace(7100, 8850, 64).log()


def test_sinusoidal_codes_belong_to_wavelengths_and_learned_ones_to_indices():
    tokens, shifted = torch.zeros(1, 60, 16), WAVE[4:]
    sinusoidal = Position("sinusoidal", WAVE, width=16, heads=2)
    whole = sinusoidal.add(torch.zeros(1, 64, 16), WAVE)
    torch.testing.assert_close(sinusoidal.add(tokens, shifted), whole[:, 4:])
    learned = Position("learned", WAVE, 16, 2)
    torch.testing.assert_close(learned.add(tokens, shifted), learned.add(torch.zeros(1, 64, 16), WAVE)[:, :60])


def test_a_finer_grid_than_the_learned_one_repeats_the_last_index():
    learned = Position("learned", WAVE, 16, 2)
    added = learned.add(torch.zeros(1, 70, 16), torch.linspace(float(WAVE[0]), float(WAVE[-1]), 70))
    assert torch.equal(added[0, 63], added[0, 69])


def test_rotary_scores_depend_on_the_difference_of_log_wavelengths_only():
    rotary = Position("rotary", WAVE, width=16, heads=2)
    query, key = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def score(at: float, to: float) -> float:
        turn = [rotary.rotation(torch.tensor([value]), extra=0) for value in (at, to)]
        return float((rotate(query, turn[0]) * rotate(key, turn[1])).sum())

    step = float(WAVE[1] - WAVE[0])
    start = float(WAVE[0])
    assert score(start, start + 5 * step) == pytest.approx(score(start + 20 * step, start + 25 * step), abs=1e-3)
    assert score(start, start + 5 * step) != pytest.approx(score(start, start + 9 * step), abs=1e-3)


def test_a_class_token_in_front_is_not_rotated():
    cos, sin = Position("rotary", WAVE, 16, 2).rotation(WAVE, extra=1)
    assert cos.shape == (65, 4)
    assert torch.equal(cos[0], torch.ones(4))
    assert torch.equal(sin[0], torch.zeros(4))


@pytest.mark.parametrize("kind", ["learned", "sinusoidal"])
def test_added_positions_need_no_rotation(kind):
    assert Position(kind, WAVE, 16, 2).rotation(WAVE, 0) is None
