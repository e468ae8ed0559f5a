"""The Zarr v3 store of spectra and its manifest.

Beside `manifest.json` lie `spectra.zarr` (flux and error in whole chunks of 1,024 spectra; labels as 1-D arrays) and
`journal/`, which makes writing resumable: one small file per finished chunk, with its checksums and labels. Chunks
may be written in any order by any number of workers; a chunk exists only once its journal entry does.
"""

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pandas as pd
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import MemoryStore

from logg1m.files import InputError, atomic_path, flush_folder, read_json, write_json
from logg1m.spectra.finding import manifest_of

CHUNK_ROWS = 1024
zarr.config.set({"array.write_empty_chunks": True})  # a mask of zeros is data: its chunks are files like all others
_LABEL_CHUNK = 65_536
_CRC_BYTES = 262_144
_REQUIRED = ("n_spectra", "n_pixels", "arrays", "labels", "source", "store_id", "crc32c", "wave_crc32c")


def digest(value: Any) -> str:
    """A short stable hash of plain JSON data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def crc32c(array: np.ndarray) -> str:
    """CRC-32C of the values in C order, as eight hexadecimal digits."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    value = 0
    for start in range(0, len(flat), _CRC_BYTES):  # the library takes copies alone: small ones stay in cache
        value = google_crc32c.extend(value, flat[start : start + _CRC_BYTES].tobytes())
    return f"{value:08x}"


