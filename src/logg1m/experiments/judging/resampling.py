"""Bootstrap of means over seeds: spectra are resampled together for all models, seeds for each model by itself."""

from collections.abc import Callable, Sequence

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap

Statistic = Callable[[np.ndarray], np.ndarray]


def per_seed(seeds: Sequence[Statistic], n: int) -> np.ndarray:
    """The statistic of every seed on all n spectra, (S,)."""
    one = np.ones((1, n), dtype=np.float32)
    return np.array([statistic(one)[0] for statistic in seeds])


def replicates(parts: Sequence[Sequence[Statistic]], n: int, bootstrap: Bootstrap, seed: int) -> np.ndarray:
    """Bootstrap replicates of these means, (K, resamples)."""
    rng = np.random.Generator(np.random.PCG64([seed, n, 1]))
    batches = []
    for counts in metrics.resamples(n, bootstrap, seed):
        rows = []
        for seeds in parts:
            values = np.stack([statistic(counts) for statistic in seeds], axis=1)  # (B, S)
            chosen = rng.integers(0, values.shape[1], size=values.shape)
            rows.append(np.take_along_axis(values, chosen, axis=1).mean(axis=1))
        batches.append(np.stack(rows))
    return np.concatenate(batches, axis=1)
