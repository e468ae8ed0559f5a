"""One chunk of the store as it lies on disk: read whole, its padding looked at, its checksum."""

from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import zarr

_CRC_BYTES = 262_144


def crc32c(array: np.ndarray) -> str:
    """CRC-32C of the values in C order, as eight hexadecimal digits."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    value = 0
    for start in range(0, len(flat), _CRC_BYTES):  # the library takes copies alone: small ones stay in cache
        value = google_crc32c.extend(value, flat[start : start + _CRC_BYTES].tobytes())
    return f"{value:08x}"


def whole_chunks(group: Any, name: str) -> Any:
    """An array of the store with its last chunk in full, so that what lies behind the last spectrum is seen too."""
    array = group[name]
    rows = -(-array.shape[0] // array.chunks[0]) * array.chunks[0]
    return zarr.Array.from_dict(array.store_path, array.metadata.to_dict() | {"shape": (rows, *array.shape[1:])})


def read_rows(array: Any, start: int, stop: int, end: int) -> np.ndarray:
    """Rows start … stop − 1 of an array of `whole_chunks`; ValueError unless the padding up to `end` is empty."""
    key = Path(array.store.root, array.path, "c", str(start // array.chunks[0]), "0")
    if array.compressors:
        _require_whole_blosc(key)
        whole = np.asarray(array[start:end])
    elif array.ndim == 2 and end - start == array.chunks[0]:
        whole = _plain_chunk(key, array)
    else:
        whole = np.asarray(array[start:end])
    if whole[stop - start :].view(np.uint8).any():
        raise ValueError("it was altered behind its last spectrum")
    return whole[: stop - start]


def _plain_chunk(key: Path, array: Any) -> np.ndarray:
    """One chunk that no codec touched: its file is the array in C order, little-endian; read in one go, without the
    copies that zarr's pipeline makes (twice as fast)."""
    values = np.fromfile(key, dtype=np.dtype(array.dtype).newbyteorder("<"))
    if values.nbytes != key.stat().st_size or values.size != np.prod(array.chunks):
        raise ValueError(f"{key.stat().st_size} bytes, expected {int(np.prod(array.chunks)) * values.itemsize}")
    return values.reshape(array.chunks)


def _require_whole_blosc(path: Path) -> None:
    """ValueError for a truncated chunk: blosc trusts the length in its header and would read behind the end."""
    with path.open("rb") as stream:
        header = stream.read(16)
    if int.from_bytes(header[12:16], "little") != path.stat().st_size:
        raise ValueError("it was truncated")
