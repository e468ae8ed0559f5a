"""The ranges of ids: apart from each other, below 2³², on whole tiles, and those of the store where they were."""

from itertools import combinations

import numpy as np
import pytest

from logg1m import ids
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources.embedded import EmbeddedSource


def test_no_two_ranges_share_an_id():
    for one, other in combinations(ids.RESERVED.values(), 2):
        assert one.stop <= other.start or other.stop <= one.start


def test_ranges_are_32_bit_counters_and_begin_with_a_tile():
    for reserved in ids.RESERVED.values():
        assert 0 <= reserved.start < reserved.stop <= 2**32
        assert reserved.start % 1024 == 0  # a tile of the simulator on any device


def test_a_store_begins_at_zero_and_holds_what_the_configuration_allows():
    largest = Data.model_json_schema()["properties"]["n_spectra"]["anyOf"][0]["maximum"]
    assert (ids.STORED.start, len(ids.STORED)) == (0, largest)


def test_the_first_ids_of_a_range_are_its_own_and_never_more_than_it_has():
    np.testing.assert_array_equal(ids.first(3, ids.CONFIRMATION), ids.CONFIRMATION.start + np.arange(3))
    assert ids.first(0, ids.STREAMED).dtype == np.int64
    with pytest.raises(InputError, match=r"268,435,457 spectra do not fit the ids 3,221,225,472 … 3,489,660,927"):
        ids.first(2**28 + 1, ids.CONFIRMATION)


def test_stars_beyond_the_store_are_others_and_do_not_depend_on_the_block(grid):
    source, start = EmbeddedSource(Data(n_spectra=2_100), 3, grid=grid), ids.CONFIRMATION.start
    fresh, stored = source.simulate(start, start + 200), source.read(0, 200)
    part = source.simulate(start + 150, start + 160)
    for name, values in part.arrays.items():
        np.testing.assert_array_equal(values, fresh.arrays[name][150:160])
    for name, values in part.labels.items():
        np.testing.assert_array_equal(values, fresh.labels[name][150:160])
    everyone = np.concatenate([fresh.labels["logg"], stored.labels["logg"]])
    assert len(np.unique(everyone)) == 400


def test_what_the_store_holds_is_simulated_with_the_same_values(grid):
    source = EmbeddedSource(Data(n_spectra=2_100), 3, grid=grid)
    for name, values in source.read(256, 300).arrays.items():
        np.testing.assert_array_equal(source.simulate(256, 300).arrays[name], values)
