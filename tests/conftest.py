"""What the tests share. `synthetic` and `independent` beside this file are imported by name."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from logg1m.config.compute import Compute
from logg1m.config.data import Data, Observation
from logg1m.observe import Observer, StellarGrid
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.generation import generate
from logg1m.spectra.store import Store

SMALL = 2_100  # two whole chunks and one of 52 rows

settings.register_profile("logg1m", deadline=None, derandomize=True, max_examples=25, database=None)
settings.register_profile("nightly", deadline=None, max_examples=500, database=None, print_blob=True)
settings.load_profile("logg1m")


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Nothing that the tests' own process writes has to survive a loss of power: thousands of flushes take a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def grid() -> StellarGrid:
    return StellarGrid.load()


@pytest.fixture(scope="session")
def observer64(grid: StellarGrid) -> Observer:
    return Observer(grid, Observation(), dtype=torch.float64)


@pytest.fixture(scope="session")
def small_source(grid: StellarGrid) -> EmbeddedSource:
    return EmbeddedSource(Data(n_spectra=SMALL), seed=20251222, grid=grid)


@pytest.fixture(scope="session")
def small_store(small_source: EmbeddedSource, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of 2,100 embedded spectra; read only: whoever alters it makes a copy first."""
    manifest = tmp_path_factory.mktemp("small_store") / "manifest.json"
    generate(small_source, manifest, Compute(threads=2), code="test")
    return Store(manifest)


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """The command `mount`; what it mounted is gone afterwards, the last first."""
    mounted: list[str] = []

    def command(*arguments: str) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs root, to mount a file system")
        try:
            done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        if not any(word.startswith("remount") for word in arguments):
            mounted.append(arguments[-1])

    yield command
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path, mount: Callable[..., None]) -> Path:
    """A folder on a disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    return folder


@pytest.fixture
def make_read_only(mount: Callable[..., None]) -> Iterator[Callable[[Path], None]]:
    """A function after which nothing can be written in or below a folder, not even by root."""
    locked: list[Path] = []

    def lock(folder: Path) -> None:
        if os.geteuid() == 0:
            mount("--bind", str(folder), str(folder))
            mount("-o", "remount,bind,ro", str(folder))
        else:
            locked.append(folder)
            _allow(folder, 0o555)

    yield lock
    for folder in locked:
        _allow(folder, 0o755)


def _allow(folder: Path, mode: int) -> None:
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        path.chmod(mode)
