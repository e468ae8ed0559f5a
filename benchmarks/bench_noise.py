"""Noise per second: ours (stateless, any row in any order) beside torch.randn and numpy's Philox (both sequential).

    python benchmarks/bench_noise.py [--n ROWS] [--device cpu|cuda]

Prints spectra of 4,096 normals per second, best of five, and each peer's speed as a multiple of ours.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from logg1m.jobs.machine import usable_cores
from logg1m.noise import normal
from logg1m.observe import N_PIXELS


def best_seconds(work: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """Shortest of `repeats` runs, after one that is not counted."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000, help="spectra per call")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    n, device = args.n, torch.device(args.device)
    ids = torch.arange(n, device=device)

    def numpy_rows() -> None:
        for k in range(n):  # what gives numpy the same property: a row that depends on (seed, id) alone
            np.random.Generator(np.random.Philox(key=[1, k])).standard_normal(N_PIXELS, dtype=np.float32)

    generator = np.random.Generator(np.random.Philox(1))
    contenders: list[tuple[str, int, Callable[[], object]]] = []
    for threads in sorted({1, usable_cores()}) if device.type == "cpu" else [1]:
        contenders += [
            ("logg1m.noise.normal", threads, lambda: normal(1, ids, N_PIXELS)),
            ("torch.randn (sequential)", threads, lambda: torch.randn(n, N_PIXELS, device=device)),
        ]
    contenders += [
        ("numpy Philox (sequential)", 1, lambda: generator.standard_normal((n, N_PIXELS), dtype=np.float32)),
        ("numpy Philox, one key per row", 1, numpy_rows),
    ]
    print(f"{n} spectra of {N_PIXELS} normals, float32, {device}")
    print(f"{'':32}{'threads':>8}{'spectra/s':>12}{'ours on 1 thread = 1':>24}")
    ours = 0.0
    for name, threads, work in contenders:
        torch.set_num_threads(threads)
        rate = n / best_seconds(work, device)
        ours = ours or rate
        print(f"{name:32}{threads:8d}{rate:12,.0f}{rate / ours:24.2f}")


if __name__ == "__main__":
    main()
