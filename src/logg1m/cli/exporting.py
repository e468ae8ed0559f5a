"""Store → shard: what `logg1m export-hdf5` does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from logg1m.files import InputError
from logg1m.jobs.progress import Progress
from logg1m.sources.pfs.labels import STELLAR
from logg1m.sources.pfs.masks import BAD
from logg1m.sources.pfs.source import ROLES
from logg1m.sources.pfs.writer import Part, params_table, write_shard
from logg1m.spectra import identifiers
from logg1m.spectra.store import Store


def export_store(store: Store, path: str | Path, role: str | None = None, dtype: str = "float32") -> int:
    """Write a store as one shard, with the identifiers its spectra came with, and return the number of spectra written.

    Parameters
    ----------
    store : an open store
    path : shard to write
    role : 'train', 'val' or 'test': only those spectra (for a store that was imported with frozen sets)
    dtype : float32 keeps every bit of the store

    Raises
    ------
    InputError
        If the store has no such spectra, is damaged, or the disk refuses.
    """
    absent = {STELLAR[column][0] for column in store.source.get("absent", [])}  # no shard had them
    labels = {name: values.to_numpy() for name, values in store.labels().items() if name not in absent}
    names = identifiers.read(store)
    wanted = np.ones(store.n_spectra, dtype=bool)
    if role is not None:
        wanted = labels.get("role", np.full(store.n_spectra, -1)) == ROLES.index(role)
        if not wanted.any():
            raise InputError(f"{store.path} holds no spectra of the role '{role}'; leave the role out to export all")
    progress = Progress(f"export to {path}", store.n_spectra)

    def parts() -> Iterator[Part]:
        for chunk in range(store.n_chunks):
            start, stop = store.rows(chunk)
            rows = wanted[start:stop]
            if rows.any():
                arrays = {name: store.read(chunk, name)[rows] for name in store.manifest["arrays"]}
                part = {str(name): values[start:stop][rows] for name, values in labels.items()}
                if "mask" in arrays:
                    arrays["mask"] = BAD * (arrays["mask"] != 0)
                known = None if names is None else names.iloc[start:stop][rows]
                yield arrays, params_table(arrays, part, known)
            progress.add(stop - start)

    count = int(wanted.sum())
    write_shard(path, store.wave, parts(), count, dtype=dtype, chunk_rows=1024)
    progress.finish()
    return count
