"""What spectra come from, beside the configuration: users' files, and whether a store was made from a source."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from logg1m.config.data import Data
from logg1m.config.files_sources import BoszConfig, PfsHdf5Config
from logg1m.files import InputError
from logg1m.sources import Simulator, Source
from logg1m.sources.paths import expand, place


def stamp(data: Data) -> str:
    """Fingerprint of every file that a source reads: name, size, and when it and its entry were last changed.

    It is taken whenever the workflow is looked at, so no file is opened. Equal stamps mean equal files; other stamps
    may mean that a file was only copied: then the spectra are made again, and come out as before. Data of the package
    count with the code that reads them (`jobs.provenance`).
    """
    if data.source == "bosz" and data.bosz:
        try:
            return stamp_of_folder(data.bosz)
        except InputError:  # a variable in the path that is not set: an error of the job that reads it
            return ""
    return _stamp(_shards(data.pfs_hdf5)) if data.source == "pfs_hdf5" and data.pfs_hdf5 else ""


def stamp_of_folder(config: BoszConfig) -> str:
    """The same of a folder of model spectra, and of the wavelengths that may lie in one of the two above it."""
    folder, name = Path(place(config.folder, "data.bosz.folder")).resolve(), f"bosz2024_wave_{config.resolution}.txt"
    inside = [Path(where) / file for where, _, files in os.walk(folder, followlinks=True) for file in files]
    above = [where / part / name for where in folder.parents[:2] for part in (".", "wavelength_grids")]
    kept = Path(place(config.grid_file, "data.bosz.grid_file")).resolve() if config.grid_file else None
    return _stamp(path for path in (*inside, *above) if path != kept and path.is_file())


def _shards(config: PfsHdf5Config) -> Iterator[Path]:
    """The shards that are there; one that is missing is an error of the job that reads it."""
    for role in ("train", "val", "test"):
        try:
            yield from expand(getattr(config, role), f"data.pfs_hdf5.{role}")
        except InputError:
            continue


def _stamp(paths: Iterable[Path]) -> str:
    rows = [(str(path), s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path in paths for s in [path.stat()]]
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]


def require_same(source: Source, stored: dict[str, Any], where: object) -> None:
    """Refuse to look at a store through a source that simulates other spectra than it holds.

    stored : the manifest's `source`

    Raises
    ------
    InputError
        Names what differs.
    """
    if not isinstance(source, Simulator):
        return  # bounds then come from the store alone
    now = json.loads(json.dumps(source.describe()))
    differing = [key for key in sorted({*now, *stored}) if now.get(key) != stored.get(key)]
    if differing:
        raise InputError(
            f"{where}: these spectra were made by another source than the one configured now (they differ in "
            f"{', '.join(differing)}); make them anew: snakemake --forcerun generate, with the same targets"
        )
