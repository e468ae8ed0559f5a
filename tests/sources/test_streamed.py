"""Stars beyond the store: the same as a larger store would hold, and none of any store's."""

import numpy as np
import pytest

from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.ids import STREAMED
from logg1m.noise import Stream as Streams
from logg1m.noise import uniform
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.streamed import Stream

SEED = 5


@pytest.fixture(scope="module")
def stream() -> Stream:
    return Stream(Data(n_spectra=1_000), SEED, ("logg", "teff"), block=128)


def test_a_block_holds_the_stars_of_its_ids(stream):
    flux, error, labels = stream(3)
    assert flux.shape == error.shape == (128, 4096)
    ids = stream.ids(3)
    assert ids.tolist() == list(STREAMED[3 * 128 : 4 * 128])
    source = EmbeddedSource(Data(n_spectra=1_000), SEED)
    seen = source.observer.observe(*source.draw(ids))
    np.testing.assert_array_equal(flux, seen.flux.numpy())
    np.testing.assert_array_equal(error, seen.error.numpy())
    low, high = Data().priors.logg
    u = uniform(SEED, Streams.LABELS, ids, 12)[:, 1]
    np.testing.assert_allclose(labels[:, 0], low + u * (high - low), rtol=1e-6)


def test_no_id_is_one_of_a_store_and_the_number_of_stars_is_finite(stream):
    last = len(STREAMED) // 128
    assert stream.ids(0)[0] == STREAMED.start
    assert int(stream.ids(last - 1)[-1]) in STREAMED  # of a NumPy integer, Python would look through all of them
    with pytest.raises(InputError, match="fewer epochs"):
        stream.ids(last)


def test_a_block_is_a_function_of_the_configuration_alone(stream):
    again = Stream(Data(n_spectra=2_000), SEED, ("logg",), block=256)
    np.testing.assert_array_equal(again(1)[0][128:], stream(3)[0])
    assert not np.array_equal(Stream(Data(), SEED + 1, ("logg",), block=128)(3)[2], stream(3)[2][:, :1])


def test_shards_cannot_be_simulated():
    with pytest.raises(InputError, match="source that simulates"):
        Stream(Data().model_copy(update={"source": "pfs_hdf5"}), SEED, ("logg",))
