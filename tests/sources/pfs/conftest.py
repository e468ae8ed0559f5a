"""Good shards, to be read or spoilt."""

import shutil
from pathlib import Path

import pytest
from made_shard import miniature


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two training shards, a validation and a test shard; read only."""
    folder = tmp_path_factory.mktemp("shards")
    miniature(folder / "train_2.h5", 16, seed=1, nan_edges=3)
    miniature(folder / "train_10.h5", 12, seed=2, dtype="float32", chunk_rows=5, compression="gzip")
    miniature(folder / "val.h5", 10, seed=3, mask=False, wave_2d=True)
    miniature(folder / "test.h5", 11, seed=4, noisy=True, chunk_rows=4)
    return folder


@pytest.fixture
def shard(made: Path, tmp_path: Path) -> Path:
    """A private copy of a good shard, to be spoilt."""
    return Path(shutil.copy(made / "train_2.h5", tmp_path / "shard.h5"))
