"""The commands on users' paths, masks, terminals and outputs, as they are typed."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from made_shard import miniature

from logg1m import cli
from logg1m.spectra.store import Store

COMMAND = "import sys; from logg1m.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "train_0" / "dataset.h5"
    path.parent.mkdir()
    miniature(path, 10, seed=1)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_variables_are_expanded_everywhere(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIN_DIR", str(shard.parent))
    monkeypatch.setenv("STORES", str(tmp_path))
    assert run(capsys, "inspect", "${TRAIN_DIR}/dataset.h5")[0] == 0
    assert run(capsys, "import", "$TRAIN_DIR/*.h5", "--store", "${STORES}/s")[0] == 0
    assert run(capsys, "verify", "${STORES}/s")[0] == 0
    assert run(capsys, "export-hdf5", "${STORES}/s", "${STORES}/out.h5")[0] == 0
    assert (tmp_path / "out.h5").exists()
    status, _, err = run(capsys, "import", "${NO_SUCH_DIR}/a.h5", "--store", tmp_path / "t")
    assert status == 1
    assert "names the environment variable NO_SUCH_DIR, which is not set" in err


def test_a_folder_of_shards_is_told_from_a_store(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (("inspect", shard.parent), ("import", shard.parent, "--store", tmp_path / "s")):
        status, _, err = run(capsys, *command)
        assert status == 1
        assert f"is a folder; name the file in it: '{shard}'" in err


def test_a_store_is_found_by_any_of_its_parts(small_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_store.manifest_path.parent
    for part in (folder, folder / "spectra.zarr", folder / "manifest.json"):
        assert Store(part).n_spectra == 2100
        status, out, _ = run(capsys, "inspect", part)
        assert status == 0
        assert "2,100 spectra" in out


def test_a_folder_without_a_manifest_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spectra.zarr").mkdir()
    (tmp_path / "spectra.zarr" / "zarr.json").write_text("{}")
    for part in (tmp_path, tmp_path / "spectra.zarr"):
        status, _, err = run(capsys, "verify", part)
        assert status == 1
        assert "is a folder without a manifest.json; name the folder of a store" in err
        assert "delete" not in err


def test_the_sense_of_a_mask_can_be_said(shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(shard.read_bytes())
    with h5py.File(path, "r+") as file:
        mask = file["dataset/arrays/mask/value"]
        mask[...] = 0
        mask[:, ::3] = 1
    status, _, err = run(capsys, "inspect", path)
    assert status == 1
    assert "set data.pfs_hdf5.mask_means (--mask-means) to good or bad" in err
    status, out, _ = run(capsys, "inspect", path, "--mask-means", "bad")
    assert status == 0
    assert "problems: none found" in out
    status, out, _ = run(capsys, "inspect", path, "--mask-means", "good")
    assert status == 1
    assert "67% of the first 10 spectra's pixels are masked: is the mask inverted?" in out
    assert run(capsys, "import", path, "--store", tmp_path / "s", "--mask-means", "bad")[0] == 0
    assert Store(tmp_path / "s").read(0, "mask").mean() == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_a_terminal_without_utf8_gets_signs_that_it_has(shard: Path, encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", COMMAND]
    done = subprocess.run([*command, "inspect", shard], capture_output=True, env=environment, check=True)
    out = done.stdout.decode(encoding)
    expected = {"ascii": "step 0.4272 A", "iso-8859-1": "step 0.4272 Å", "utf-8": "step 0.4272 Å"}[encoding]
    assert expected in out
    assert ("‖flux‖" if encoding == "utf-8" else "||flux||") in out
    assert b"Traceback" not in done.stderr
    failed = subprocess.run([*command, "inspect", "Å.h5"], capture_output=True, env=environment)
    assert failed.returncode == 1
    assert b"no file matches" in failed.stderr
    assert b"Traceback" not in failed.stderr
    assert subprocess.run([*command, "--help"], capture_output=True, env=environment).returncode == 0


def test_nothing_is_written_over_a_device_or_a_folder(
    small_store: Store, shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for target, what in ((pipe, "it is a device or a pipe"), (folder, "Is a directory")):
        status, _, err = run(capsys, "export-hdf5", small_store.manifest_path, target)
        assert status == 1
        assert f"cannot write {target}: {what}; name a file" in err
    status, _, err = run(capsys, "import", shard, "--store", pipe)
    assert status == 1
    assert f"{pipe} is no folder: a store is one" in err
    assert pipe.is_fifo()
    assert not list(folder.iterdir())
