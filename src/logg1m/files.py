"""Atomic writes, and readers whose errors name the file and what was expected of it."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_TEXTS = {"model", "pool"}  # columns of tables that hold words; all others are numbers
READ: dict[str, dict[str, Any]] = {}  # JSON objects that this process has read, by file, for `blame`
_PROBE = 65_536  # bytes that tell a full disk from another fault


class InputError(Exception):
    """Something the user can put right: the message says what was found, what was expected and where."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and renamed, on failure removed.

    The rename is flushed too. A disk that refuses is an InputError, also if a library says it in an exception of its
    own.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a rename would put a file in the place of a device
        what = "Is a directory" if path.is_dir() else "it is a device or a pipe"
        raise InputError(f"cannot write {path}: {what}; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=f".tmp{path.suffix}")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_UMASK)
        os.replace(temporary, path)
        flush_folder(path.parent)
    except InputError:
        raise
    except Exception as error:
        refused = _refusal(error, path.parent)
        if refused is None:
            raise
        raise InputError(f"cannot write {path}: {refused}") from error
    finally:
        temporary.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Flush a folder's list of files to disk, where the file system can: a file that was renamed there stays."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _refusal(error: Exception, folder: Path) -> str | None:
    """What the disk said, if it is what an exception means: safetensors, LightGBM and others have their own kinds."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    numbered = re.search(r"\b(?:os error|errno) (\d+)", str(error))
    if numbered:
        return os.strerror(int(numbered[1]))
    if isinstance(error, OSError):
        return str(error)
    try:  # is there room for more?
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as refused:
        return refused.strerror or str(refused)
    return None


def remove_leftovers(path: str | Path) -> None:
    """Remove what killed writers of `path` left beside it; nobody else may be writing it."""
    path = Path(path)
    for leftover in path.parent.glob(f".{escape(path.stem)}.*.tmp{escape(path.suffix)}"):
        leftover.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # read once: it can only be read by setting it, and threads that write would race


def write_text(path: str | Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted-as-given keys; NaN and infinity become null, so that every reader can parse it."""
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """Numpy scalars, arrays, paths and non-finite numbers as plain JSON values."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Path):
        return str(value)
    return value


def read_json(path: str | Path, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a JSON object and check that its required keys are there.

    Raises
    ------
    InputError
        If the file is missing, truncated, no JSON object, or lacks a required key.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a readable JSON file ({error}); delete it and run again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a JSON {type(value).__name__}, expected an object")
    missing = [key for key in required if key not in value]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(value) or 'no keys'}")
    READ[str(path)] = value
    return value


def write_parquet(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table without an index; the bytes depend on the values alone."""
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd", write_page_checksum=True)


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.8g")


def read_csv(path: str | Path, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a CSV file; an empty one gives an empty table, a missing column is an InputError."""
    try:
        frame = pd.read_csv(path)
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(f"{path} lacks column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    return frame


def read_parquet(path: str | Path, columns: tuple[str, ...] = (), filters: Any = None) -> pd.DataFrame:
    """Read a Parquet table and check that the named columns are there; `filters` as in pyarrow: [("scale", "in", …)].

    Raises
    ------
    InputError
        If the file is missing, unreadable, or lacks a column.
    """
    try:
        frame = pd.read_parquet(path, filters=filters, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except Exception as error:  # pyarrow raises many kinds for a damaged file; all mean the same to a user
        raise InputError(f"{path} is not a readable Parquet file ({error}); delete it and run again") from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"{path} lacks columns {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    texts = [name for name in columns if name not in _TEXTS and not pd.api.types.is_numeric_dtype(frame[name])]
    if texts:
        raise InputError(
            f"{path}: column {texts[0]} holds {frame[texts[0]].dtype}, expected numbers; delete it and run again"
        )
    return frame


def write_tensors(path: str | Path, tensors: dict[str, np.ndarray]) -> None:
    """Write a fitted model, name → array, all or nothing."""
    from safetensors.numpy import save_file  # most of what reads files does without

    plain = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_with(path, lambda temporary: save_file(plain, temporary))


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Read a fitted model; a file that is damaged or gone is an InputError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"cannot read the model {path}: {error}; expected a whole file; delete it and run again"
        ) from error


def save_with(path: str | Path, save: Callable[[Path], object]) -> None:
    """Write `path` atomically through `save(temporary_path)` (figures, tensors, boosters)."""
    with atomic_path(path) as temporary:
        save(temporary)
