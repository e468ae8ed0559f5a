"""The `logg1m` command, as a user meets it."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from made_shard import miniature

from logg1m import cli
from logg1m.config.decisions import Decisions
from logg1m.decisions import gates
from logg1m.spectra.store import Store


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    miniature(folder / "train_0.h5", 12, seed=1, nan_edges=1)
    miniature(folder / "test.h5", 10, seed=2)
    return folder


@pytest.fixture
def store(small_store: Store, tmp_path: Path) -> Path:
    """A private copy of a store, to be damaged."""
    return Path(shutil.copytree(small_store.manifest_path.parent, tmp_path / "store"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_help_is_quick_and_names_every_command() -> None:
    command = [sys.executable, "-c", "import sys; from logg1m.cli import main; sys.exit(main(['--help']))"]
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        times.append(time.monotonic() - start)
    assert min(times) < 0.5
    for name in (
        "inspect",
        "import",
        "export-hdf5",
        "verify",
        "fetch-bosz",
        "status",
        "decide",
        "examples:",
        "Exit status",
    ):
        assert name in done.stdout


@pytest.mark.parametrize("command", ["inspect", "import", "export-hdf5", "verify", "fetch-bosz", "status", "decide"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 6


def test_wrong_usage_is_status_2() -> None:
    for arguments in ([], ["inspect"], ["nothing"], ["import", "a.h5"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2


def test_inspect_a_shard(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "inspect", shards / "test.h5")
    assert status == 0
    for text in ("10 spectra with 4096 pixels", "log_g", "step 0.4272 Å", "‖flux‖/‖error‖", "problems: none found"):
        assert text in out
    bare = Path(shutil.copy(shards / "test.h5", tmp_path))
    with h5py.File(bare, "r+") as file:
        del file["dataset/params"]
    status, _, err = run(capsys, "inspect", bare)
    assert status == 1
    assert "no group dataset/params" in err


def test_inspect_a_store(small_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (small_store.manifest_path, small_store.manifest_path.parent):
        status, out, _ = run(capsys, "inspect", path)
        assert status == 0
        assert "2,100 spectra with 4096 pixels" in out
        assert "source: embedded" in out


def test_import_verify_export(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine"
    imported = ("import", shards / "train_*.h5", "--test", shards / "test.h5", "--store", target)
    status, out, _ = run(capsys, *imported)
    assert status == 0
    assert "spectra: train 12; val 0; test 10" in out
    assert (target / "summary.json").exists()
    _, first, _ = run(capsys, "verify", target)
    assert "22 spectra, all as the manifest says\nsha256 " in first
    assert run(capsys, *imported)[0] == 0  # again: all there
    assert run(capsys, "verify", target)[1] == first
    status, out, _ = run(capsys, "export-hdf5", target, tmp_path / "out.h5", "--role", "test")
    assert (status, out) == (0, f"{tmp_path / 'out.h5'}: 10 spectra\n")
    status, _, err = run(capsys, "import", tmp_path / "out.h5", "--store", target)
    assert status == 1
    assert "holds another store" in err
    assert run(capsys, "verify", target)[1] == first


def test_import_warns_of_duplicates(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    copy = shutil.copy(shards / "test.h5", tmp_path / "copy.h5")
    status, out, _ = run(capsys, "import", copy, "--test", shards / "test.h5", "--store", tmp_path / "s")
    assert status == 0
    assert "between roles 10" in out
    assert "10 pairs of identical spectra in different sets" in caplog.text


def test_a_failed_import_leaves_nothing(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Path(shutil.copy(shards / "train_0.h5", tmp_path / "bad.h5"))
    with h5py.File(bad, "r+") as file:
        file["dataset/arrays/error/value"][11, 5] = -1
    # As in a large shard, whose sample need not hold the bad row.
    monkeypatch.setattr("logg1m.sources.pfs.shard.Shard._check_sample", lambda self: [])
    status, _, err = run(capsys, "import", bad, "--store", tmp_path / "s")
    assert status == 1
    assert "error of row 11, pixel 5 is -1" in err
    assert "Traceback" not in err
    assert not (tmp_path / "s").exists()


def test_bad_input_is_one_line_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.h5").write_text("not HDF5")
    cases = [
        ("inspect", tmp_path / "text.h5"),
        ("inspect", tmp_path / "missing.h5"),
        ("inspect", tmp_path),
        ("verify", tmp_path / "manifest.json"),
        ("import", tmp_path / "*.none", "--store", tmp_path / "s"),
        ("export-hdf5", tmp_path, tmp_path / "o.h5"),
    ]
    for case in cases:
        status, out, err = run(capsys, *case)
        assert (status, out) == (1, "")
        assert err.startswith("logg1m: ")
        assert err.count("\n") == 1
    status, _, err = run(capsys, "import", tmp_path / "text.h5", "--store", tmp_path / "s", "--pixels", "63")
    assert status == 1
    assert "pfs_hdf5.n_pixels = 63" in err
    assert not (tmp_path / "s").exists()


def test_verify_names_every_damaged_part(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for chunk in (0, 2):
        path = store / "spectra.zarr" / "flux" / "c" / str(chunk) / "0"
        content = bytearray(path.read_bytes())
        content[100] ^= 1
        path.write_bytes(content)
    (store / "spectra.zarr" / "error" / "c" / "1" / "0").unlink()
    status, out, err = run(capsys, "verify", store)
    assert (status, out) == (1, "")
    assert "3 damaged parts" in err
    for text in ("chunk 0 of flux", "chunk 2 of flux", "chunk 1 of error is missing"):
        assert text in err


def test_status_is_a_kanban_of_what_lies_on_the_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "decisions").mkdir()
    for key in ("mvp_0_a", "mvp_2_1"):  # the latter left by an abandoned branch
        (tmp_path / key).mkdir()
        verdict = {"outcome": "accepted", "hypothesis_outcome": "supported", "reason": "it reproduces"}
        (tmp_path / key / "verdict.json").write_text(json.dumps(verdict))
    (tmp_path / "decisions" / "d1.json").write_text(json.dumps({"decision": "d1", "outcome": "stop"}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.json").write_text("{}")
    (tmp_path / "run.yaml").write_text("experiments: {paused: ['0.B']}")
    experiments = Path(__file__).parents[1] / "config" / "experiments"
    how = ("--experiments", experiments, "--configfile", tmp_path / "run.yaml", "--logs", tmp_path / "logs")
    status, out, _ = run(capsys, "status", "--results", tmp_path, *how)
    assert status == 0
    columns = [line.split(" (")[0] for line in out.splitlines() if not line.startswith(" ")]
    assert columns == ["PLANNED", "DONE", "CANCELLED", "PAUSED", "DECISIONS"]
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith(" ")}
    assert len(lines) == 18, "seventeen MVPs and the one decision that is made"
    assert "better: it reproduces" in lines["MVP-0.A"]
    assert "D1 = stop, so Phases 2 and 3 are cancelled" in lines["MVP-2.1"]
    assert "waits for mvp_0_a/members.parquet" in lines["MVP-1.2"]
    assert lines["D1"].endswith("stop")
    status, _, err = run(capsys, "status", "--results", tmp_path / "nowhere", *how)
    assert status == 1
    assert "nowhere is no folder" in err


def test_decide_explains_rule_numbers_override_and_what_would_flip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {"value": 2.5, "ci95": [2.2, 2.8]}
    model = {"rmse_over_bayes": measured, "ratio_median": measured, "ratio_rms": measured, "n": 100}
    fisher = {"models": {"ridge_full": model}, "choice": {"model": "ridge_full", "tied": ["ridge_full"], "n_stars": 60}}
    evidence = gates.d1(fisher, Decisions(override={"d1": "continue"}))
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "d1.evidence.json").write_text(json.dumps(evidence))
    status, out, _ = run(capsys, "decide", "--explain", "d1", "--results", tmp_path)
    assert status == 0
    for text in (
        "D1: continue",
        "rule says     continue",
        "override      continue",
        "2.5 [2.2, 2.8]",
        "would flip",
        "ridge_full",
    ):
        assert text in out
    status, _, err = run(capsys, "decide", "--explain", "d2", "--results", tmp_path)
    assert status == 1
    assert "d2.evidence.json does not exist" in err


def test_status_decide_and_verify_take_a_runs_folder(
    small_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "a"
    shutil.copytree(small_store.manifest_path.parent, folder / "results/data")
    (folder / "results/decisions").mkdir()
    evidence = gates.d2({"outcome": "accepted", "best_accepted": None, "variants": {}}, Decisions())
    (folder / "results/decisions/d2.evidence.json").write_text(json.dumps(evidence))
    (folder / "results/decisions/d2.json").write_text(json.dumps(gates.outcome(evidence)))
    for here in (False, True):
        if here:
            monkeypatch.chdir(folder)
        run_ = () if here else (folder,)
        status, out, _ = run(capsys, "status", *run_)
        assert status == 0
        assert len([line for line in out.splitlines() if "MVP-" in line]) == 17, "the workflow's own experiments"
        assert "D2" in out
        status, out, _ = run(capsys, "decide", *run_, "--explain", "d2")
        assert (status, out.splitlines()[0]) == (0, "D2: windows")
        status, out, err = run(capsys, "verify", *run_)
        assert (status, "2,100 spectra, all as the manifest says" in out) == (0, True), err
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("experiments: {paused: ['0.B']}")
    assert "PAUSED (1)" in run(capsys, "status", folder)[1], "the run's own configuration comes first"
    status, _, err = run(capsys, "verify", tmp_path)
    assert (status, "is a folder without a manifest.json" in err) == (1, True)
