"""Opening a shard, and what is the matter where that fails: only what is damaged is called so."""

import errno
import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from logg1m.sources.pfs.table import ShardError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NO_LOCKING = "set HDF5_USE_FILE_LOCKING=FALSE in the environment"
_WRITE_ANEW = "write it anew with gzip (pandas: complib='zlib'), or pip install hdf5plugin here"
# errno → what is the matter and what to do; the file itself may be whole.
_CONDITIONS = {
    errno.EACCES: "permission denied; allow this user to read it",
    errno.EPERM: "permission denied; allow this user to read it",
    errno.EMFILE: "too many files are open in this process; raise the limit (ulimit -n 4096) and run again",
    errno.ENFILE: "too many files are open on this machine; close some programs and run again",
    errno.ENOMEM: "there is not enough memory; ask for more, or run with fewer threads",
    errno.EIO: "the disk or the network fails (input/output error); the file may be whole: run again, or tell whoever "
    "looks after the disk",
    errno.ESTALE: "the server has replaced it meanwhile (stale file handle); run again",
    errno.ENOENT: "it does not exist (any more); check the path",
}


class Hindered(ShardError):
    """A shard that cannot be read now, though nothing says that it is bad: what was made from it so far stays."""


with suppress(ImportError):  # it registers further compression filters with HDF5, if it is there
    importlib.import_module("hdf5plugin")


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The open file of a shard, for reading.

    Raises
    ------
    ShardError
        If it is no HDF5 file, cannot be opened, or cannot be read within the block: what is the matter and what to do.
    """
    try:
        with open(path, "rb") as raw:
            start = raw.read(len(_SIGNATURE))
        if start != _SIGNATURE:
            found = f"it begins with {start!r}" if start else "it is empty"
            raise ShardError(f"{path} is not an HDF5 file: {found}; expected a shard written by pfsspec")
        with h5py.File(path, "r") as file:
            yield file
    except MemoryError as error:
        raise Hindered(f"cannot read {path}: {_CONDITIONS[errno.ENOMEM]}") from error
    except (OSError, KeyError, RuntimeError) as error:  # the latter two from h5py, where metadata are damaged
        raise trouble(path, error) from error


def trouble(path: Path, error: Exception) -> ShardError:
    """What an error of the operating system or of HDF5 says of `path`, and what to do, in one line."""
    text = " ".join(str(error).split())
    number = error.errno if isinstance(error, OSError) and error.errno else _number(text)
    if "unable to lock file" in text:
        if number in (errno.EAGAIN, errno.EACCES):
            return Hindered(
                f"cannot read {path}: another program has it open for writing; wait until it is done, or if nothing "
                f"writes it any more, {_NO_LOCKING}"
            )
        return Hindered(f"cannot read {path}: its file system has no locks ({text}); {_NO_LOCKING}")
    if "already open for write" in text:
        return Hindered(
            f"cannot read {path}: it is marked as open for writing: another program still writes it (wait until it is "
            "done), or one that did was killed (then check it, and clear the mark with: h5clear -s FILE)"
        )
    if number in _CONDITIONS:
        return Hindered(f"cannot read {path}: {_CONDITIONS[number]}")
    if re.search(r"required filter|filter.*not (registered|available)|plugin", text):
        return Hindered(f"cannot read {path}: a compression filter is missing here ({text}); {_WRITE_ANEW}")
    if isinstance(error, OSError) and error.filename and error.strerror:
        return Hindered(f"cannot read {path}: {error.strerror}")
    if "truncated" in text:
        return ShardError(
            f"{path} is truncated: it has {_size(path)} bytes and its header promises more; copy it again, or wait if "
            f"another program still writes it ({text})"
        )
    return ShardError(f"{path} is damaged: {text}; copy it again")


def _number(text: str) -> int:
    found = re.search(r"errno ?= ?(\d+)", text)
    return int(found[1]) if found else 0


def _size(path: Path) -> int:
    with suppress(OSError):
        return os.stat(path).st_size
    return 0


def require_filters(dataset: h5py.Dataset, path: Path) -> None:
    """Refuse a data set that was compressed by a filter which HDF5 lacks here."""
    layout = dataset.id.get_create_plist()
    for k in range(layout.get_nfilters()):
        code, _, _, name = layout.get_filter(k)
        if not h5py.h5z.filter_avail(code):
            said = name.decode("utf-8", "replace") or "no name"
            raise Hindered(
                f"cannot read {path}: {dataset.name.lstrip('/')} is compressed by the HDF5 filter {code} ({said}), "
                f"which is missing here; {_WRITE_ANEW}"
            )


def require_whole(file: h5py.File, path: Path) -> None:
    """Refuse a shard whose arrays lie in other files: one that is missing there reads as fill values, without a word.

    Raises
    ------
    ShardError
        Names the place and how it leads elsewhere.
    """

    def look(group: h5py.Group, place: str) -> None:
        for name in group:
            where = f"{place}{name}"
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                raise ShardError(f"{path}: {where} is a link into another file; {_WHOLE}")
            child = group.get(name)
            if isinstance(child, h5py.Dataset) and (child.is_virtual or child.external):
                kind = "a virtual data set" if child.is_virtual else "raw storage in another file"
                raise ShardError(f"{path}: {where} is {kind}; {_WHOLE}")
            if isinstance(child, h5py.Group):
                look(child, f"{where}/")

    look(file, "")


_WHOLE = "expected a shard that holds its arrays itself: copy them into one file (h5repack, or h5py with data[...])"
