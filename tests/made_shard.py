"""A small shard with everything a real one has."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.config.data import Data
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.pfs.source import STELLAR
from logg1m.sources.pfs.writer import params_table, write_shard


def miniature(
    path: str | Path,
    n_spectra: int = 32,
    seed: int = 1,
    mask: bool = True,
    noisy: bool = False,
    nan_edges: int = 0,
    data: dict[str, Any] | None = None,
    **layout: Any,
) -> None:
    """Write a small shard with everything a real one has: grid-edge labels, strings, unused columns of NaN.

    Parameters
    ----------
    path, **layout : as in `write_shard`
    n_spectra, seed : spectra 0 … n_spectra − 1 of the embedded source with that seed
    mask : with a mask, some of whose pixels are set
    noisy : with an array of noisy spectra, as test files have
    nan_edges : pixels at either end of `error` that are NaN in every third spectrum
    data : further keys of the configuration section `data`
    """
    keys = {"n_spectra": max(n_spectra, 10), "labels": "grid_edges"} | (data or {})
    source = EmbeddedSource(Data.model_validate(keys), seed)
    block = source.read(0, n_spectra)
    arrays: dict[str, np.ndarray] = {name: values.astype(np.float64) for name, values in block.arrays.items()}
    rng = np.random.default_rng(seed)
    if mask:
        arrays["mask"] = (rng.random(arrays["flux"].shape) < 0.01).astype(np.int64) * 4
    if noisy:
        arrays["noisy"] = arrays["flux"] + arrays["error"] * rng.standard_normal(arrays["flux"].shape)
    table = params_table(block.arrays, block.labels)
    off_node = [~np.isin(block.labels[name], nodes) for name, nodes in source.grid.axes.items()]
    free = np.argmax(off_node, axis=0)  # the one axis along which pfsspec interpolated
    table["interp_param"] = pd.Series([tuple(STELLAR)[k] for k in free], dtype=object)
    table["exp_count"] = source.data.observation.exposures
    table["exp_time"] = source.data.observation.exposure_time
    table["random_seed"] = np.nan
    if nan_edges:
        arrays["error"][::3, :nan_edges] = np.nan
        arrays["error"][::3, -nan_edges:] = np.nan
    write_shard(path, source.wave, [(arrays, table)], n_spectra, **layout)
