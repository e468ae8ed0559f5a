"""Where the manifest of a store is, whichever of its parts is named."""

from pathlib import Path

from logg1m.files import InputError

MANIFEST = "manifest.json"


def holds_store(path: Path) -> bool:
    """Whether a path is the folder of a store, or the spectra.zarr in it."""
    return path.is_dir() and any((place / MANIFEST).is_file() for place in _places(path))


def manifest_of(path: str | Path) -> Path:
    """The manifest that a path means: itself, or the one of the store whose folder, spectra.zarr or run it is.

    Raises
    ------
    InputError
        If it is a folder without a manifest.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    for place in _places(path):
        if (place / MANIFEST).is_file():
            return place / MANIFEST
    raise InputError(
        f"{path} is a folder without a {MANIFEST}; name the folder of a store, which holds {MANIFEST} and "
        "spectra.zarr, or of a run (a store whose writing was interrupted has none yet: finish it by the call that "
        "began it)"
    )


def _places(path: Path) -> list[Path]:
    """A folder, where it is the Zarr store itself the one above it, and where it is a run's the one of its data."""
    return [path, path.resolve().parent] if (path / "zarr.json").exists() else [path, path / "results/data"]
