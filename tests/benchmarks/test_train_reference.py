"""The one command that trains on a GPU machine: it runs, goes on where it was stopped, and needs only what is there."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from logg1m.jobs import interruption

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TINY = ["--preset", "smoke", "--n", "600", "--test", "100", "--batch", "32", "--resamples", "100", "--device", "cpu"]
# Beside the standard library, what a GPU machine has and what `make wheels` adds.
THERE = {"torch", "numpy", "scipy", "pandas", "matplotlib"}
PACKED = {
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "safetensors",
    "yaml",
}


@pytest.fixture(scope="module")
def script():
    """benchmarks/train_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("train_reference", BENCHMARKS / "train_reference.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_reference"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _signals(monkeypatch):
    monkeypatch.setattr(interruption, "listen", lambda: None)
    monkeypatch.setattr(interruption, "_received", None)


def result(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


@pytest.mark.slow
def test_stopped_and_started_again_it_scores_what_there_is_and_ends_where_an_unbroken_run_does(
    script, tmp_path, monkeypatch
):
    arguments = [*TINY, "--samples", "1200", "--between", "0", "--checkpoint-seconds", "1e6"]
    script.main([*arguments, "--out", str(tmp_path / "whole")])
    whole = result(tmp_path / "whole")
    assert whole["state"] == "finished"
    assert whole["low_noise"]["n"] + 60 < whole["full"]["n"] == 100
    assert whole["steps"] == 36
    assert (tmp_path / "whole/curve.png").exists()

    step, count = script.Trainer._step, []

    def stopping(self, batch):
        count.append(1)
        if len(count) == 25:  # in the second epoch
            interruption._received = interruption.signal.SIGTERM
        return step(self, batch)

    monkeypatch.setattr(script.Trainer, "_step", stopping)
    with pytest.raises(interruption.Interrupted):
        script.main([*arguments, "--out", str(tmp_path / "parts")])
    half = result(tmp_path / "parts")
    assert (half["state"], half["steps"]) == ("interrupted", 25)
    assert half["full"]["n"] == 100
    monkeypatch.setattr(interruption, "_received", None)
    script.main([*arguments, "--out", str(tmp_path / "parts")])
    parts = result(tmp_path / "parts")
    assert len(count) == 36
    for name in ("low_noise", "full", "state", "steps", "training_spectra"):
        assert parts[name] == whole[name]
    histories = [pd.read_csv(tmp_path / name / "history.csv")["score"].tolist() for name in ("whole", "parts")]
    assert histories[0] == histories[1]


@pytest.mark.slow
def test_the_schedule_fits_the_time_and_other_arguments_start_anew(script, tmp_path):
    out = ["--out", str(tmp_path), "--minutes", "0.72"]  # 40 s of it are kept for the test
    script.main([*TINY, *out])
    first = result(tmp_path)
    assert first["steps"] >= 1
    script.main([*TINY, *out, "--pooling", "mean", "--samples", "64"])
    assert result(tmp_path)["steps"] == 2
    assert result(tmp_path)["what"]["architecture"]["pooling"] == "mean"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train_reference", "bench_vit"])
def test_a_gpu_machine_has_what_it_imports(name):
    """All that is imported of this project's own accord, figures included, in a fresh interpreter."""
    program = (
        "import builtins, sys\n"
        f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "plain, seen = builtins.__import__, set()\n"
        "def noting(name, globals=None, *rest, **more):\n"
        "    if (globals or {}).get('__name__', '').split('.')[0] in ('logg1m', NAME):\n"
        "        seen.add(name.split('.')[0])\n"
        "    return plain(name, globals, *rest, **more)\n"
        "builtins.__import__ = noting\n"
        "__import__(NAME); import logg1m.figures.style, logg1m.observe\n"
        "print(' '.join(sorted(seen - set(sys.stdlib_module_names))))\n"
    ).replace("NAME", repr(name))
    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert set(seen) - {"logg1m", "", "cycler"} <= THERE | PACKED  # cycler comes with matplotlib
