"""The mask of a store, in its one sense, nonzero = bad; and spectra in which a masked pixel is no measurement.

Whatever computes from spectra reads them here. A masked pixel comes as a flux that is NaN and an error that is infinite:
its weight 1/σ² is zero, noise added to it is NaN again, and what lies under the mask reaches nothing. A chunk whose mask
masks nothing is known by its checksum and costs no read.
"""

from functools import cache

import numpy as np

from logg1m.spectra.chunks import crc32c
from logg1m.spectra.store import Store


def good_pixels(store: Store, chunk: int) -> np.ndarray:
    """Pixels (B, P) bool of one chunk that were measured; the others were masked or filled, and have no weight.

    A store without a mask (simulated spectra) is good everywhere.
    """
    if not has_masked(store, chunk):
        return np.ones((store.size(chunk), store.n_pixels), dtype=bool)
    return np.asarray(store.read(chunk, "mask") == 0)


def has_masked(store: Store, chunk: int | None = None) -> bool:
    """Whether any pixel of a chunk, or of the whole store, is masked."""
    if "mask" not in store.manifest.get("arrays", ()):
        return False
    dtype, sums = store.manifest["arrays"]["mask"], store.manifest["crc32c"]["mask"]
    chunks = range(store.n_chunks) if chunk is None else (chunk,)
    return any(sums[k] != _sum_of_zeros(store.size(k), store.n_pixels, dtype) for k in chunks)


@cache
def _sum_of_zeros(rows: int, pixels: int, dtype: str) -> str:
    return crc32c(np.zeros((rows, pixels), dtype=dtype))


def measured(store: Store, chunk: int, rows: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free flux and 1σ error (B, P) float32 of some rows of a chunk; NaN and infinite at masked pixels."""
    flux, error = store.read(chunk, "flux")[rows], store.read(chunk, "error")[rows]
    if has_masked(store, chunk):
        bad = ~good_pixels(store, chunk)[rows]
        flux, error = np.where(bad, np.float32(np.nan), flux), np.where(bad, np.float32(np.inf), error)
    return flux, error


def interpolated(values: np.ndarray) -> np.ndarray:
    """Spectra (B, P) whose pixels that are NaN are filled: linear between good neighbours, the nearest at the edges.

    For what needs a number in every pixel: pictures, equivalent widths. A spectrum without any pixel is zero.
    """
    bad = np.isnan(values)
    if not bad.any():
        return values
    filled, pixels = values.copy(), np.arange(values.shape[1])
    for row in np.flatnonzero(bad.any(axis=1)):
        good = ~bad[row]
        filled[row, ~good] = np.interp(pixels[~good], pixels[good], values[row, good]) if good.any() else 0.0
    return filled