def _whole_chunks(group: Any, name: str) -> Any:
    """An array of the store with its last chunk in full, so that what lies behind the last spectrum is seen too."""
    array = group[name]
    rows = -(-array.shape[0] // array.chunks[0]) * array.chunks[0]
    return zarr.Array.from_dict(array.store_path, array.metadata.to_dict() | {"shape": (rows, *array.shape[1:])})


def _read_rows(array: Any, start: int, stop: int, end: int) -> np.ndarray:
    """Rows start … stop − 1 of an array of `_whole_chunks`; ValueError unless the padding up to `end` is empty."""
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


@dataclass(frozen=True)
class Layout:
    """What a store will hold; `identity` also covers the code that makes it."""

    n_spectra: int
    wave: np.ndarray
    arrays: dict[str, str]
    labels: dict[str, str]
    source: dict[str, Any]
    compression: str = "none"
    code: str = ""

    @property
    def n_chunks(self) -> int:
        return -(-self.n_spectra // CHUNK_ROWS)

    @property
    def store_id(self) -> str:
        """Identity of the data: equal ids mean equal values."""
        return digest([self.n_spectra, crc32c(self.wave), self.arrays, self.labels, self.source])

    def rows(self, chunk: int) -> tuple[int, int]:
        return chunk * CHUNK_ROWS, min((chunk + 1) * CHUNK_ROWS, self.n_spectra)


class Writer:
    """Writes a store chunk by chunk; whatever an interrupted writer finished is kept."""

    def __init__(self, manifest: str | Path, layout: Layout) -> None:
        self.manifest, self.layout = Path(manifest), layout
        self.path = self.manifest.parent / "spectra.zarr"
        self.journal = self.manifest.parent / "journal"
        if layout.n_spectra < 1:
            raise InputError(f"a store needs at least one spectrum, got n_spectra = {layout.n_spectra}")
        identity = {"store_id": layout.store_id, "compression": layout.compression, "code": layout.code}
        try:
            self._open(identity)
        except OSError as error:
            raise InputError(f"cannot write the store {self.path}: {error.strerror or error}") from error

    def _open(self, identity: dict[str, Any]) -> None:
        known = self.journal / "identity.json"
        if not known.exists() or read_json(known) != identity:
            for stale in (self.path, self.journal):
                if stale.exists():
                    shutil.rmtree(stale)
            write_json(known, identity)
        for folder in (self.path, self.journal):  # temporary files of a killed writer
            for leftover in (*folder.rglob("*.partial"), *folder.rglob(".*.tmp*")):
                leftover.unlink()
        for leftover in self.manifest.parent.glob(f".{self.manifest.stem}.*.tmp*"):
            leftover.unlink()
        for key, content in self._skeleton().items():
            path = self.path / key
            if not path.exists() or path.read_bytes() != content:
                with atomic_path(path) as temporary:
                    temporary.write_bytes(content)
        self.group: Any = zarr.open_group(self.path, mode="r+")

    def _skeleton(self) -> dict[str, bytes]:
        """Every file of the store but the spectra and their labels: metadata and wavelengths, name → bytes."""
        made: dict[str, Any] = {}
        layout, group = self.layout, zarr.create_group(MemoryStore(made))
        codec = BloscCodec(cname="lz4", shuffle="bitshuffle") if layout.compression == "blosc" else None
        for name, dtype in layout.arrays.items():
            group.create_array(
                name, shape=(layout.n_spectra, len(layout.wave)), chunks=(CHUNK_ROWS, len(layout.wave)),
                dtype=dtype, compressors=codec, dimension_names=("spectrum", "wave"),
            )  # fmt: skip
        for name in layout.labels:
            group.create_array(
                name, shape=(layout.n_spectra,), chunks=(_LABEL_CHUNK,), dtype="float64", compressors=None,
                dimension_names=("spectrum",), attributes={"unit": layout.labels[name]},
            )  # fmt: skip
        wave = group.create_array("wave", data=layout.wave.astype("float64"), compressors=None)
        wave.attrs["unit"] = "Angstrom, vacuum"
        return {key: content.to_bytes() for key, content in made.items()}

    def done(self, chunk: int) -> bool:
        """Whether the chunk is on disk, whole and as its journal entry says."""
        entry = self._entry(chunk)
        if entry is None:
            return False
        start, stop = self.layout.rows(chunk)
        try:
            return all(
                crc32c(_read_rows(_whole_chunks(self.group, name), start, stop, start + CHUNK_ROWS))
                == str(entry[f"crc_{name}"])
                for name in self.layout.arrays
            )
        except (OSError, ValueError, RuntimeError):  # damaged bytes; blosc raises RuntimeError
            return False

    def _entry(self, chunk: int) -> dict[str, np.ndarray] | None:
        try:
            with np.load(self.journal / f"chunk_{chunk:06d}.npz", allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None

    def write(self, chunk: int, arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
        """Write one chunk and then its journal entry, each atomically; the chunk is on disk before its entry is.

        Raises
        ------
        InputError
            If values are not finite or the disk refuses.
        """
        start, stop = self.layout.rows(chunk)
        arrays = {name: np.asarray(arrays[name], dtype=dtype) for name, dtype in self.layout.arrays.items()}
        for name, values in {**arrays, **labels}.items():
            if len(values) != stop - start:
                raise InputError(f"{name}: chunk {chunk} needs {stop - start} rows, got {len(values)}")
            if not np.isfinite(values).all():
                bad = start + int(np.argmax(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
                raise InputError(f"{name} of spectrum {bad} is not finite; nothing was written for its chunk")
        try:
            for name, values in arrays.items():
                self.group[name][start:stop] = values
                self._flush(name, chunk)
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error
        entry = {name: np.asarray(labels[name], dtype=np.float64) for name in self.layout.labels}
        checks = {f"crc_{name}": np.array(crc32c(values)) for name, values in arrays.items()}
        with atomic_path(self.journal / f"chunk_{chunk:06d}.npz") as temporary:
            np.savez(temporary, allow_pickle=False, **entry, **checks)

    def _flush(self, name: str, chunk: int) -> None:
        """Flush one chunk, which zarr renames without doing so; a chunk of fill values has no file."""
        path = self.path / name / "c" / str(chunk) / "0"
        if path.exists():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            flush_folder(path.parent)

    def finish(self, summary: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the labels and, last of all, the manifest, which is returned; `summary` is what the source reports."""
        layout = self.layout
        entries = [self._entry(k) for k in range(layout.n_chunks)]
        missing = [k for k, entry in enumerate(entries) if entry is None]
        if missing:
            raise InputError(f"{self.path}: {len(missing)} chunks were not written, the first is {missing[0]}")
        complete = [entry for entry in entries if entry is not None]
        checks: dict[str, Any] = {name: [str(e[f"crc_{name}"]) for e in complete] for name in layout.arrays}
        try:
            for name in layout.labels:
                values = np.concatenate([entry[name] for entry in complete])
                self.group[name][:] = values
                checks[name] = [crc32c(values)]
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error
        manifest = {
            "format": "logg1m store 1",
            "store": self.path.name,
            "store_id": layout.store_id,
            "n_spectra": layout.n_spectra,
            "n_pixels": len(layout.wave),
            "chunk_rows": CHUNK_ROWS,
            "arrays": layout.arrays,
            "labels": layout.labels,
            "wave_crc32c": crc32c(layout.wave.astype("float64")),
            "source": layout.source,
            **({"summary": summary} if summary is not None else {}),
            "crc32c": checks,
        }
        write_json(self.manifest, manifest)
        return manifest


class Store:
    """A finished store, opened through its manifest; everything read is checked against it."""

    def __init__(self, manifest: str | Path) -> None:
        self.manifest_path = manifest = manifest_of(manifest)
        self.manifest = read_json(manifest, _REQUIRED)
        self.path = self.manifest_path.parent / Path(str(self.manifest.get("store", "spectra.zarr"))).name
        self.chunk_rows = CHUNK_ROWS
        try:
            self.n_spectra, self.n_pixels = int(self.manifest["n_spectra"]), int(self.manifest["n_pixels"])
            self.n_chunks = -(-self.n_spectra // CHUNK_ROWS)
            expected = dict.fromkeys(self.manifest["arrays"], self.n_chunks) | dict.fromkeys(self.manifest["labels"], 1)
            sums = {name: len(self.manifest["crc32c"][name]) for name in expected}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{manifest} is not a whole manifest ({error!r}); {self._remedy()}") from error
        if sums != expected:
            raise InputError(f"{manifest} holds {sums} checksums, expected {expected}; {self._remedy()}")
        self.source: dict[str, Any] = self.manifest["source"]
        try:
            if not (self.path / "zarr.json").exists():
                raise InputError(f"{self.path} does not exist, but {manifest} describes it; {self._remedy()}")
            group: Any = zarr.open_group(self.path, mode="r")
            self._group = group
            self.wave = np.asarray(group["wave"][:])
            shapes = {name: tuple(group[name].shape) for name in self.manifest["arrays"]}
            self._chunks = {name: _whole_chunks(group, name) for name in self.manifest["arrays"]}
        except InputError:
            raise
        except Exception as error:  # zarr raises many kinds for damaged metadata; all mean the same to a user
            raise InputError(f"{self.path} is not a readable Zarr store ({error}); {self._remedy()}") from error
        if crc32c(self.wave) != self.manifest["wave_crc32c"]:
            raise InputError(f"{self.path}: wave is not what {manifest} says; {self._remedy()}")
        said = [self.manifest[name] for name in ("arrays", "labels", "source")]
        if digest([self.n_spectra, crc32c(self.wave), *said]) != self.manifest["store_id"]:
            raise InputError(f"{manifest} was altered: its store_id is not that of what it says; {self._remedy()}")
        for name, shape in shapes.items():
            if shape != (self.n_spectra, self.n_pixels):
                raise InputError(
                    f"{self.path}/{name} has shape {shape}, {manifest} says "
                    f"{(self.n_spectra, self.n_pixels)}; {self._remedy()}"
                )

    def _remedy(self) -> str:
        return f"delete {self.manifest_path} and run again: intact chunks are kept, the others are made anew"

    def rows(self, chunk: int) -> tuple[int, int]:
        """First and last-plus-one spectrum id of a chunk."""
        return chunk * CHUNK_ROWS, min((chunk + 1) * CHUNK_ROWS, self.n_spectra)

    def size(self, chunk: int) -> int:
        """Spectra in a chunk."""
        start, stop = self.rows(chunk)
        return stop - start

    def read(self, chunk: int, name: str) -> np.ndarray:
        """One whole chunk (B, P) of an array.

        Raises
        ------
        InputError
            If the chunk is missing, unreadable or not what the manifest says.
        """
        start, stop = self.rows(chunk)
        key = self.path / name / "c" / str(chunk) / "0"
        try:
            key.stat()
            values = _read_rows(self._chunks[name], start, stop, start + CHUNK_ROWS)
        except FileNotFoundError as error:
            raise InputError(
                f"{key}: chunk {chunk} of {name} is missing (spectra {start} … {stop - 1}); {self._remedy()}"
            ) from error
        except Exception as error:  # zarr and its codecs raise many kinds for damaged bytes
            raise InputError(f"{key}: chunk {chunk} of {name} is unreadable ({error}); {self._remedy()}") from error
        found, expected = crc32c(values), self.manifest["crc32c"][name][chunk]
        if found != expected:
            raise InputError(
                f"{key}: chunk {chunk} of {name} was altered: its checksum is {found}, the manifest says {expected}; "
                f"{self._remedy()}"
            )
        return values

    def labels(self) -> pd.DataFrame:
        """All labels and observation parameters, one row per spectrum in the order of the ids.

        Raises
        ------
        InputError
            If an array is missing or not what the manifest says.
        """
        columns = {}
        for name in self.manifest["labels"]:
            try:
                array = _whole_chunks(self._group, name)
                columns[name] = _read_rows(array, 0, self.n_spectra, array.shape[0])
            except Exception as error:  # as in `read`
                raise InputError(f"{self.path}/{name} is unreadable ({error}); {self._remedy()}") from error
            if crc32c(columns[name]) != self.manifest["crc32c"][name][0]:
                raise InputError(f"{self.path}/{name} is not what {self.manifest_path} says; {self._remedy()}")
        return pd.DataFrame(columns)
