"""A disk that is full, or read-only, whatever is to be written on it: one error, and after it is mended the same results."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import Flow
from killing import artifacts, differences

pytestmark = [pytest.mark.slow, pytest.mark.faults]

# Every kind of writer once: its results, which are all of a folder or single files.
WRITTEN = {
    "generate": ["results/data/manifest.json"],
    "survey": ["results/mvp_0_a/snr.parquet", "results/mvp_0_a/pixels.parquet"],
    "protocol": ["results/mvp_0_a/protocol.json"],
    "ridge": ["results/mvp_0_b/ridge.json", "results/mvp_0_b/ridge.parquet"],
    "lightgbm": ["results/mvp_0_b/lightgbm_1k.json"],
    "bounds": ["results/mvp_1_1/bounds.parquet"],
    "bayes": ["results/mvp_1_1/bayes.parquet"],
    "fisher": ["results/mvp_1_1/fisher.json"],
    "run_variant": ["results/mvp_1_2/flux/seed_0/predictions.parquet"],
    "verdict": ["results/mvp_1_2/verdict.json"],
    "evidence": ["results/decisions/d1.evidence.json"],
    "settle_recipe": ["results/decisions/recipe_phase2.json"],
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
    """The run stopped with our one message (or Snakemake's own), and no traceback is in any log of a rule."""
    assert reason in printed, printed[-3000:]
    logs = "".join(path.read_text() for path in flow.path("logs").rglob("*.log"))
    assert "Traceback" not in logs, logs
    messages = re.findall(rf"rule \w+: cannot write (results/\S+): {reason}", logs)
    assert len(messages) <= 1


@pytest.mark.parametrize("kind", WRITTEN)
def test_full_disk(on_small_disk: Flow, undisturbed: Flow, kind: str):
    flow = on_small_disk
    for name in WRITTEN[kind]:
        flow.path(name).unlink()
    filler = fill(flow.path("results"))
    printed = flow.snakemake(WRITTEN[kind][0], ok=False)
    one_error(flow, printed, "No space left on device")
    assert not list(flow.path("results").rglob(".*.tmp*"))
    filler.unlink()
    flow.snakemake(WRITTEN[kind][0])
    assert not differences(artifacts(flow), artifacts(undisturbed))


def test_read_only_file_system(copied: Flow, make_read_only):
    flow = copied
    for path in flow.path("results/mvp_0_b").glob("ridge*"):
        path.unlink()  # Snakemake itself refuses to touch what is there
    left = artifacts(flow)
    make_read_only(flow.path("results"))
    printed = flow.snakemake("results/mvp_0_b/ridge.json", ok=False)
    one_error(flow, printed, "Read-only file system")
    assert artifacts(flow) == left
