"""Neighbour estimates come closer to the exact bound as the library grows."""

import numpy as np
import pytest

from logg1m.bounds.compute import Library, compute_bounds
from logg1m.bounds.convergence import library_convergence
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.observe import LABELS

RANGES = {"teff": 2250.0, "logg": 4.0, "m_h": 3.0, "a_m": 0.4, "c_m": 0.5}


@pytest.mark.slow
def test_scatter_about_the_exact_bound_falls_with_the_size_of_the_library(small_store, small_source):
    flux = np.concatenate([small_store.read(k, "flux") for k in range(2)])
    error = np.concatenate([small_store.read(k, "error") for k in range(2)])
    ids = np.arange(len(flux))
    library = Library(ids, flux, error, small_store.labels().loc[ids, list(LABELS)].to_numpy())
    config = Bounds(linear_neighbours=32, knn_neighbours=4, convergence=(500, 100_000))
    stars = compute_bounds(library, small_source, RANGES, config, Compute(threads=1)).stars
    rows = library_convergence(library, stars, RANGES, config, seed=1)
    regression = [row for row in rows if row["estimator"] == "local_linear"]
    assert [row["n"] for row in regression] == [500, 512, 1024, 2048], "sizes above the library are cut to it"
    spread = [row["p90"] - row["p10"] for row in regression]
    assert spread[-1] < 0.8 * spread[0], "closer neighbours: less scatter about the exact bound"
    assert 0.85 < regression[-1]["median_ratio"] < 1.2
    assert all(row["n_probes"] == 256 and row["n_failed"] >= 0 for row in rows)
    assert rows == library_convergence(library, stars, RANGES, config, seed=1)
