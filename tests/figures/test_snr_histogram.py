import numpy as np
import pandas as pd

from logg1m.config.protocol import Protocol
from logg1m.protocol.pools import define

N = 2_000


def test_every_spectrum_is_counted_once(draw):
    snr = pd.DataFrame({"id": np.arange(N), "snr": np.random.default_rng(4).gamma(9, 0.35, N)})
    protocol, _ = define(snr, 1, Protocol(scales=(N,)))
    values = draw("snr_histogram", snr=snr, protocol=protocol)
    assert values["spectra"].sum() == N
    counts, edges = np.histogram(snr["snr"], bins=80)
    np.testing.assert_array_equal(values["spectra"], counts)
    np.testing.assert_allclose(values["snr_low"], edges[:-1], rtol=1e-7)
    np.testing.assert_allclose(values["snr_high"], edges[1:], rtol=1e-7)
