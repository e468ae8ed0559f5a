"""A disk that is full, or read-only, whatever is to be written on it: one error, and after it is mended the same results."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import Flow
from killing import artifacts, differences

pytestmark = [pytest.mark.slow, pytest.mark.faults]

# A rule of every kind, and a result of it; `tests/test_full_disk.py` does the rest, writer by writer.
WRITTEN = {
    "generate": "results/data/manifest.json",
    "survey": "results/mvp_0_a/snr.parquet",
    "protocol": "results/mvp_0_a/protocol.json",
    "ridge": "results/mvp_0_b/ridge.json",
    "lightgbm": "results/mvp_0_b/lightgbm_1k.json",
    "scaling": "results/mvp_0_b/scaling.json",
    "bounds": "results/mvp_1_1/bounds.parquet",
    "bayes": "results/mvp_1_1/bayes.parquet",
    "bounds_and_models": "results/mvp_1_1/bounds_and_models.json",
    "figures_mvp_1_2": "results/mvp_1_2/error_input_comparison.png",
    "figure_sigma_map": "results/mvp_1_1/sigma_map.png",
    "fisher": "results/mvp_1_1/fisher.json",
    "magnitude_sweep": "results/mvp_1_1/magnitude_sweep.json",
    "requirements": "results/mvp_1_1/requirements.json",
    "forecast": "results/forecast/forecast.json",
    "run_variant": "results/mvp_1_2/flux/seed_0/metrics.json",
    "verdict_mvp_1_2": "results/mvp_1_2/verdict.json",
    "models": "results/mvp_1_1/models.json",
    "evidence": "results/decisions/d1.evidence.json",
    "decide": "results/decisions/d1.json",
    "propose": "results/decisions/d4.proposal.json",
    "settle_recipe": "results/decisions/recipe_phase2.json",
    "documents": "results/report/roadmap.md",
    "page": "results/report/index.html",
}


@pytest.fixture
def on_small_disk(copied: Flow, mount) -> Flow:
    """The finished roadmap, its results on a disk of 200 MB."""
    results = copied.path("results")
    moved = copied.path("moved")
    results.rename(moved)
    results.mkdir()
    mount("-t", "tmpfs", "-o", "size=200m", "tmpfs", str(results))
    shutil.copytree(moved, results, dirs_exist_ok=True)
    shutil.rmtree(moved)
    return copied


def fill(folder: Path) -> Path:
    """A file that leaves no room on the disk."""
    filler = folder / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], capture_output=True)
    return filler


def one_error(flow: Flow, printed: str, reason: str) -> None:
    """The run stopped with our one message, and no traceback is in any log of a rule."""
    assert reason in printed, printed[-3000:]
    logs = "".join(path.read_text() for path in flow.path("logs").rglob("*.log"))
    assert "Traceback" not in logs, logs
    messages = re.findall(rf"rule \w+: cannot write (?:the store )?(results/\S+): {reason}", logs)
    assert len(messages) == 1, logs


# One of every kind of writer in every submission; the others, which write as one of these does, every night.
EVERY_TIME = {"generate", "survey", "ridge", "lightgbm", "bayes", "figure_sigma_map", "run_variant", "decide", "page"}


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=() if rule in EVERY_TIME else pytest.mark.nightly) for rule in WRITTEN]
)
def test_full_disk(on_small_disk: Flow, undisturbed: Flow, rule: str):
    """The earlier results stand, and the same command makes them anew once there is room."""
    flow, target, expected = on_small_disk, WRITTEN[rule], artifacts(undisturbed)
    filler = fill(flow.path("results"))
    printed = flow.snakemake(target, "--forcerun", rule, ok=False)
    one_error(flow, printed, "No space left on device")
    filler.unlink()
    assert not list(flow.path("results").rglob(".*.tmp*"))
    assert not differences(artifacts(flow), expected)
    ran = {name.split(":")[0] for name in flow.run(target)}
    assert rule in ran
    assert not differences(artifacts(flow), expected)
    assert not flow.jobs(target)


def test_read_only_file_system(copied: Flow, make_read_only):
    flow = copied
    for path in flow.path("results/mvp_0_b").glob("ridge*"):
        path.unlink()  # Snakemake itself refuses to touch what is there
    left = artifacts(flow)
    make_read_only(flow.path("results"))
    printed = flow.snakemake("results/mvp_0_b/ridge.json", ok=False)
    one_error(flow, printed, "Read-only file system" if os.geteuid() == 0 else "Permission denied")
    assert artifacts(flow) == left
