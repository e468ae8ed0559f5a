"""Medians of the rows of an array, by counting: a few passes over a row in place of sorting half of it."""

from functools import cache
from typing import Any

import numpy as np

from logg1m.jobs.device import machine_code

_BITS = 10  # of a key that a pass counts by
_FEW = 48  # values that are sorted at once
_INFINITY = 0x7F800000  # as a whole number; NaN is beyond


def row_medians(values: np.ndarray, lower: bool = False) -> np.ndarray:
    """Median of every row of (N, P) float32, NaN left out, (N,) float64; of an even number the mean of the middle two, or
    the `lower` of them.

    A row without any number is NaN. The numbers are those of `numpy.nanmedian` of the same in double precision, or of
    `torch.nanmedian`.
    """
    found = np.full((len(values), 2), np.nan, dtype=np.float32)
    if values.size:
        _compiled()(np.ascontiguousarray(values, dtype=np.float32).view(np.int32), found.view(np.int32))
    return np.asarray(found[:, 0] if lower else found.astype(np.float64).mean(axis=1), dtype=np.float64)


@cache
def _compiled() -> Any:
    """The loop over rows."""

    def middle_two(words, found):  # type: ignore[no-untyped-def]
        """Of every row, (N, 2), all floating-point numbers as the whole numbers that their bits are."""
        keys, counts = np.empty(words.shape[1], np.int32), np.empty(1 << _BITS, np.int32)
        for row in range(words.shape[0]):
            n, whole = words.shape[1], True
            for k in range(n):
                word = words[row, k]
                keys[k] = word ^ ((word >> 31) & 0x7FFFFFFF)  # in the order of the numbers
                whole &= (word & 0x7FFFFFFF) <= _INFINITY
            if not whole:
                n = 0
                for k in range(words.shape[1]):
                    keys[n] = keys[k]
                    n += (words[row, k] & 0x7FFFFFFF) <= _INFINITY
            if n == 0:
                continue
            low, high = (n - 1) // 2, n // 2  # ranks of the middle two
            while n > _FEW:
                least, most = keys[0], keys[0]
                for k in range(n):
                    least, most = min(least, keys[k]), max(most, keys[k])
                shift = 0
                while (np.int64(most) - np.int64(least)) >> shift >> _BITS:
                    shift += 1
                counts[:] = 0
                for k in range(n):
                    counts[(np.int64(keys[k]) - least) >> shift] += 1
                first, before = 0, 0
                while before + counts[first] <= low:
                    before += counts[first]
                    first += 1
                last, to = first, before + counts[first]
                while to <= high:
                    last += 1
                    to += counts[last]
                if to - before == n:  # all are the same, or the two are at both ends
                    break
                kept = 0
                for k in range(n):
                    place = (np.int64(keys[k]) - least) >> shift
                    keys[kept] = keys[k]
                    kept += (place >= first) & (place <= last)
                n, low, high = kept, low - before, high - before
            ordered = np.sort(keys[:n])
            for k, rank in enumerate((low, high)):
                found[row, k] = ordered[rank] ^ ((ordered[rank] >> 31) & 0x7FFFFFFF)

    return machine_code(middle_two)
