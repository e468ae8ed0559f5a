"""Masks: the wanted share, the wanted shape, and nothing but the seed, the spectrum and the draw behind them."""

import numpy as np
import pytest
import torch

from logg1m.nn.masks import Masks

KINDS = ("masked_token", "masked_span", "masked_pixel")
IDS = torch.arange(200)
N_PIXELS, PATCH = 1024, 16


def hidden(kind: str, share: float, ids: torch.Tensor = IDS, draw: int = 1, seed: int = 7) -> np.ndarray:
    return Masks(kind, share, N_PIXELS, PATCH, seed)(ids, draw).numpy()


def lengths(row: np.ndarray) -> np.ndarray:
    """Lengths of the runs of hidden pixels."""
    edges = np.diff(np.concatenate([[0], row.astype(int), [0]]))
    return np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)


@pytest.mark.parametrize("share", [0.15, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_wanted_share_is_hidden(kind, share):
    shares = hidden(kind, share).mean(axis=1)
    if kind == "masked_pixel":
        assert shares.mean() == pytest.approx(share, abs=0.005)  # binomial: 0.0011 for 200 spectra of 1,024 pixels
    else:
        assert shares == pytest.approx(np.full(len(IDS), share), abs=0.5 / (N_PIXELS / PATCH))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_is_a_function_of_seed_spectrum_and_draw_alone(kind):
    whole = hidden(kind, 0.3)
    assert np.array_equal(whole[[5, 3, 150]], hidden(kind, 0.3, torch.tensor([5, 3, 150])))
    for changed in ({"draw": 2}, {"seed": 8}, {"ids": IDS + 1000}):
        assert (whole != hidden(kind, 0.3, **changed)).any(axis=1).mean() > 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_is_hidden_as_often_as_any_other_away_from_the_edges(kind):
    often = hidden(kind, 0.3, torch.arange(4000)).mean(axis=0)
    assert often[128:-128] == pytest.approx(np.full(N_PIXELS - 256, 0.3), abs=0.06)


def test_tokens_are_hidden_as_a_whole():
    patches = hidden("masked_token", 0.3).reshape(len(IDS), -1, PATCH)
    assert np.isin(patches.mean(axis=2), [0, 1]).all()


def test_spans_are_contiguous_longer_than_tokens_and_start_anywhere():
    rows = hidden("masked_span", 0.3)
    runs = [lengths(row) for row in rows]
    assert min(run.min() for run in runs) > 3 * PATCH
    assert max(len(run) for run in runs) == round(0.3 * N_PIXELS / (4 * PATCH))
    starts = np.concatenate([np.flatnonzero(np.diff(row.astype(int)) > 0) + 1 for row in rows])
    assert len(np.unique(starts % PATCH)) == PATCH


def test_single_pixels_are_hidden_independently():
    rows = hidden("masked_pixel", 0.3)
    assert np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1] == pytest.approx(0, abs=0.01)


def test_at_least_one_token_is_hidden_and_one_is_not():
    for share in (0.01, 0.99):
        patches = Masks("masked_token", share, 64, 16, 0)(IDS, 1).reshape(len(IDS), 4, 16)[..., 0]
        assert set(patches.sum(dim=1).tolist()) == {1 if share < 0.5 else 3}
