"""kill -9 in the middle of one rule after another: the same command ends with the bytes of a run that nothing disturbed."""

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import Flow
from killing import VICTIMS, artifacts, differences, hold_generation, jobs, kill, release, start

pytestmark = [pytest.mark.slow, pytest.mark.faults]

SEED = 20251222
TRIES = 5  # for a moment at which the job is still at work
PATIENCE = 300.0  # s, for a job to begin


@dataclass(frozen=True)
class Work:
    """A rule's script, what it makes, and how long it takes at most to be caught at work (s from its process's start)."""

    script: str
    made: str
    folder: bool = False  # whether everything beside it is made with it
    seconds: float = 6.0
    settings: dict[str, Any] = field(default_factory=dict)


# The network trains for many epochs and saves its state whenever it can.
NETWORK = {
    "experiments": {"recipe": {"model": "vit"}},
    "network": {"preset": "smoke", "training": {"epochs": 40, "patience": 40, "checkpoint_seconds": 0.1}},
    "compute": {"threads": 1, "device": "cpu"},
}
RULES = {
    "generate": Work("generate.py", "results/data/manifest.json"),
    "ridge": Work("ridge.py", "results/mvp_0_b/ridge.json"),
    "network": Work("run_variant.py", "results/mvp_1_2/flux/seed_0/metrics.json", True, 15.0, NETWORK),
    "verdict": Work("verdict.py", "results/mvp_1_2/verdict.json"),
    "documents": Work("documents.py", "results/report/roadmap.md"),
    "page": Work("page.py", "results/report/index.html"),
}


@pytest.fixture(scope="module")
def trained(undisturbed: Flow, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The small roadmap with one run of a network, which nothing disturbed; read only."""
    folder = tmp_path_factory.mktemp("trained") / "project"
    subprocess.run(["cp", "-a", "-T", str(undisturbed.folder), str(folder)], check=True)
    flow = Flow(folder)
    configure(flow, NETWORK)
    flow.snakemake(RULES["network"].made)
    return flow


def configure(flow: Flow, settings: dict[str, Any]) -> None:
    for section, values in settings.items():
        flow.configure(section, **values)


def forget(flow: Flow, work: Work) -> None:
    """What the rule made is gone, its saved state too."""
    made = flow.path(work.made)
    for path in made.parent.iterdir() if work.folder else [made]:
        path.unlink(missing_ok=True)


def kill_at_work(flow: Flow, work: Work, victim: str, moments: random.Random) -> None:
    """Start the workflow, wait for the rule's process, and kill the victim while that is there."""
    for missed in range(TRIES):
        forget(flow, work)
        running = start(flow, work.made)
        end = time.monotonic() + PATIENCE
        while not jobs(flow.folder, work.script):
            assert running.poll() is None, flow.path("printed.txt").read_text()[-3000:]
            assert time.monotonic() < end, f"no job of {work.script}"
            time.sleep(0.02)
        time.sleep(moments.uniform(0, work.seconds / 2**missed))
        caught = jobs(flow.folder, work.script)
        kill(flow, running, victim)
        if caught:
            left = jobs(flow.folder, work.script)
            assert bool(left) == (victim == "Snakemake alone") or not left
            flow.snakemake("--unlock")
            return
        flow.snakemake("--unlock")  # it was quicker: next time, earlier
    pytest.fail(f"{work.script} was never caught at work")


@pytest.mark.parametrize("rule", RULES)
def test_killed_again_and_again_a_rule_ends_with_the_same_bytes(
    undisturbed: Flow, trained: Flow, tmp_path: Path, pytestconfig, rule
):
    """Every kill hits a later life of the same work; the state that an earlier one saved is there."""
    work, number = RULES[rule], list(RULES).index(rule)
    expected = trained if work.settings else undisturbed
    folder = tmp_path / "project"
    subprocess.run(["cp", "-a", "-T", str(expected.folder), str(folder)], check=True)
    flow = Flow(folder)
    moments = random.Random(SEED + number)
    for count in range(pytestconfig.getoption("--kills", 2)):
        kill_at_work(flow, work, VICTIMS[(number + count) % len(VICTIMS)], moments)
    forget(flow, work)
    flow.snakemake(work.made)
    assert not differences(artifacts(flow), artifacts(expected))
    assert not flow.jobs(work.made)


def test_a_job_whose_snakemake_is_gone_is_waited_for(fresh: Flow):
    """Two jobs for the same store are never at work at once."""
    manifest = "results/data/manifest.json"
    hold_generation(fresh, 0)
    running = start(fresh, manifest)
    log, printed = fresh.path("logs/data/manifest.log"), fresh.path("printed.txt")
    wait_for(log.exists, running)
    kill(fresh, running, "Snakemake alone")
    assert len(jobs(fresh.folder)) == 1
    printed.unlink()  # it goes on printing
    fresh.snakemake("--unlock")
    printed.unlink()
    running = start(fresh, manifest)
    waits = "rule generate: waits for a job of an earlier call that is still at work on the same files"
    wait_for(lambda: waits in printed.read_text(), running)
    assert len(jobs(fresh.folder)) == 2
    release(fresh)
    assert running.wait(PATIENCE) == 0
    assert "resuming: 3 of 3 chunks are there and intact" in log.read_text()


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    """Until it holds, while Snakemake is there."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
