"""Passes over chunks: order, equality over schedulers, errors as themselves, bounded memory."""

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from distributed import LocalCluster

from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.spectra import passes


class OddError(Exception):
    """An error of a caller's own."""


def tile_sum(item: int) -> np.ndarray:
    values = np.random.default_rng(item).normal(size=(64, 300)).astype(np.float32)
    product = torch.as_tensor(values) @ torch.as_tensor(values).T
    return product.sum(dim=0).numpy()


def fail_at_five(item: int) -> int:
    if item == 5:
        raise OddError(f"item {item}")
    return item


def process_id(_: int) -> int:
    return os.getpid()


@pytest.fixture(scope="module")
def cluster_address() -> Iterator[str]:
    """A running dask scheduler with two worker processes."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["1 thread", "2 threads", "cluster"])
def compute(request: pytest.FixtureRequest) -> Compute:
    if request.param == "cluster":
        return Compute(dask_scheduler=request.getfixturevalue("cluster_address"))
    return Compute(threads=int(request.param[0]))


def run(function, items, compute, **options) -> list:
    return list(passes.over(function, items, compute, "test", **options))


@pytest.mark.slow
def test_results_come_in_the_order_of_the_items(compute):
    items = [7, 3, 3, 12, 0, 5, 1, 9, 2, 8, 4]
    assert run(abs, items, compute) == items


def test_one_thread_takes_the_items_in_their_order():
    """A pass that is stopped has done its first items."""
    begun: list[int] = []
    assert len(list(passes.over(begun.append, range(7), Compute(threads=1), "items"))) == 7
    assert begun == list(range(7))


@pytest.mark.slow
def test_results_are_the_same_bits_on_every_scheduler(compute):
    expected = [tile_sum(item) for item in range(9)]
    for found, value in zip(run(tile_sum, range(9), compute), expected):
        np.testing.assert_array_equal(found, value)


@pytest.mark.slow
def test_an_error_in_one_item_arrives_as_itself_and_the_next_pass_works(compute):
    with pytest.raises(OddError, match="item 5"):
        run(fail_at_five, range(20), compute)
    assert run(abs, [1, 2], compute) == [1, 2]


def test_no_items_are_no_results(compute):
    assert run(abs, [], compute) == []


@pytest.mark.slow
def test_a_local_cluster_computes_in_processes_of_its_own():
    found = run(process_id, range(4), Compute(threads=1, dask_scheduler="local"))
    assert len(found) == 4
    assert os.getpid() not in found


def test_a_scheduler_that_does_not_answer_is_one_clear_error(monkeypatch):
    import distributed

    def silent(**options):
        raise OSError(f"Timed out trying to connect to {options['address']}")

    monkeypatch.setattr(distributed, "Client", silent)
    with pytest.raises(InputError, match=r"compute\.dask_scheduler = 'tcp://nowhere:1': no dask scheduler"):
        run(abs, [1], Compute(dask_scheduler="tcp://nowhere:1"))


def test_at_most_two_windows_are_started_before_the_caller_takes_them():
    workers = min(2, len(os.sched_getaffinity(0)))
    started, lock, seen = [0], threading.Lock(), 0

    def count(item: int) -> int:
        with lock:
            started[0] += 1
        return item

    for seen, item in enumerate(passes.over(count, range(100), Compute(threads=2), "test")):
        assert item == seen
        window = 2 * workers
        assert started[0] <= (seen // window + 2) * window
    assert seen == 99
    assert started[0] == 100


def test_a_caller_that_stops_early_leaves_nothing_running():
    before = threading.active_count()
    iterator = passes.over(abs, range(1000), Compute(threads=1), "test")
    next(iterator)
    iterator.close()
    assert threading.active_count() <= before + 1  # dask keeps its pool


def test_progress_counts_the_size_of_the_items(caplog):
    with caplog.at_level("INFO", logger="logg1m"):
        run(abs, [1, 2, 3], Compute(threads=1), size=lambda item: 100 * item, unit="stars")
    assert "test: 600 stars in" in caplog.text


def test_all_threads_gives_the_caller_its_threads_back():
    before = torch.get_num_threads()
    with passes.all_threads(Compute(threads=1)) as threads:
        assert (threads, torch.get_num_threads()) == (1, 1)
    assert torch.get_num_threads() == before
