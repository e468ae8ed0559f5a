"""Stars that chose nothing: simulated from ids of their own, or set aside from the test pool."""

import numpy as np
import pandas as pd
import pytest

from logg1m import ids
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.config.protocol import Protocol
from logg1m.experiments import fresh
from logg1m.files import InputError
from logg1m.protocol.pools import Pools
from logg1m.sources.embedded import EmbeddedSource

ONE = Compute(threads=1, device="cpu")


def test_fresh_stars_are_those_of_the_reserved_ids_by_the_threshold_of_the_protocol(grid):
    source = EmbeddedSource(Data(n_spectra=2_100), 3, grid=grid)
    found = fresh.simulated(source, source.describe(), 150, 3.0, ONE)
    block = source.simulate(ids.CONFIRMATION.start, ids.CONFIRMATION.start + 150)
    np.testing.assert_array_equal(found.ids, ids.first(150, ids.CONFIRMATION))
    np.testing.assert_array_equal(found.flux, block.arrays["flux"])
    np.testing.assert_array_equal(found.labels["logg"], block.labels["logg"])
    snr = np.linalg.norm(found.flux, axis=1) / np.linalg.norm(found.error, axis=1)
    np.testing.assert_array_equal(found.members["low_noise"], snr >= 3.0)
    assert found.members["low_noise"].any()
    assert not found.members["low_noise"].all()


def test_a_set_is_known_by_its_source_and_not_by_how_much_of_it_is_taken(grid):
    def of(seed: int, count: int) -> str:
        source = EmbeddedSource(Data(n_spectra=2_100), seed, grid=grid)
        return fresh.simulated(source, source.describe(), count, 3.0, ONE).identity

    assert of(3, 20) == of(3, 30) != of(4, 20)


def test_stars_set_aside_are_those_of_the_store_that_are_in_no_test(small_store):
    pools = Pools.draw(7, small_store.n_spectra, Protocol(scales=(500, 2_000)), simulates=False)
    members = pd.DataFrame({"low_noise": np.arange(small_store.n_spectra) % 5 == 0})
    found = fresh.set_aside(small_store, pools, members, 20, ONE)
    assert set(found.ids) == set(pools.confirmation[:20])
    assert not set(found.ids) & set(pools.common_test)
    flux = np.concatenate([small_store.read(c, "flux") for c in range(small_store.n_chunks)])
    np.testing.assert_array_equal(found.flux, flux[found.ids])
    np.testing.assert_array_equal(found.labels["logg"], small_store.labels()["logg"].to_numpy()[found.ids])
    np.testing.assert_array_equal(found.members["low_noise"], found.ids % 5 == 0)


def test_a_pool_of_which_nothing_is_set_aside_is_refused(small_store):
    pools = Pools.draw(7, small_store.n_spectra, Protocol(scales=(500,)))
    with pytest.raises(InputError, match="too small for any spectrum to be set aside"):
        fresh.set_aside(small_store, pools, pd.DataFrame(), 20, ONE)
