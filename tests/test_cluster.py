"""Whole passes on a dask cluster give the numbers of one thread: survey, Gram matrices and bounds."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster
from toys import ONE

from logg1m.baselines import ridge
from logg1m.bounds.compute import collect, compute_bounds
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools

pytestmark = pytest.mark.slow

SEED, SETTINGS = 4, Protocol(scales=(1_000, 2_100))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Compute]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as started:
        yield Compute(dask_scheduler=started.scheduler_address)


def test_the_survey_has_the_same_bits(small_store, cluster):
    for here, there in zip(*(protocol.survey(small_store, SEED, SETTINGS, compute) for compute in (ONE, cluster))):
        pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_gram_matrices_agree_to_rounding(small_store, cluster):
    _, pixels = protocol.survey(small_store, SEED, SETTINGS, ONE)
    pools, frame = Pools.draw(SEED, small_store.n_spectra, SETTINGS), ridge.Frame.of(pixels, 1.0)
    truth = small_store.labels()["logg"].to_numpy()
    one, other = (ridge.accumulate(small_store, pools, truth, frame, SEED, compute) for compute in (ONE, cluster))
    for here, there in zip(one, other):
        np.testing.assert_allclose(here.matrix, there.matrix, rtol=1e-12, atol=1e-9)


def test_bounds_have_the_same_numbers(small_store, small_source, cluster):
    ranges = {name: high - low for name, (low, high) in Data().priors}
    library = collect(small_store, np.arange(300), cluster)
    one, other = (compute_bounds(library, small_source, ranges, Bounds(), compute) for compute in (ONE, cluster))
    pd.testing.assert_frame_equal(one.stars, other.stars, rtol=1e-6)
    pd.testing.assert_frame_equal(one.sensitivity, other.sensitivity, rtol=1e-6)
