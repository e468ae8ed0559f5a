"""Shards → store outside a workflow: what `logg1m import` does."""

import shutil
from pathlib import Path
from typing import Any

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError, write_json
from logg1m.jobs.progress import log
from logg1m.sources.identity import stamp
from logg1m.sources.pfs.opening import Hindered
from logg1m.sources.pfs.source import PfsHdf5Source
from logg1m.sources.pfs.table import ShardError
from logg1m.spectra.generation import generate


def import_shards(data: Data, folder: Path, compute: Compute) -> dict[str, Any]:
    """Write the shards that `data.pfs_hdf5` names into the store in `folder`; return the source's summary.

    `folder` then holds manifest.json, spectra.zarr, journal/ and summary.json. An interrupted import goes on where
    it stopped; one that meets a bad spectrum takes back what it wrote.

    Raises
    ------
    InputError
        If a shard is bad, `folder` holds another store, or the disk refuses.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder: a store is one, and is never written in the place of something else")
    source = PfsHdf5Source(data)
    manifest, was_there = folder / "manifest.json", folder.exists()
    try:
        written = generate(source, manifest, compute, data.compression, stamp(data), replace=False)
        summary: dict[str, Any] = written["summary"]
    except Hindered:
        raise  # nothing is wrong with the shard: what is done so far is kept for the next call
    except ShardError:
        # The shard must change before this can succeed, and then nothing written so far is of use.
        for part in (folder / "spectra.zarr", folder / "journal"):
            shutil.rmtree(part, ignore_errors=True)
        (folder / ".writing").unlink(missing_ok=True)
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()
        raise
    write_json(folder / "summary.json", summary)
    shared = summary["duplicates"]["between_roles"]
    if shared:
        places = "; ".join(" = ".join(pair) for pair in summary["duplicates"]["examples"])
        log.warning(f"warning: {shared} pairs of identical spectra in different sets, which spoils the test: {places}")
    return summary


def in_words(summary: dict[str, Any]) -> str:
    """What an import found, one line per fact: 'shards: train 2, test 1'."""
    return "\n".join(f"{_words(name)}: {_value(value)}" for name, value in summary.items())


def _words(name: Any) -> str:
    return str(name).replace("_", " ")


def _value(value: Any) -> str:
    """A value as people write it: no brackets, no quotes."""
    if isinstance(value, dict):
        return "; ".join(f"{_words(name)} {_value(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_value(inner) for inner in value) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
