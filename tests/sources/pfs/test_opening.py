"""What is the matter with a shard that cannot be read: only a damaged one is called damaged."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pytest

from logg1m.cli.importing import import_shards
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources.pfs import opening
from logg1m.sources.pfs.opening import Hindered, trouble
from logg1m.sources.pfs.shard import Shard

OTHER = "import sys; from pathlib import Path; from logg1m.sources.pfs.shard import Shard\ntry: Shard(Path(sys.argv[1]))\nexcept Exception as e: print(type(e).__name__, e)"  # fmt: skip


def as_another_program(path: Path) -> str:
    return subprocess.run([sys.executable, "-c", OTHER, path], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_shard_that_is_still_written(shard: Path) -> None:
    with h5py.File(shard, "r+"):
        said = as_another_program(shard)
    assert said.startswith("Hindered cannot read")
    assert "another program has it open for writing; wait" in said
    assert "HDF5_USE_FILE_LOCKING=FALSE" in said
    assert as_another_program(shard) == ""


def test_a_mark_of_a_writer_that_was_killed(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.h5", tmp_path / "b.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = 1.0
        file.swmr_mode = True
        copy.write_bytes(path.read_bytes())
    with pytest.raises(Hindered, match=r"marked as open for writing.*h5clear -s"):
        Shard(copy)


def test_tables_packed_by_blosc(shard: Path) -> None:
    table = pd.read_hdf(shard, "dataset/params")
    with h5py.File(shard, "r+") as file:
        del file["dataset/params"]
    table.to_hdf(shard, key="dataset/params", mode="a", format="table", complib="blosc", complevel=9)
    if h5py.h5z.filter_avail(32001):
        pytest.skip("this HDF5 has blosc")
    with pytest.raises(Hindered, match=r"params/table is compressed by the HDF5 filter 32001 \(blosc\).*hdf5plugin"):
        Shard(shard)


LOCK = "Unable to synchronously open file (unable to lock file, errno = {}, error message = '…')"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(LOCK.format(errno.ENOLCK)), "its file system has no locks .*HDF5_USE_FILE_LOCKING=FALSE"),
        (OSError(LOCK.format(errno.ENOSYS)), "its file system has no locks"),
        (BlockingIOError(errno.EAGAIN, LOCK.format(errno.EAGAIN)), "another program has it open for writing"),
        (OSError(errno.EMFILE, "Too many open files"), r"too many files are open in this process; .*ulimit -n"),
        (OSError("unable to open file: errno = 24, error message = 'Too many open files'"), "too many files are open"),
        (OSError(errno.EIO, "Input/output error"), "the disk or the network fails"),
        (OSError(errno.ESTALE, "Stale file handle"), "run again"),
        (OSError(errno.EACCES, "Permission denied"), "permission denied; allow this user"),
        (OSError("Can't synchronously read data (required filter 'zstd' is not registered)"), "filter is missing"),
    ],
)
def test_what_is_not_damage_says_what_it_is(error: Exception, message: str) -> None:
    said = trouble(Path("a.h5"), error)
    assert isinstance(said, Hindered)
    assert "damaged" not in str(said)
    assert "copy it again" not in str(said)
    with pytest.raises(Hindered, match=message):
        raise said


def test_damage_is_still_damage() -> None:
    for text in ("Can't synchronously read data (inflate() failed)", "'Unable to open object (bad heap signature)'"):
        said = trouble(Path("a.h5"), OSError(text))
        assert not isinstance(said, Hindered)
        assert "a.h5 is damaged" in str(said)


def test_an_import_that_is_hindered_keeps_what_it_wrote(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = opening.h5py.File, []

    def fail_later(*arguments: Any, **keys: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:  # opened for the structure, for the sample, and then to be read
            raise OSError(errno.EIO, "Input/output error")
        return real(*arguments, **keys)

    monkeypatch.setattr(opening.h5py, "File", fail_later)
    section = {"train": str(made / "train_2.h5")}
    data = Data.model_validate({"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": section})
    with pytest.raises(InputError, match="the disk or the network fails"):
        import_shards(data, tmp_path / "s", Compute(threads=1))
    assert (tmp_path / "s" / "journal" / "identity.json").exists()
    monkeypatch.setattr(opening.h5py, "File", real)
    assert import_shards(data, tmp_path / "s", Compute(threads=1))["spectra"]["train"] == 16
