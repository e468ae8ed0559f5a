"""The users' own spectra: shards written by pfsspec, concatenated in order, with frozen validation and test sets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pandas as pd

from logg1m.config.data import ALL_SPECTRA, Data
from logg1m.files import InputError
from logg1m.jobs.progress import log
from logg1m.sources import Block
from logg1m.sources.paths import expand
from logg1m.sources.pfs.identifiers import joined
from logg1m.sources.pfs.labels import OTHER, REQUIRED, STELLAR
from logg1m.sources.pfs.shard import Shard
from logg1m.sources.pfs.table import ShardError

ROLES = ("train", "val", "test")  # the values 0, 1, 2 of the label `role`
_RESERVED = {"flux", "error", "mask", "wave", "role", "id"}  # arrays of the store, and what is counted anew
_WAVE_TOLERANCE = 1e-3  # Å between shards


class PfsHdf5Source:
    """Spectra of all shards: training first (a prefix if fewer are asked for), then validation, then test.

    Raises
    ------
    InputError
        If a shard is bad, none matches a pattern, one is named twice, wavelengths differ between shards, label
        columns are missing, or more spectra are asked for than there are.
    """

    def __init__(self, data: Data) -> None:
        assert data.pfs_hdf5 is not None
        self.config = config = data.pfs_hdf5
        files = [(role, path) for role in ROLES for path in expand(getattr(config, role), f"data.pfs_hdf5.{role}")]
        _refuse_repeats(files)
        self.shards: list[Shard] = []
        for role, path in files:
            shard = Shard(path, config.n_pixels, config.on_median, config.median_tolerance, config.mask_means)
            self.shards.append(shard)
            self._require_same_wave(shard)
            for notice in shard.notices:
                log.info(f"{role} shard {notice}")
        self.roles = [ROLES.index(role) for role, _ in files]
        self.wave = self.shards[0].wave
        self.first_rows, self.n_spectra = self._take(data.n_spectra)
        self.arrays = {"flux": "float32", "error": "float32", "mask": "uint8"}
        self.absent = self._absent()
        self._columns = self._common_columns()
        self._require_enough()
        self.labels = dict(STELLAR.values()) | dict(self._columns.values()) | {"role": ""}
        self._keys = np.zeros(self.n_spectra, dtype=np.uint64)
        self._filled = np.zeros((self.n_spectra, 2), dtype=np.int32)
        self._masked = np.zeros(self.n_spectra, dtype=np.int32)
        self._scaled = np.zeros(self.n_spectra, dtype=bool)
        self._seen = np.zeros(self.n_spectra, dtype=bool)

    def _require_same_wave(self, shard: Shard) -> None:
        first = self.shards[0]
        apart = float(np.abs(shard.wave - first.wave).max())
        if apart > _WAVE_TOLERANCE:
            raise ShardError(
                f"{shard.path} and {first.path} have different wavelengths, up to {apart:.4f} Å apart; "
                "expected one scale for all shards"
            )

    def _take(self, n_spectra: int) -> tuple[np.ndarray, int]:
        """First spectrum id of every shard and, at the end, of nothing: a prefix of training, all of the rest."""
        rows = np.array([shard.n_rows for shard in self.shards])
        train = np.array(self.roles) == 0
        available, frozen = int(rows.sum()), int(rows[~train].sum())
        if n_spectra != ALL_SPECTRA:
            if n_spectra > available:
                raise InputError(
                    f"data.n_spectra = {n_spectra}, but the {len(rows)} shards hold {available} spectra; ask for "
                    "fewer, or set data.n_spectra: null to take all of them"
                )
            if n_spectra <= frozen:
                raise InputError(
                    f"data.n_spectra = {n_spectra} leaves nothing to train on: the frozen validation and test shards "
                    f"hold {frozen} spectra and are always taken whole; expected {frozen + 1} … {available}"
                )
            starts = np.cumsum(rows[train]) - rows[train]
            rows[train] = np.clip(n_spectra - frozen - starts, 0, rows[train])
        first = np.concatenate([[0], np.cumsum(rows)])
        return first, int(first[-1])

    def _require_enough(self) -> None:
        """Refuse a role whose spectra have one value of log g: nothing can be inferred, and no R² taken, from them."""
        counts = np.diff(self.first_rows)
        for role, name in enumerate(ROLES):
            parts = [s.labels["log_g"][:n] for s, r, n in zip(self.shards, self.roles, counts) if r == role]
            if parts and len(np.unique(values := np.concatenate(parts))) < 2:
                raise InputError(
                    f"data.pfs_hdf5.{name}: its {len(values)} spectra all have log_g = {values[0]:g}; expected at least "
                    "two that differ, or there is nothing to infer"
                )

    def _absent(self) -> tuple[str, ...]:
        """Abundance columns that no shard has, or has a value in; they count as labels that do not vary, as 0.

        Raises
        ------
        ShardError
            If one shard has a column that another lacks.
        """
        absent = []
        for name in (name for name in STELLAR if name not in REQUIRED):
            lacking = [s for s in self.shards if name not in s.labels or not np.isfinite(s.labels[name]).any()]
            if not lacking:
                continue
            if having := [shard for shard in self.shards if shard not in lacking]:
                raise ShardError(
                    f"{lacking[0].path} has no label {name}, but {having[0].path} has it; expected all shards with it, or "
                    "all without: then it counts as a label that does not vary"
                )
            absent.append(name)
            log.info(f"no shard has the label {name}: it counts as one that does not vary, and is stored as 0")
        return tuple(absent)

    def _common_columns(self) -> dict[str, tuple[str, str]]:
        """Columns that every shard has without gaps → (label, unit); Teff, log g and [M/H] must be there, and all stellar
        ones without gaps."""
        stellar = {name: label for name, label in STELLAR.items() if name not in self.absent}
        for shard in self.shards:
            missing = [name for name in stellar if name not in shard.labels]
            if missing:
                raise ShardError(
                    f"{shard.path}: the label table lacks {', '.join(missing)}; it has {', '.join(shard.labels)}"
                )
            for name in stellar:
                bad = ~np.isfinite(shard.labels[name])
                if bad.any():
                    raise ShardError(
                        f"{shard.path}: label {name} of row {int(np.argmax(bad))} is not finite "
                        f"({int(bad.sum())} rows); every spectrum needs it"
                    )
        columns = dict(stellar)
        for name in self.shards[0].labels:
            label = OTHER.get(name, (name, ""))
            taken = {known for known, _ in (STELLAR | columns).values()} | _RESERVED
            if name in STELLAR or label[0] in taken or not name.isidentifier():
                continue
            found = [shard.labels[name] for shard in self.shards if name in shard.labels]
            if len(found) == len(self.shards) and all(np.isfinite(values).all() for values in found):
                columns[name] = label
            elif any(np.isfinite(values).any() for values in found):
                log.info(f"label column {name} is not imported: some spectra or shards have no value")
        return columns

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "pfs_hdf5",
            "n_spectra": self.n_spectra,
            "on_median": self.config.on_median,
            "median_tolerance": self.config.median_tolerance,
            "mask_means": self.config.mask_means,
            **({"absent": list(self.absent)} if self.absent else {}),
            "files": [
                {
                    "role": ROLES[role],
                    "name": "/".join(shard.path.absolute().parts[-2:]),  # shards are often all called dataset.h5
                    "bytes": shard.path.stat().st_size,
                    "rows": shard.n_rows,
                    "sha256_sampled": shard.fingerprint(),
                }
                for role, shard in zip(self.roles, self.shards)
            ],
        }

    def _segments(self, start: int, stop: int) -> Iterator[tuple[int, slice, int]]:
        """Shards that hold spectra start … stop − 1: (shard number, rows of the block, first row in the shard)."""
        for k in range(len(self.shards)):
            low, high = max(start, int(self.first_rows[k])), min(stop, int(self.first_rows[k + 1]))
            if low < high:
                yield k, slice(low - start, high - start), low - int(self.first_rows[k])

    def read(self, start: int, stop: int) -> Block:
        """Spectra start … stop − 1 as the store wants them: clean, float32, with a mask that is nonzero = bad."""
        count = stop - start
        arrays = {name: np.zeros((count, len(self.wave)), dtype=dtype) for name, dtype in self.arrays.items()}
        labels = {name: np.zeros(count) for name in self.labels}
        for k, rows, first in self._segments(start, stop):
            shard, last = self.shards[k], first + rows.stop - rows.start
            spectra = shard.read(first, last)
            for name, values in arrays.items():
                values[rows] = getattr(spectra, name)
            for column, (name, _) in self._columns.items():
                labels[name][rows] = shard.labels[column][first:last]
            labels["role"][rows] = self.roles[k]
            ids = slice(start + rows.start, start + rows.stop)
            self._keys[ids] = [_key(row) for row in spectra.flux]
            self._filled[ids], self._scaled[ids] = spectra.filled, spectra.renormalised
            self._masked[ids] = np.count_nonzero(spectra.mask, axis=1)
            self._seen[ids] = True
            for other in self.shards:  # at most one shard keeps an unpacked chunk
                if other is not shard:
                    other.forget()
        return Block(arrays, labels)

    def summary(self) -> dict[str, Any]:
        """What was mended and what is there twice, for the manifest; reads whatever `read` has not seen yet.

        Returns
        -------
        spectra per role; pixels whose flux, and whose error, was filled, and spectra concerned; masked pixels (the
        filled ones among them) and spectra with any; spectra renormalised; duplicates between roles (pairs, and up to
        ten of them as file:row) and spectra that repeat an earlier one of the same role.
        """
        block = 1024
        for start in range(0, self.n_spectra, block):
            stop = min(start + block, self.n_spectra)
            if not self._seen[start:stop].all():
                self.read(start, stop)
        role = np.repeat(self.roles, np.diff(self.first_rows))
        return {
            "spectra": {name: int((role == k).sum()) for k, name in enumerate(ROLES)},
            "flux_pixels_filled": int(self._filled[:, 0].sum()),
            "spectra_with_filled_flux": int((self._filled[:, 0] > 0).sum()),
            "error_pixels_filled": int(self._filled[:, 1].sum()),
            "spectra_with_filled_error": int((self._filled[:, 1] > 0).sum()),
            "pixels_masked": int(self._masked.sum(dtype=np.int64)),
            "spectra_with_masked_pixels": int((self._masked > 0).sum()),
            "spectra_renormalised": int(self._scaled.sum()),
            "duplicates": self._duplicates(role),
        }

    def identifiers(self) -> pd.DataFrame:
        """One row per spectrum: the shard and row it came from, its identifier, and what labels cannot hold exactly."""
        parts = [
            (shard.path, ROLES[role], shard.table, int(count))
            for shard, role, count in zip(self.shards, self.roles, np.diff(self.first_rows))
        ]
        return joined(parts, set(self._columns))

    def _duplicates(self, role: np.ndarray) -> dict[str, Any]:
        order = np.lexsort((np.arange(self.n_spectra), self._keys))
        starts = np.flatnonzero(np.r_[True, np.diff(self._keys[order]) != 0, True])
        pairs, repeats = 0, 0
        examples: list[list[str]] = []
        for k in np.flatnonzero(np.diff(starts) > 1):
            same = order[starts[k] : starts[k + 1]]
            counts = np.bincount(role[same], minlength=len(ROLES))
            repeats += int(np.maximum(counts - 1, 0).sum())
            pairs += int((counts.sum() ** 2 - (counts**2).sum()) // 2)
            if (counts > 0).sum() > 1 and len(examples) < 10:
                other = same[role[same] != role[same[0]]][0]
                examples.append([self._place(int(same[0])), self._place(int(other))])
        return {"between_roles": pairs, "examples": examples, "within_a_role": repeats}

    def _place(self, spectrum: int) -> str:
        k = int(np.searchsorted(self.first_rows, spectrum, side="right")) - 1
        return f"{ROLES[self.roles[k]]} {self.shards[k].path.name}:{spectrum - int(self.first_rows[k])}"


def _key(flux: np.ndarray) -> int:
    """64-bit key of one spectrum: the CRC-32C of either half of its pixels."""
    content = flux.tobytes()
    half = len(content) // 2
    return int(google_crc32c.value(content[:half])) << 32 | int(google_crc32c.value(content[half:]))


def _refuse_repeats(files: list[tuple[str, Path]]) -> None:
    known: dict[Path, str] = {}
    for role, path in files:
        if path.resolve() in known:
            raise InputError(
                f"{path} is named twice in data.pfs_hdf5 (as {known[path.resolve()]} and as {role}); every shard has "
                "one role, and a frozen set must not be trained on"
            )
        known[path.resolve()] = role
