"""The mask of a store, in its one sense: nonzero = bad."""

import numpy as np

from logg1m.spectra.store import Store


def good_pixels(store: Store, chunk: int) -> np.ndarray:
    """Pixels (B, P) bool of one chunk that were measured; the others were masked or filled, and have no weight.

    A store without a mask (simulated spectra) is good everywhere.
    """
    if "mask" not in store.manifest["arrays"]:
        return np.ones((store.size(chunk), store.n_pixels), dtype=bool)
    return np.asarray(store.read(chunk, "mask") == 0)
