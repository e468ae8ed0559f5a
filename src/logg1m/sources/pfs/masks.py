"""What the mask of a shard means: which of its values mark a bad pixel."""

from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from logg1m.sources.pfs.table import ShardError

Means = Literal["auto", "bad", "good"]
BAD = 2  # what is written for a masked pixel: a bit, and no 1 that could be taken for True = good
_UNLIKELY, _USELESS = 0.1, 0.9  # shares of pixels that a set of spectra rarely, and never, has masked
_KEY = "data.pfs_hdf5.mask_means (--mask-means)"


def sense(dataset: h5py.Dataset, sample: np.ndarray, said: Means, path: Path) -> tuple[bool, list[str]]:
    """Whether nonzero values mark the good pixels, and what to tell the user about it.

    pfsspec's boolean masks are True where a pixel is good, and become 1 where they are stored as integers; its integer
    masks are bits, of which any marks a bad pixel. Zeros and ones alone can be either: then the sense is the one in
    which few pixels are masked, and where that is not clear, the user must say it.

    Parameters
    ----------
    dataset : the mask, (N, P)
    sample : some of its rows
    said : the user's word; auto: from the type, or the values

    Raises
    ------
    ShardError
        If the sense cannot be known, or the one that was said leaves hardly any pixel.
    """
    nonzero = float(np.count_nonzero(sample)) / sample.size
    bits = sample.dtype.kind != "b" and bool(((sample != 0) & (sample != 1)).any())
    if said == "good" and bits:
        value = sample[(sample != 0) & (sample != 1)][0]
        raise ShardError(
            f"{path}: {_KEY} is good, but the mask holds {value}: such values are bits, which mark bad pixels; "
            "expected only 0 and 1, or mask_means: bad"
        )
    good, why = said == "good", f"as {_KEY} says"
    if said == "auto":
        good, why = _guess(dataset, nonzero, bits, path)
    masked = 1 - nonzero if good else nonzero
    if masked > _USELESS:
        other = "bad" if good else "good"
        raise ShardError(
            f"{path}: {masked:.0%} of the sampled pixels would be masked ({'zero' if good else 'nonzero'} = masked, "
            f"{why}): the mask is inverted, or the spectra are of no use; to read it the other way, set {_KEY} to "
            f"{other}"
        )
    said_of_it = []
    if good:
        said_of_it.append(
            f"the mask is read as 1 = good, 0 = masked ({why}); {masked:.1%} of the sampled pixels are masked"
        )
    if masked > 0.5:
        said_of_it.append(
            f"{masked:.0%} of the sampled pixels are masked: is the mask inverted? {_KEY} says which value is which"
        )
    return good, said_of_it


def _guess(dataset: h5py.Dataset, nonzero: float, bits: bool, path: Path) -> tuple[bool, str]:
    if dataset.dtype.kind == "b":
        return True, "it is boolean"
    if bits or nonzero <= _UNLIKELY:
        return False, "its values are bits" if bits else "few pixels are nonzero"
    if nonzero >= 1 - _UNLIKELY:
        return True, "most pixels are 1"
    raise ShardError(
        f"{path}: dataset/arrays/mask/value holds 0 and 1 alone, and {nonzero:.0%} of the sampled pixels are 1: if 1 "
        f"means good (pfsspec's boolean masks), {1 - nonzero:.0%} are masked, if it means bad, {nonzero:.0%}; set "
        f"{_KEY} to good or bad"
    )
