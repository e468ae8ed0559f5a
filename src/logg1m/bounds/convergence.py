"""How the neighbour estimates of the bound depend on the number of spectra that they draw neighbours from."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import noise
from logg1m.bounds import derivatives, fisher
from logg1m.bounds.compute import Library, label_scale
from logg1m.config.bounds import Bounds
from logg1m.observe.survey import Columns

_PROBES = 256  # stars whose bound is followed through all library sizes


def library_convergence(
    library: Library,
    stars: pd.DataFrame,
    ranges: dict[str, float],
    config: Bounds,
    seed: int,
    columns: Columns | None = None,
) -> list[dict[str, Any]]:
    """Bounds of the same stars from nested libraries of growing size.

    Parameters
    ----------
    stars : see `compute_bounds`, rows in the order of the library
    ranges : label → range of its prior
    columns : of nuisances, which are marginalised

    Returns
    -------
    rows: n (library size), estimator, n_probes, n_failed, median_sigma_5d (dex), and median_ratio, p10, p90 of σ over
    the exact one where there is one
    """
    ranges = fisher.ranges_that_vary(ranges, library.labels)
    scale = label_scale(ranges)
    scaled = library.labels / scale
    total = len(scaled)
    order = noise.permutation(seed, total, noise.Stream.BOUNDS)
    probes = order[: min(_PROBES, total)]
    sizes = {min(n, total) for n in config.convergence} | {total // 4, total // 2, total}
    per_unit = (1 / scale)[None, :, None].astype(np.float32)
    rows = []
    for n in sorted(n for n in sizes if n >= max(len(probes), 2 * config.linear_neighbours)):
        members = order[:n]
        flux, at = library.flux[members], np.arange(len(probes))
        index, weights = derivatives.regression_weights(
            scaled[members], at, config.linear_neighbours, config.linear_degree
        )
        regression = derivatives.apply_weights(index, weights, flux) * per_unit
        by_differences = regression.copy()
        differences = derivatives.knn_weights(scaled[members], at, config.knn_neighbours)
        by_differences[:, 1] = (differences @ flux) * per_unit[0, 1]
        for name, jacobian in (("local_linear", regression), ("knn", by_differences)):
            whole = fisher.with_nuisances(jacobian, library.flux[probes], columns)
            information = fisher.marginalised(fisher.fisher_information(whole, library.error[probes]), columns)
            table = fisher.bounds(information, ranges, config.max_condition)
            sigma = table["sigma_5d"].to_numpy()
            row = {
                "n": int(n),
                "estimator": name,
                "n_probes": len(probes),
                "n_failed": int(table["failed_5d"].sum()),
                "median_sigma_5d": float(np.nanmedian(sigma)) if np.isfinite(sigma).any() else None,
            }
            if "exact_sigma_5d" in stars:
                found = fisher.agreement(sigma, stars["exact_sigma_5d"].to_numpy()[probes])
                row |= {key: found[key] for key in ("median_ratio", "p10", "p90")}
            rows.append(row)
    return rows
