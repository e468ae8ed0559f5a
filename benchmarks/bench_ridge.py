"""The whole ridge table beside scikit-learn making the same table, and the Gram kernel beside numpy.

    python benchmarks/bench_ridge.py [--n SPECTRA] [--threads T] [--pca-solver SOLVER]

Ours: one pass over the store (noise included), one eigendecomposition per scale, one pass over the test rows.
Peer: the same noisy rows, StandardScaler, PCA(500) once per scale sliced to 100 / 200 / 500, Ridge per penalty.
Needed: at least 4 × faster at 10k + 32k; the Gram kernel at ≥ 90 % of the rate of X.T @ X on the same tile.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from logg1m.baselines import ridge
from logg1m.baselines.gram import TILE_ROWS, Moments
from logg1m.config.baselines import RidgeConfig
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.jobs.machine import usable_cores
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store

SEED = 20251222
Table = dict[tuple[int, str], float]  # (scale, features) → R² on the common test at the best validation penalty


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Shortest of `repeats` runs."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def ours(
    store: Store, pools: Pools, truth: np.ndarray, frame: ridge.Frame, config: RidgeConfig, compute: Compute
) -> Table:
    moments = ridge.accumulate(store, pools, truth, frame, SEED, compute)
    fits = ridge.fit_all(moments, pools, frame, config, compute)
    models, ids = [model for fit in fits.values() for model in fit.models], pools.common_test
    predicted = ridge.predict(store, ids, models, frame, SEED, 1.0, compute)
    return {(m.scale, m.features): r2_score(truth[ids], predicted[:, k]) for k, m in enumerate(models)}


def noisy(store: Store, ids: np.ndarray) -> np.ndarray:
    """Noisy rows of the ids in float64."""
    out = np.empty((len(ids), store.n_pixels))
    for chunk in np.unique(ids // store.chunk_rows):
        at = np.flatnonzero(ids // store.chunk_rows == chunk)
        rows = ids[at] - store.rows(chunk)[0]
        out[at] = protocol.noisy_rows(
            store.read(chunk, "flux")[rows], store.read(chunk, "error")[rows], ids[at], SEED, 1.0, draw=0
        )
    return out


def scikit_learn(store: Store, pools: Pools, truth: np.ndarray, config: RidgeConfig, solver: str) -> Table:
    table: Table = {}
    test_rows = noisy(store, pools.common_test)
    for size in pools.settings.scales:
        split = pools.split(size)
        scaler = StandardScaler()
        x = scaler.fit_transform(noisy(store, split.fit))
        held, test = scaler.transform(noisy(store, split.validation)), scaler.transform(test_rows)
        features: list[tuple[str, int]] = [(f"pca_{k}", k) for k in config.pca if k < min(x.shape) - 1]
        sets = {"full": (x, held, test)}
        if features:
            pca = PCA(max(k for _, k in features), svd_solver=solver, random_state=0)
            scores = pca.fit_transform(x), pca.transform(held), pca.transform(test)
            sets |= {name: tuple(part[:, :k] for part in scores) for name, k in features}
        for name, (a, b, c) in sets.items():
            models = [Ridge(alpha=alpha).fit(a, truth[split.fit]) for alpha in config.alphas]
            best = max(models, key=lambda m: r2_score(truth[split.validation], m.predict(b)))
            table[size, name] = r2_score(truth[pools.common_test], best.predict(c))
    return table


def kernel(threads: int) -> None:
    """One rank-1024 update of the triangle beside numpy's whole product of the same float64 tile."""
    tile = np.random.default_rng(0).standard_normal((TILE_ROWS, 4098))
    moments = Moments.zeros(4096)
    with threadpool_limits(threads):
        update = seconds(lambda: moments.add_tile(tile), repeats=4)
        product = seconds(lambda: tile.T @ tile, repeats=4)
    print(f"Gram kernel: {TILE_ROWS / update:,.0f} rows/s, X.T @ X {TILE_ROWS / product:,.0f} rows/s: "
          f"ratio {product / update:.2f} (needed 0.90)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=32_000, help="spectra; the scales are n and n / 3.2")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--pca-solver", default="auto", choices=["auto", "full", "covariance_eigh", "randomized"])
    args = parser.parse_args()
    compute = Compute(threads=args.threads, device="cpu")
    config, settings = RidgeConfig(), Protocol(scales=(round(args.n / 3.2), args.n))
    kernel(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.json"
        generate(EmbeddedSource(Data(n_spectra=args.n), SEED), manifest, compute)
        store = Store(manifest)
        pools, truth = Pools.draw(SEED, args.n, settings), store.labels()["logg"].to_numpy()
        _, pixels = protocol.survey(store, SEED, settings, compute)
        frame = ridge.Frame.of(pixels, 1.0)
        tables: list[Table] = []
        taken = seconds(lambda: tables.append(ours(store, pools, truth, frame, config, compute)))
        with threadpool_limits(args.threads):
            peer = seconds(lambda: tables.append(scikit_learn(store, pools, truth, config, args.pca_solver)))
    models = len(tables[0]) * len(config.alphas)
    print(f"ridge table of {models} models at {settings.scales}, {args.threads} threads: ours {taken:.1f} s, "
          f"scikit-learn {peer:.1f} s: ratio {peer / taken:.1f} (needed 4)")  # fmt: skip
    difference = max(abs(tables[0][key] - tables[1][key]) for key in tables[1])
    print(f"largest difference in R² on the common test: {difference:.1e} (PCA solver of the peer: {args.pca_solver})")


if __name__ == "__main__":
    main()
