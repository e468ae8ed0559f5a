"""Batches: every row once an epoch, the same order resident and streamed, fresh noise, and going on in the middle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logg1m.nn import feed
from logg1m.nn.feed import BLOCK, WINDOW, Feed, windows_of

CPU = torch.device("cpu")


def make(n: int, resident: bool, seed_number: int = 0) -> Feed:
    flux = np.arange(n, dtype=np.float32)[:, None] * np.ones(4, dtype=np.float32)
    prepare = lambda flux, error, ids, draw: (flux + error * draw)[:, None]  # noqa: E731
    labels = np.arange(n, dtype=np.float32)[:, None]
    return Feed(flux, np.ones_like(flux), labels, np.arange(n) + 7, prepare, CPU, 1, seed_number, resident)


@given(st.integers(1, 40_000), st.integers(0, 5))
def test_an_epoch_visits_every_row_once_and_windows_hold_whole_blocks(n, epoch):
    seen = []
    for blocks, rows in windows_of(3, epoch, n):
        assert len(blocks) <= WINDOW
        assert set(np.unique(rows // BLOCK)) == set(blocks.tolist())
        seen.append(rows)
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(n))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [np.concatenate([rows for _, rows in windows_of(s, e, 5_000)]) for s, e in ((1, 0), (1, 1), (2, 0))]
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])
    again = np.concatenate([rows for _, rows in windows_of(1, 0, 5_000)])
    assert np.array_equal(orders[0], again)
    assert abs(np.corrcoef(orders[0], np.arange(5_000))[0, 1]) < 0.05


@pytest.mark.parametrize("batch_size", [64, 1_000])
@pytest.mark.parametrize("first", [0, 1, 5])
def test_streaming_gives_the_batches_of_resident_rows_from_any_batch_on(batch_size, first, monkeypatch):
    monkeypatch.setattr(feed, "BLOCK", 100)
    monkeypatch.setattr(feed, "WINDOW", 3)
    batches = [list(make(2_050, resident).epoch(2, batch_size, first)) for resident in (True, False)]
    assert len(batches[0]) == len(batches[1]) == max(0, 2_050 // batch_size - first)
    for a, b in zip(*batches):
        assert np.array_equal(a.ids, b.ids)
        assert torch.equal(a.spectra(), b.spectra())
        assert torch.equal(a.labels, b.labels)
    whole = list(make(2_050, True).epoch(2, batch_size))
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(batches[0], whole[first:]))


def test_labels_and_ids_go_with_their_rows_and_noise_is_fresh_every_epoch_and_seed():
    draws = {}
    for seed_number in (0, 1):
        for epoch in (0, 1):
            for batch in make(300, True, seed_number).epoch(epoch, 100):
                assert np.array_equal(batch.labels[:, 0].numpy(), batch.ids - 7)
                draw = batch.spectra()[:, 0, 0] - batch.labels[:, 0]
                assert len(set(draw.tolist())) == 1
                draws[seed_number, epoch] = float(draw[0])
    assert len(set(draws.values())) == 4
    assert 0 not in draws.values(), "draw 0 belongs to validation and test"


class Failing(np.ndarray):
    """An array whose rows cannot be read, as on a disk that went away."""

    def __getitem__(self, key):
        raise OSError("input/output error")


def test_a_failing_read_ends_the_epoch_with_its_error():
    broken = make(300, False)
    broken.flux = broken.flux.view(Failing)
    with pytest.raises(OSError, match="input/output error"):
        list(broken.epoch(0, 100))
