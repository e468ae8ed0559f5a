"""Stars without end: the same batches whoever simulates them, every draw of every star once, and going on anywhere."""

import os
import signal
from itertools import islice

import numpy as np
import pytest
import torch

from logg1m.files import InputError
from logg1m.nn.streaming import WINDOW, StreamedFeed

CPU = torch.device("cpu")
BLOCK, PIXELS, DRAWS, BATCH = 16, 4, 3, 20
FIRST = 1000


class Counted:
    """Blocks whose flux is the id; it remembers what was asked of it in this process."""

    block = BLOCK

    def __init__(self) -> None:
        self.asked: list[int] = []

    def ids(self, number: int) -> np.ndarray:
        return FIRST + np.arange(number * BLOCK, (number + 1) * BLOCK)

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self.asked.append(number)
        flux = self.ids(number)[:, None] * np.ones((1, PIXELS), dtype=np.float32)
        return flux.astype(np.float32), np.ones_like(flux, dtype=np.float32), flux[:, :1].astype(np.float32)


def made(epoch_size: int = 200, seed_number: int = 0, ahead: bool = False) -> StreamedFeed:
    prepare = lambda flux, error, ids, draw: (flux + error * draw)[:, None]  # noqa: E731
    return StreamedFeed(Counted(), DRAWS, epoch_size, prepare, CPU, 1, seed_number, ahead)


def batches(feed: StreamedFeed, epochs: range, first: int = 0) -> list[tuple[list[int], int]]:
    found = [(b.ids.tolist(), b.draw) for e in epochs for b in feed.epoch(e, BATCH, first if e == epochs.start else 0)]
    feed.close()
    return found


def test_flux_labels_ids_and_keys_belong_together_and_noise_is_that_of_the_draw():
    for batch in made().epoch(0, BATCH):
        assert torch.equal(batch.flux[:, 0], batch.labels[:, 0])
        assert torch.equal(batch.keys, torch.as_tensor(batch.ids))
        assert np.array_equal(batch.flux[:, 0].numpy(), batch.ids)
        assert torch.equal(batch.spectra()[:, 0], batch.flux + batch.draw)


def test_no_star_comes_twice_with_one_draw_and_every_window_comes_with_all_draws():
    feed = made()
    each = feed.batches_per_draw(BATCH)
    assert each == WINDOW * BLOCK // BATCH
    seen = batches(feed, range(4))  # 40 steps: two windows of 18 steps, and a part of a third
    pairs = [(star, draw) for ids, draw in seen for star in ids]
    assert len(pairs) == len(set(pairs))
    window = [(set(ids), draw) for ids, draw in seen[: each * DRAWS]]
    assert {draw for _, draw in window} == {1, 2, 3}
    assert set().union(*(ids for ids, _ in window)) <= set(range(FIRST, FIRST + WINDOW * BLOCK))
    assert min(seen[each * DRAWS][0]) >= FIRST + WINDOW * BLOCK


def test_orders_differ_between_draws_and_seeds_and_are_the_same_again():
    seen = batches(made(), range(2))
    first, second = seen[0][0], seen[made().batches_per_draw(BATCH)][0]
    assert first != second
    assert batches(made(seed_number=1), range(1))[0][0] != first
    assert batches(made(seed_number=1), range(1))[0][1] == 2**16 + 1
    assert batches(made(), range(2)) == batches(made(), range(2))


@pytest.mark.parametrize("first", [0, 3, 9])
def test_going_on_in_the_middle_of_an_epoch_is_going_on(first):
    whole = batches(made(), range(5))
    assert batches(made(), range(2, 5), first) == whole[2 * 10 + first :]


def test_a_window_is_simulated_once_and_only_when_it_is_needed():
    feed = made()
    batches(feed, range(3))
    assert feed.simulate.asked == list(range(2 * WINDOW))
    assert feed.stars(30, BATCH) == 2 * WINDOW * BLOCK
    assert feed.stars(18, BATCH) == WINDOW * BLOCK
    assert feed.stars(0, BATCH) == 0


@pytest.mark.slow
def test_another_process_simulates_the_same():
    feed = made(ahead=True)
    found = [(b.ids.tolist(), b.draw) for b in islice(feed.epoch(0, BATCH), 10)]
    assert feed.simulate.asked == []
    (process,) = feed._pool._processes.values()
    os.kill(process.pid, signal.SIGTERM)  # meant for the training, which saves its state first
    assert len(list(feed.epoch(1, BATCH))) == 10
    feed.close()
    assert found == batches(made(), range(1))


@pytest.mark.slow
def test_a_simulating_process_that_is_killed_is_an_error_and_no_hang():
    feed = made(ahead=True)
    next(feed.epoch(0, BATCH))
    (process,) = feed._pool._processes.values()
    process.kill()
    with pytest.raises(InputError, match="was killed"):
        list(feed.epoch(20, BATCH))
    feed.close()


def test_a_batch_larger_than_a_window_is_a_window():
    feed = made(epoch_size=1_000)
    (batch,) = islice(feed.epoch(0, 500), 1)
    assert len(batch) == WINDOW * BLOCK
