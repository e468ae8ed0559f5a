"""Spectra generated per second, with and without the write, beside numpy, the disk, and the memory it takes.

    python benchmarks/bench_generation.py [--n SPECTRA] [--folder FOLDER] [--memory N N]

The numpy peer does the same arithmetic straightforwardly on as many threads; its spectra are checked against ours.
The disk's figure is a plain sequential write of the same bytes through the page cache, as the store is written.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.jobs.machine import usable_cores
from logg1m.observe import N_PIXELS, WAVE, Conditions, StellarGrid
from logg1m.observe.pfs import SPEED_OF_LIGHT, PfsRedArm, hsc_i_band, line_spread_operator
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra import passes
from logg1m.spectra.generation import generate
from logg1m.spectra.store import CHUNK_ROWS

BLOCK = 128


class NumpyObserver:
    """The arithmetic of a spectrum as one would first write it: float32, no redshift, no extinction."""

    def __init__(self, grid: StellarGrid) -> None:
        self.splines = [(nodes, CubicSpline(nodes, np.eye(len(nodes)))) for nodes in grid.axes.values()]
        self.table = grid.coefficients.reshape(-1, grid.coefficients.shape[-1]).astype(np.float32)
        self.components, self.mean = grid.components.astype(np.float32), grid.mean.astype(np.float32)
        rows, columns, weights = line_spread_operator(grid.wave)
        self.line_spread = csr_matrix((weights.astype(np.float32), (rows, columns)), (N_PIXELS, len(grid.wave)))
        band = hsc_i_band(WAVE)
        self.band = (WAVE * band / (SPEED_OF_LIGHT * (band / WAVE).sum())).astype(np.float32)
        self.f_nu = (WAVE**2 / SPEED_OF_LIGHT).astype(np.float32)
        self.arm = PfsRedArm(torch.device("cpu"), torch.float32)

    def observe(self, labels: np.ndarray, conditions: Conditions) -> tuple[np.ndarray, np.ndarray]:
        """Normalised flux and error, each (N, P)."""
        weights = np.ones((len(labels), 1))
        for column, (_, spline) in enumerate(self.splines):
            weights = (weights[:, :, None] * spline(labels[:, column])[:, None, :]).reshape(len(labels), -1)
        model = np.exp(self.mean + (weights.astype(np.float32) @ self.table) @ self.components)
        shape = (self.line_spread @ model.T).T
        magnitude = (10 ** (-0.4 * (conditions.mag + 48.6))).astype(np.float32)
        physical = shape * (magnitude / (shape @ self.band))[:, None]
        scale = 0.5 / np.median(physical, axis=1)[:, None]
        electrons, sky = (array.numpy() for array in self.arm.response(conditions, 900.0))
        padded = np.pad(sky, ((0, 0), (1, 1)), mode="edge")
        brightest = np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), sky)
        constant = 0.015 * sky.mean(axis=1, keepdims=True) + 5 * (1e-4 * 900 + 16)
        noise = 1.015 * (sky + 1e-4 * 12 * brightest**2 + constant)
        per_flux = electrons * self.f_nu
        error = np.sqrt(physical * per_flux + noise) / (per_flux * np.sqrt(np.float32(12)))
        return physical * scale, error * scale


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def numpy_seconds(source: EmbeddedSource, n: int, threads: int) -> float:
    """Time of the numpy peer for n spectra; raises if its spectra are not ours."""
    peer = NumpyObserver(source.grid)

    def block(start: int) -> None:
        peer.observe(*source.draw(np.arange(start, min(start + BLOCK, n))))

    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        seconds = seconds_of(lambda: list(pool.map(block, range(0, n, BLOCK))))
        flux, error = peer.observe(*source.draw(np.arange(BLOCK)))
    ours = source.read(0, BLOCK).arrays
    np.testing.assert_allclose(flux, ours["flux"], rtol=1e-3)
    np.testing.assert_allclose(error, ours["error"], rtol=1e-3)
    return seconds


def disk_seconds(folder: Path, n: int) -> float:
    """Time to write the bytes of n spectra one after another."""
    chunk = np.random.default_rng(0).normal(size=(CHUNK_ROWS, N_PIXELS)).astype(np.float32).tobytes()
    left = 2 * n * N_PIXELS * 4

    def write() -> None:
        with open(folder / "sequential", "wb") as stream:
            for start in range(0, left, len(chunk)):
                stream.write(chunk[: left - start])

    return seconds_of(write)


def run_once(n: int, folder: str, compute: Compute) -> float:
    """Seconds of a whole generation into a folder of its own that is removed again."""
    source = EmbeddedSource(Data(n_spectra=n), seed=1)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        return seconds_of(lambda: generate(source, Path(temporary) / "manifest.json", compute))


def peak_memory(n: int, folder: str) -> float:
    """Peak resident memory (GB) of a fresh process that generates n spectra."""
    code = (
        "import resource, bench_generation as b; "
        f"b.run_once({n}, {folder!r}, b.Compute(threads=b.usable_cores())); "
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    found = re.search(r"peak (\d+)", done.stdout)
    assert found, done.stdout
    return int(found[1]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=8192, help="spectra to generate")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where to write: the disk to be measured")
    parser.add_argument("--memory", type=int, nargs=2, default=(4096, 16384), help="two N whose peak memory to compare")
    args = parser.parse_args()
    n, threads = args.n, usable_cores()
    compute = Compute(threads=threads)
    source = EmbeddedSource(Data(n_spectra=n), seed=1)
    source.read(0, BLOCK)

    def read(chunk: int) -> None:
        source.read(chunk * CHUNK_ROWS, min((chunk + 1) * CHUNK_ROWS, n))

    chunks = range(-(-n // CHUNK_ROWS))
    made = seconds_of(lambda: list(passes.over(read, chunks, compute, "generation")))
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        disk = disk_seconds(Path(temporary), n)
    written = run_once(n, args.folder, compute)
    peer = numpy_seconds(source, n, threads)
    gigabytes = 2 * n * N_PIXELS * 4 / 1e9

    print(f"{n} spectra, {threads} threads, {gigabytes:.2f} GB")
    print(f"{'':36}{'seconds':>9}{'spectra/s':>11}{'GB/s':>7}{'ours with write = 1':>22}")
    for name, seconds in (
        ("generation with the write", written),
        ("generation without the write", made),
        ("numpy peer, arithmetic alone", peer),
        ("disk, sequential write alone", disk),
    ):
        print(f"{name:36}{seconds:9.2f}{n / seconds:11,.0f}{gigabytes / seconds:7.2f}{written / seconds:22.2f}")
    small, large = args.memory
    peaks = [peak_memory(size, args.folder) for size in (small, large)]
    print(f"peak memory: {peaks[0]:.2f} GB at N = {small:,}, {peaks[1]:.2f} GB at N = {large:,}", end="")
    print(f" (ratio {peaks[1] / peaks[0]:.2f} for {large / small:.0f} times the spectra)")


if __name__ == "__main__":
    main()
