"""Means over seeds, and their bootstrap over spectra, which are resampled together for all models.

Seeds are not resampled: of three seeds a resample keeps two thirds of the scatter. `logg1m.scatter` adds it in full.
"""

from collections.abc import Sequence

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.metrics import Statistic


def per_seed(seeds: Sequence[Statistic], n: int) -> np.ndarray:
    """The statistic of every seed on all n spectra, (S,)."""
    one = np.ones((1, n), dtype=np.float32)
    return np.array([statistic(one)[0] for statistic in seeds])


def replicates(parts: Sequence[Sequence[Statistic]], n: int, bootstrap: Bootstrap, seed: int) -> np.ndarray:
    """Bootstrap replicates over spectra of the mean over seeds of every part, (K, resamples)."""
    batches = [
        np.stack([np.mean([statistic(counts) for statistic in seeds], axis=0) for seeds in parts])
        for counts in metrics.resamples(n, bootstrap, seed)
    ]
    return np.concatenate(batches, axis=1)
