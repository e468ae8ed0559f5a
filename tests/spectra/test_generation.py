"""Generation: the same bytes whatever the workers, and whatever it was killed by, at any moment."""

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic import SyntheticSource

from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.sources.embedded import EmbeddedSource
from logg1m.spectra.generation import generate
from logg1m.spectra.store import CHUNK_ROWS, Store, Writer

N = 5 * CHUNK_ROWS + 7
SEED = 20251222


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(folder: Path, source: SyntheticSource, threads: int = 1, **options: str) -> dict[str, bytes]:
    generate(source, folder / "manifest.json", Compute(threads=threads), **options)
    return contents(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return run(tmp_path_factory.mktemp("undisturbed"), SyntheticSource(N))


# --- the number of workers and the order ---------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_no_byte(tmp_path, undisturbed, threads):
    assert run(tmp_path, SyntheticSource(N), threads) == undisturbed


@pytest.mark.slow
def test_embedded_spectra_are_the_same_bytes_from_one_thread_two_and_a_local_cluster(
    tmp_path, small_source, small_store
):
    expected = contents(small_store.manifest_path.parent)
    for name, compute in (("one", Compute(threads=1)), ("cluster", Compute(threads=2, dask_scheduler="local"))):
        generate(small_source, tmp_path / name / "manifest.json", compute, code="test")
        assert contents(tmp_path / name) == expected


def test_the_order_of_the_chunks_changes_no_byte(tmp_path, undisturbed):
    from tests.spectra.test_store import layout

    writer, source = Writer(tmp_path / "manifest.json", layout(N)), SyntheticSource(N)
    for chunk in (4, 0, 5, 2, 3, 1):
        block = source.read(*writer.layout.rows(chunk))
        writer.write(chunk, block.arrays, block.labels)
    writer.finish()
    assert contents(tmp_path) == undisturbed


def test_running_again_makes_nothing_anew(tmp_path, undisturbed):
    run(tmp_path, SyntheticSource(N))
    again = SyntheticSource(N)
    assert run(tmp_path, again) == undisturbed
    assert again.blocks_read == []


@pytest.mark.parametrize(
    ("n", "salt", "options"),
    [(N, 1, {}), (N - 3000, 0, {}), (N - 1, 0, {}), (N, 0, {"code": "another"}), (N, 0, {"compression": "blosc"})],
)
def test_the_journal_of_another_identity_is_discarded(tmp_path, n, salt, options):
    run(tmp_path / "reused", SyntheticSource(N))
    reused = SyntheticSource(n, salt)
    assert run(tmp_path / "reused", reused, **options) == run(tmp_path / "fresh", SyntheticSource(n, salt), **options)
    assert len(reused.blocks_read) == -(-n // CHUNK_ROWS)


# --- killed ---------------------------------------------------------------------------------------------------------


def _generate_and_die(folder: Path, source: SyntheticSource | EmbeddedSource, at: int | None, code: str = "") -> None:
    """Generate; at the `at`-th access to a file of the folder, kill this process with -9. Reports when it begins."""
    if at is not None:
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"):
                path = arguments[0]
                if isinstance(path, str | os.PathLike) and str(path).startswith(str(folder)):
                    seen += 1
                    if seen == at:
                        os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
    (folder / "begun").touch()
    generate(source, folder / "results" / "manifest.json", Compute(threads=1), code=code)


@pytest.fixture(scope="module")
def start() -> Callable[..., multiprocessing.process.BaseProcess]:
    """Start a generation in a process of its own, forked from a server that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["logg1m.spectra.generation", "logg1m.sources.embedded", "pytest"])

    def begin(folder: Path, *arguments: object) -> multiprocessing.process.BaseProcess:
        folder.mkdir(parents=True, exist_ok=True)
        process = context.Process(target=_generate_and_die, args=(folder, *arguments))
        process.start()
        return process

    return begin


def _rerun_equals(folder: Path, source: SyntheticSource | EmbeddedSource, expected: dict[str, bytes], **o: str) -> None:
    generate(source, folder / "results" / "manifest.json", Compute(threads=1), **o)
    assert contents(folder / "results") == expected  # so no *.partial or other leftover either


@pytest.mark.slow
def test_killed_at_a_file_access_and_run_again_it_ends_with_the_same_bytes(tmp_path, undisturbed, start):
    killed = 0
    for at in range(1, 400, 9):
        process = start(tmp_path / str(at), SyntheticSource(N), at)
        process.join()
        _rerun_equals(tmp_path / str(at), SyntheticSource(N), undisturbed)
        if process.exitcode != -signal.SIGKILL:
            assert process.exitcode == 0
            break
        killed += 1
    assert killed >= 12


@pytest.mark.slow
def test_killed_while_replacing_another_store_it_ends_with_the_same_bytes(tmp_path, undisturbed, start):
    for at in (2, 9, 14, 23, 37, 60):
        folder = tmp_path / str(at)
        run(folder / "results", SyntheticSource(2 * CHUNK_ROWS, salt=3))
        process = start(folder, SyntheticSource(N), at)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        _rerun_equals(folder, SyntheticSource(N), undisturbed)


@pytest.mark.slow
def test_killed_again_and_again_it_keeps_what_was_finished_and_ends_with_the_same_bytes(tmp_path, undisturbed, start):
    for at in (60, 55, 50, 45):
        process = start(tmp_path, SyntheticSource(N), at)
        process.join()
    kept = SyntheticSource(N)
    _rerun_equals(tmp_path, kept, undisturbed)
    assert len(kept.blocks_read) < 6


@pytest.mark.slow
def test_embedded_generation_killed_at_random_moments_ends_with_the_same_bytes(
    tmp_path, small_source, small_store, start
):
    expected = contents(small_store.manifest_path.parent)
    moments, killed = random.Random(SEED), 0
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        process = start(folder, small_source, None, "test")
        while not (folder / "begun").exists() and process.is_alive():
            process.join(0.005)
        process.join(moments.uniform(0.02, 0.5))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        _rerun_equals(folder, small_source, expected, code="test")
    assert killed


# --- what cannot be generated ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, -3])
def test_no_spectra_are_refused_and_an_earlier_store_is_left_alone(tmp_path, undisturbed, n):
    run(tmp_path, SyntheticSource(N))
    with pytest.raises(InputError, match=f"at least one spectrum, got n_spectra = {n}"):
        run(tmp_path, SyntheticSource(n))
    assert contents(tmp_path) == undisturbed


def test_a_nan_from_the_source_is_refused_by_spectrum_and_no_manifest_is_written(tmp_path, undisturbed):
    with pytest.raises(InputError, match="flux of spectrum 3000 is not finite; nothing was written for its chunk"):
        run(tmp_path, SyntheticSource(N, nan_at=3000))
    assert not (tmp_path / "manifest.json").exists()
    assert not (tmp_path / "spectra.zarr" / "flux" / "c" / "2").exists()
    assert run(tmp_path, SyntheticSource(N)) == undisturbed


def test_a_read_only_folder_is_one_clear_error_and_nothing_changes(tmp_path, undisturbed, make_read_only):
    folder = tmp_path / "results"
    run(folder, SyntheticSource(N))
    make_read_only(folder)
    for source in (SyntheticSource(N, salt=1), SyntheticSource(N)):
        with pytest.raises(InputError, match="cannot write"):
            run(folder, source)
        assert contents(folder) == undisturbed
    with pytest.raises(InputError, match="cannot write"):
        run(folder / "below", SyntheticSource(N))


def test_a_full_disk_is_one_clear_error_and_what_was_there_stays(small_disk, undisturbed):
    others = small_disk / "verdict.json"
    others.write_text("{}")
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device"):
        run(small_disk, SyntheticSource(N))
    assert others.read_text() == "{}"
    assert not (small_disk / "manifest.json").exists()
    assert not list(small_disk.rglob("*.partial"))
    finished = len(list((small_disk / "journal").glob("chunk_*.npz")))
    assert 0 < finished < 6
    with pytest.raises(InputError, match="cannot write"):
        run(small_disk, SyntheticSource(N))
    assert len(list((small_disk / "journal").glob("chunk_*.npz"))) >= finished


# --- the embedded source --------------------------------------------------------------------------------------------


def test_a_store_read_back_holds_what_the_source_gives(small_source, small_store):
    block, labels = small_source.read(1000, 1100), small_store.labels()
    for name in ("flux", "error"):
        stored = np.concatenate([small_store.read(0, name)[1000:], small_store.read(1, name)[:76]])
        np.testing.assert_array_equal(stored, block.arrays[name])
    for name, values in block.labels.items():
        np.testing.assert_array_equal(labels[name][1000:1100], values)


def test_another_seed_is_another_store(tmp_path, grid, small_store):
    other = EmbeddedSource(Data(n_spectra=2_100), seed=SEED + 1, grid=grid)
    generate(other, tmp_path / "manifest.json", Compute(threads=2))
    store = Store(tmp_path / "manifest.json")
    assert store.manifest["store_id"] != small_store.manifest["store_id"]
    assert not set(store.manifest["crc32c"]["flux"]) & set(small_store.manifest["crc32c"]["flux"])
