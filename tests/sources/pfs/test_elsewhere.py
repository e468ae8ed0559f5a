"""Shards whose arrays lie in other files, where a missing part would read as fill values, are refused by name."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from made_shard import miniature

from logg1m.sources.pfs.shard import Shard
from logg1m.sources.pfs.table import ShardError

FLUX = "dataset/arrays/flux/value"


def virtual(file: h5py.File, other: Path, values: np.ndarray) -> None:
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(str(other), FLUX, shape=values.shape)
    file.create_virtual_dataset(FLUX, layout)


def linked(file: h5py.File, other: Path, values: np.ndarray) -> None:
    file[FLUX] = h5py.ExternalLink(str(other), FLUX)


def raw(file: h5py.File, other: Path, values: np.ndarray) -> None:
    file.create_dataset(FLUX, data=values, external=[(str(other.with_suffix(".raw")), 0, values.nbytes)])


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (virtual, "is a virtual data set"),
        (linked, "is a link into another file"),
        (raw, "is raw storage in another file"),
    ],
)
def test_arrays_in_another_file_are_refused_whether_it_is_there_or_not(tmp_path, move, said):
    path, other = tmp_path / "a.h5", tmp_path / "other.h5"
    miniature(path, 8, seed=1)
    miniature(other, 8, seed=1)
    Shard(path)
    with h5py.File(path, "a") as file:
        values = file[FLUX][...]
        del file[FLUX]
        move(file, other, values)
    with pytest.raises(ShardError, match=rf"a\.h5: {FLUX} {said}; expected a shard that holds its arrays itself"):
        Shard(path)
    other.unlink()
    with pytest.raises(ShardError, match=said):
        Shard(path)
