"""Ridge with the noise marginalised exactly: the limit of ever more noise draws of every training spectrum.

Over draws of its noise a spectrum x = f + σ·ε contributes E[x xᵀ] = f fᵀ + diag σ² to the Gram matrix and E[x y] = f y
to the right-hand side (Bishop 1995, Neural Computation 7, 108: training with noise is Tikhonov regularisation). The
moments of noise-free spectra with Σσ² added to the diagonal therefore give the ridge of infinitely many draws, each
weighing 1/D, and validation rows the error that is expected over their noise. A masked pixel is no measurement: it is
the mean in every draw, and adds no σ².
"""

from dataclasses import replace

import numpy as np

from logg1m.baselines.averaging import MARGINALISED
from logg1m.baselines.gram import Moments, ShellAccumulator
from logg1m.baselines.ridge import Frame, Linear, ScaleFit, in_frame, shells
from logg1m.config.compute import Compute
from logg1m.protocol.pools import Pools
from logg1m.spectra import passes
from logg1m.spectra.masks import measured
from logg1m.spectra.store import Store


def accumulate(store: Store, pools: Pools, truth: np.ndarray, frame: Frame, compute: Compute) -> list[Moments]:
    """One pass over noise-free training rows: moments of every shell with the noise in, truth (N,) = log g in dex."""
    splits = [pools.split(size) for size in pools.settings.scales]
    shell = shells(splits, store.n_spectra)
    level = pools.settings.noise_level

    def rows_of(chunk: int) -> np.ndarray:
        start, stop = store.rows(chunk)
        return start + np.flatnonzero(shell[start:stop] >= 0)

    def visit(chunk: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ids = rows_of(chunk)
        flux, error = measured(store, chunk, ids - store.rows(chunk)[0])
        sigma = level * np.where(np.isfinite(error), error, 0.0) / frame.scale.astype(np.float32)
        return ids, in_frame(flux, frame), sigma**2

    wanted = [chunk for chunk in range(store.n_chunks) if len(rows_of(chunk))]
    sums = ShellAccumulator(store.n_pixels, 2 * len(splits))
    variance = np.zeros((2 * len(splits), store.n_pixels))
    with passes.all_threads(compute):
        for ids, x, noise in passes.over(
            visit, wanted, compute, "Gram matrices without noise", lambda c: len(rows_of(c)), consumer_threads=True
        ):
            sums.add(x, truth[ids], shell[ids])
            for k, row in zip(shell[ids], noise):  # row by row, so that sums do not depend on chunks
                variance[k] += row
        return [moments.with_noise(total) for moments, total in zip(sums.finish(), variance)]


def named(fits: dict[int, ScaleFit]) -> dict[int, ScaleFit]:
    """The same fits of all pixels under the name of this model."""

    def own(model: Linear) -> Linear:
        return replace(model, name=MARGINALISED)

    return {size: replace(fit, models=[own(model) for model in fit.models]) for size, fit in fits.items()}
