"""The Zarr v3 store of spectra and its manifest.

Beside `manifest.json` lie `spectra.zarr` (flux and error in whole chunks of 1,024 spectra; labels as 1-D arrays) and
`journal/`, which makes writing resumable: one small file per finished chunk, with its checksums and labels and the
identity of the data that it belongs to. Chunks may be written in any order by any number of workers; a chunk exists
only once its journal entry does. One process at a time writes a store: it holds a lock on `.writing` beside the
manifest, and where a file system has no locks the identities show that somebody else was at work.
"""

import fcntl
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import MemoryStore

from logg1m.files import InputError, atomic_path, flush_folder, read_json, write_json
from logg1m.spectra.chunks import crc32c, read_rows, whole_chunks
from logg1m.spectra.finding import manifest_of

CHUNK_ROWS = 1024
_LABEL_CHUNK = 65_536
FORMAT = "logg1m store 2"
_REQUIRED = ("n_spectra", "n_pixels", "arrays", "labels", "source", "store_id", "crc32c", "wave_crc32c")


def digest(value: Any) -> str:
    """A short stable hash of plain JSON data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Layout:
    """What a store will hold; `code` stands for all else that its values come from: code, and files that are read."""

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
    def identity(self) -> dict[str, Any]:
        """What chunks must have been written for to be kept by a later writer."""
        said = digest([self.n_spectra, crc32c(self.wave), self.arrays, self.labels, self.source])
        return {"data": said, "compression": self.compression, "code": self.code}

    def rows(self, chunk: int) -> tuple[int, int]:
        return chunk * CHUNK_ROWS, min((chunk + 1) * CHUNK_ROWS, self.n_spectra)


def store_id(n_spectra: int, wave: np.ndarray, said: list[Any], sums: dict[str, Any]) -> str:
    """Identity of the data: equal ids mean equal values.

    said : arrays, labels and source, as the manifest has them; sums : its checksums
    """
    return digest([n_spectra, crc32c(wave), *said, sums])


class Writer:
    """Writes a store chunk by chunk; whatever an interrupted writer finished is kept.

    replace : whether a finished store of other data may be written over

    Raises
    ------
    InputError
        If another process writes here, other data may not be replaced, or the disk refuses.
    """

    def __init__(self, manifest: str | Path, layout: Layout, replace: bool = True) -> None:
        self.manifest, self.layout = Path(manifest), layout
        self.path = self.manifest.parent / "spectra.zarr"
        self.journal = self.manifest.parent / "journal"
        if layout.n_spectra < 1:
            raise InputError(f"a store needs at least one spectrum, got n_spectra = {layout.n_spectra}")
        self._known = self.journal / "identity.json"
        self._mark = digest(layout.identity)
        self._lock: IO[str] | None = None
        try:
            self._take()
            self._open(replace)
        except OSError as error:
            raise InputError(f"cannot write the store {self.path}: {error.strerror or error}") from error

    def __getstate__(self) -> dict[str, Any]:
        """Workers write for the process that holds the lock."""
        return vars(self) | {"_lock": None}

    def _take(self) -> None:
        """Lock the store for this process; a file system without locks lets everyone in."""
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        lock = (self.manifest.parent / ".writing").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise InputError(
                f"another process is writing the store {self.path}; wait for it to end, or choose another folder"
            ) from None
        except OSError:
            pass
        self._lock = lock

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        """Let others write."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def _open(self, replace: bool) -> None:
        known, identity = self._known, self.layout.identity
        if not known.exists() or read_json(known) != identity:
            if not replace and self.manifest.exists():
                raise InputError(
                    f"{self.manifest.parent} holds another store (other data, or files that have changed since); "
                    "choose another folder, or delete it to write anew"
                )
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
        # fill values get a file like any others: a chunk without one is a chunk that is missing
        with zarr.config.set({"array.write_empty_chunks": True}):
            self._arrays: dict[str, Any] = {name: self.group[name] for name in self.layout.arrays}

    def _require_own(self) -> None:
        """Stop if another process has begun to write other data here."""
        try:
            own = read_json(self._known) == self.layout.identity
        except InputError:
            own = False
        if not own:
            raise InputError(
                f"{self.path}: another process has begun to write other data here; nothing more is written. Let one of "
                "the two write into another folder"
            )

    def _skeleton(self) -> dict[str, bytes]:
        """Every file of the store but the spectra and their labels: metadata and wavelengths, name → bytes."""
        made: dict[str, Any] = {}
        layout, group = self.layout, zarr.create_group(MemoryStore(made))
        codec = BloscCodec(cname="lz4", shuffle="bitshuffle") if layout.compression == "blosc" else None
        for name, dtype in layout.arrays.items():
            shape, chunks = (layout.n_spectra, len(layout.wave)), (CHUNK_ROWS, len(layout.wave))
            how: dict[str, Any] = {"compressors": codec, "dimension_names": ("spectrum", "wave")}
            group.create_array(name, shape=shape, chunks=chunks, dtype=dtype, **how)
        for name in layout.labels:
            how = {"compressors": None, "dimension_names": ("spectrum",), "attributes": {"unit": layout.labels[name]}}
            group.create_array(name, shape=(layout.n_spectra,), chunks=(_LABEL_CHUNK,), dtype="float64", **how)
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
                crc32c(read_rows(whole_chunks(self.group, name), start, stop, start + CHUNK_ROWS))
                == str(entry[f"crc_{name}"])
                for name in self.layout.arrays
            )
        except (OSError, ValueError, RuntimeError):  # damaged bytes; blosc raises RuntimeError
            return False

    def _entry(self, chunk: int) -> dict[str, np.ndarray] | None:
        """The journal's entry of a chunk of these data, or None."""
        try:
            with np.load(self.journal / f"chunk_{chunk:06d}.npz", allow_pickle=False) as stored:
                entry = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        return entry if str(entry.get("identity")) == self._mark else None

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
        self._require_own()
        try:
            for name, values in arrays.items():
                self._arrays[name][start:stop] = values
                self._flush(name, chunk)
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error
        entry = {name: np.asarray(labels[name], dtype=np.float64) for name in self.layout.labels}
        checks = {f"crc_{name}": np.array(crc32c(values)) for name, values in arrays.items()}
        with atomic_path(self.journal / f"chunk_{chunk:06d}.npz") as temporary:
            np.savez(temporary, allow_pickle=False, identity=np.array(self._mark), **entry, **checks)

    def _flush(self, name: str, chunk: int) -> None:
        """Flush one chunk, which zarr renames without doing so."""
        path = self.path / name / "c" / str(chunk) / "0"
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        flush_folder(path.parent)

    def finish(self, summary: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the labels and, last of all, the manifest, which is returned; `summary` is what the source reports."""
        layout = self.layout
        self._require_own()
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
        said = [layout.arrays, layout.labels, layout.source]
        manifest = {
            "format": FORMAT,
            "store": self.path.name,
            "store_id": store_id(layout.n_spectra, layout.wave.astype("float64"), said, checks),
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
        if (known := self.manifest.get("format")) != FORMAT:
            raise InputError(f"{self.manifest_path} has the format {known!r}, expected {FORMAT!r}; {self._remedy()}")
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
            self._chunks = {name: whole_chunks(group, name) for name in self.manifest["arrays"]}
        except InputError:
            raise
        except Exception as error:  # zarr raises many kinds for damaged metadata; all mean the same to a user
            raise InputError(f"{self.path} is not a readable Zarr store ({error}); {self._remedy()}") from error
        if crc32c(self.wave) != self.manifest["wave_crc32c"]:
            raise InputError(f"{self.path}: wave is not what {manifest} says; {self._remedy()}")
        said = [self.manifest[name] for name in ("arrays", "labels", "source")]
        if store_id(self.n_spectra, self.wave, said, self.manifest["crc32c"]) != self.manifest["store_id"]:
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
            values = read_rows(self._chunks[name], start, stop, start + CHUNK_ROWS)
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
                array = whole_chunks(self._group, name)
                columns[name] = read_rows(array, 0, self.n_spectra, array.shape[0])
            except Exception as error:  # as in `read`
                raise InputError(f"{self.path}/{name} is unreadable ({error}); {self._remedy()}") from error
            if crc32c(columns[name]) != self.manifest["crc32c"][name][0]:
                raise InputError(f"{self.path}/{name} is not what {self.manifest_path} says; {self._remedy()}")
        return pd.DataFrame(columns)
