"""Bounds per second given the derivatives, beside a plain loop over stars; exact derivatives beside finite differences.

    python benchmarks/bench_bounds.py [--n STARS] [--threads T]

Peer of the bounds: one star after another with the diagonal multiplied in, (J / σ²) @ J.T, and the inverse of the whole
matrix: the lean way to write the loop. Beside it the same with a dense diag(1/σ²), as simple codes have it. Needed:
3,000 5-D bounds/s on 2 cores.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from logg1m.bounds import derivatives, fisher
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.jobs.machine import usable_cores
from logg1m.observe import LABELS
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra import passes

SEED, BATCH = 20251222, 128
DENSE_STARS = 5  # each takes a matrix of 4096 × 4096


def seconds(work: Callable[[], object]) -> float:
    """Shorter of two runs."""
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def loop(d_flux: np.ndarray, error: np.ndarray, dense: bool) -> np.ndarray:
    """σ(log g) of every star by itself."""
    sigma = []
    for jacobian, sigma_pixel in zip(d_flux, error):
        ivar = 1 / sigma_pixel.astype(np.float64) ** 2
        information = jacobian @ np.diag(ivar) @ jacobian.T if dense else (jacobian * ivar) @ jacobian.T
        sigma.append(np.sqrt(np.linalg.inv(information)[1, 1]))
    return np.array(sigma)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=4096, help="stars")
    parser.add_argument("--threads", type=int, default=usable_cores())
    args = parser.parse_args()
    compute = Compute(threads=args.threads, device="cpu")
    source = EmbeddedSource(Data(), SEED)
    ranges = {name: high - low for name, (low, high) in Data().priors}
    known = source.derivatives(np.arange(min(args.n, 1024)))
    repeated = np.arange(args.n) % len(known.flux)
    d_flux, error = known.d_flux.numpy(), known.error.numpy()

    def bounds_of(start: int) -> np.ndarray:
        rows = repeated[start : start + BATCH]
        table = fisher.bounds(fisher.fisher_information(d_flux[rows], error[rows]), ranges, Bounds().max_condition)
        return table["sigma_5d"].to_numpy()

    def ours() -> np.ndarray:
        return np.concatenate(list(passes.over(bounds_of, range(0, args.n, BATCH), compute, "bounds")))

    rate = args.n / seconds(ours)
    dense = DENSE_STARS / seconds(lambda: loop(d_flux[:DENSE_STARS], error[:DENSE_STARS], dense=True))
    lean = len(error) / seconds(lambda: loop(d_flux, error, dense=False))
    agreement = np.nanmax(np.abs(ours()[: len(error)] / loop(d_flux, error, dense=False) - 1))
    print(f"1-D, 3-D and 5-D bounds, {args.threads} threads: {rate:,.0f} spectra/s (needed 3,000)")
    print(f"  lean loop, 5-D alone:              {lean:,.0f} spectra/s: ratio {rate / lean:.2f}")
    print(f"  loop, dense diag(1/σ²), 5-D alone: {dense:,.1f} spectra/s: ratio {rate / dense:,.0f}")
    print(f"  largest relative difference in σ:  {agreement:.1e}")

    def exact(start: int) -> None:
        source.derivatives(np.arange(start, start + BATCH))

    def finite_differences(start: int) -> None:
        labels, conditions = source.draw(np.arange(start, start + BATCH))
        for k in range(len(LABELS)):
            for sign in (1, -1):
                moved = labels.copy()
                moved[:, k] += sign * 1e-3 * ranges[LABELS[k]]
                source.observer.flux(np.clip(moved, *lowest_highest), conditions.redshift)

    lowest_highest = np.array([limits for _, limits in Data().priors]).T
    starts = range(0, min(args.n, 2048), BATCH)
    n = len(starts) * BATCH
    one, other = (
        n / seconds(lambda f=f: list(passes.over(f, starts, compute, "derivatives")))
        for f in (exact, finite_differences)
    )
    print(f"exact derivatives on all five labels: {one:,.0f} spectra/s; by finite differences of the flux alone "
          f"{other:,.0f}/s: ratio {one / other:.2f}")  # fmt: skip

    library = 4_096
    labels, _ = source.draw(np.arange(library))
    scaled = labels / np.array([ranges[name] for name in LABELS])
    stars, config = np.arange(min(args.n, library)), Bounds()
    spent = seconds(
        lambda: derivatives.regression_weights(scaled, stars, config.linear_neighbours, config.linear_degree)
    )
    print(f"weights of the local regression on {library:,} spectra: {len(stars) / spent:,.0f} spectra/s")


if __name__ == "__main__":
    main()
