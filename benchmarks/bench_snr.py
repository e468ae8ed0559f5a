"""The signal-to-noise pass beside zarr reading the same chunks from a warm cache, on as many threads.

    python benchmarks/bench_snr.py [--n SPECTRA] [--threads T]

What the passes do in rising order: read and check, ‖flux‖/‖error‖ (the roadmap's definition), all noise-free definitions
and the pixel statistics, and the whole survey, which draws the noise of an observer too. Needed: ‖flux‖/‖error‖ at
≥ 80 % of zarr's rate. The medians, percentiles and pixel statistics are arithmetic that reading has none of, and the
noise is a counter-based generator in plain torch: those rows are bounded by the processor and not by the disk.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zarr

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.jobs.machine import usable_cores
from logg1m.protocol import pools
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra import passes
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store

SEED = 20251222


def best(work: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of `repeats` runs after one that warms the cache."""
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=16_384, help="spectra")
    parser.add_argument("--threads", type=int, default=usable_cores())
    args = parser.parse_args()
    compute, settings = Compute(threads=args.threads, device="cpu"), Protocol(scales=(args.n,))
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.json"
        generate(EmbeddedSource(Data(n_spectra=args.n), SEED), manifest, compute)
        store, group = Store(manifest), zarr.open_group(Path(folder) / "spectra.zarr", mode="r")
        chunks = range(store.n_chunks)

        def by_zarr(chunk: int) -> None:
            start, stop = store.rows(chunk)
            for name in ("flux", "error"):
                np.asarray(group[name][start:stop])

        def read_only(chunk: int) -> None:
            store.read(chunk, "flux")
            store.read(chunk, "error")

        def scalar(chunk: int) -> None:
            pools.scalar_snr(store.read(chunk, "flux"), store.read(chunk, "error"))

        def snr(chunk: int) -> None:
            flux, error = store.read(chunk, "flux"), store.read(chunk, "error")
            pools.snr_of_chunk(flux, error, flux)

        def run(function: Callable[[int], None]) -> float:
            return args.n / best(lambda: list(passes.over(function, chunks, compute, "pass")))

        peer = run(by_zarr)
        rows = [
            (f"zarr on {args.threads} threads", peer),
            ("zarr, one chunk after another", args.n / best(lambda: [by_zarr(chunk) for chunk in chunks])),
            ("read and checked against the manifest", run(read_only)),
            ("‖flux‖/‖error‖, checked", run(scalar)),
            ("all noise-free definitions, pixel statistics", run(snr)),
            (
                "survey (with the observer's noise)",
                args.n / best(lambda: pools.survey(store, SEED, settings, compute), 1),
            ),
        ]
    print(f"{args.n} spectra, {args.threads} threads{'':22}spectra/s   zarr = 1 (needed 0.80 for ‖flux‖/‖error‖)")
    for name, rate in rows:
        print(f"{name:46}{rate:12,.0f}{rate / peer:11.2f}")


if __name__ == "__main__":
    main()
