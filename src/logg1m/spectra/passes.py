"""One function mapped over the chunks of a store, in order, with progress: dask threads here, or a dask cluster.

Results come back in the order of the items whatever the scheduler, and every item is computed by the same function
on the same rows, so a pass gives the same numbers on one thread, on many, and on a cluster.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import dask
import torch
from threadpoolctl import threadpool_limits

from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def over(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    compute: Compute,
    title: str,
    size: Callable[[Item], int] = lambda _: 1,
    unit: str = "spectra",
    consumer_threads: bool = False,
) -> Iterator[Result]:
    """Yield function(item) for every item, in order.

    A window of items is one dask graph; the next window is computed while the caller consumes this one, so memory
    stays bounded by two windows whatever the number of items.

    Parameters
    ----------
    function : called once per item, on one compute thread; must not depend on order
    items : usually chunk numbers
    compute : threads and scheduler
    title, size, unit : what the progress line says, and how much work an item counts for
    consumer_threads : whether the caller's linear algebra between items keeps all its threads (NumPy's BLAS has one
        limit per process); `function` should then do none of its own
    """
    progress = Progress(title, sum(size(item) for item in items), unit)
    limit = nullcontext() if consumer_threads else threadpool_limits(1, user_api="blas")
    with limit, _scheduler(compute) as (run, workers), ThreadPoolExecutor(1) as ahead:
        windows = [items[k : k + 2 * workers] for k in range(0, len(items), 2 * workers)]
        pending = ahead.submit(run, function, windows[0]) if windows else None
        for k, window in enumerate(windows):
            assert pending is not None
            results = pending.result()
            pending = ahead.submit(run, function, windows[k + 1]) if k + 1 < len(windows) else None
            for item, result in zip(window, results):
                progress.add(size(item))
                yield result
            del results
    progress.finish()


def _single_threaded(function: Callable[[Item], Result], item: Item) -> Result:
    """One compute thread per item: parallelism is over items, and results do not depend on the thread count."""
    torch.set_num_threads(1)
    return function(item)


def _on_worker(function: Callable[[Item], Result], item: Item) -> Result:
    """The same in a process of a cluster, which the caller's limit on BLAS threads does not reach."""
    with threadpool_limits(1, user_api="blas"):
        return _single_threaded(function, item)


def _itself(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    return function


@contextmanager
def _scheduler(compute: Compute) -> Iterator[tuple[Callable[..., list[Any]], int]]:
    """A function that computes a window of items, and how many run at once."""
    if compute.dask_scheduler == "threads":
        workers = min(compute.threads, usable_cores())

        def run_threads(function: Callable[..., Any], window: Sequence[Any]) -> list[Any]:
            # dask takes independent tasks from the last name to the first: so the first item is the first to be done.
            names = [f"item-{k:08d}" for k in reversed(range(len(window)))]
            task = dask.delayed(_single_threaded)
            tasks = [task(function, item, dask_key_name=name) for item, name in zip(window, names)]
            return list(dask.compute(*tasks, scheduler="threads", num_workers=workers))

        yield run_threads, workers
        return
    from distributed import Client, KilledWorker
    from distributed.comm import CommClosedError

    local = compute.dask_scheduler == "local"
    options: dict[str, Any] = (
        {
            "n_workers": min(compute.threads, usable_cores()),
            "threads_per_worker": 1,
            "dashboard_address": ":0",  # any free port: another job of this run may have one too
        }
        if local
        else {"address": compute.dask_scheduler, "timeout": "30s"}
    )
    try:
        started = Client(set_as_default=False, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"compute.dask_scheduler = '{compute.dask_scheduler}': no dask scheduler can be reached there ({error})"
        ) from error
    with started as client:
        workers = max(1, sum(client.nthreads().values()))
        sent: dict[int, Any] = {}  # the function goes to the cluster once per pass, whatever the number of windows

        def run_cluster(function: Callable[..., Any], window: Sequence[Any]) -> list[Any]:
            # A task that gives the function, and not scattered data: a worker that dies may take the only copy along.
            if id(function) not in sent:
                sent[id(function)] = client.submit(_itself, function, pure=False)
            shared = sent[id(function)]
            tasks = client.map(_on_worker, [shared] * len(window), list(window), pure=False)
            try:
                return list(client.gather(tasks))
            except KilledWorker as error:
                raise InputError(f"worker after worker of dask died over one item; more memory? ({error})") from error
            except (CancelledError, CommClosedError) as error:
                raise InputError(
                    f"the dask scheduler at {compute.dask_scheduler} was lost in the middle of a pass; start one and "
                    f"run again ({str(error).strip()})"
                ) from error

        yield run_cluster, workers


@contextmanager
def all_threads(compute: Compute) -> Iterator[int]:
    """Let linear algebra in the calling thread use every configured core."""
    threads = min(compute.threads, usable_cores())
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield threads
    finally:
        torch.set_num_threads(before)
