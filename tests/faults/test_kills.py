"""kill -9 at random moments, again and again: the results are those of a run that nothing disturbed."""

import random
import subprocess
import time

import pytest
from harness import Flow
from killing import VICTIMS, artifacts, differences, jobs, kill, start

pytestmark = [pytest.mark.slow, pytest.mark.faults]

SECONDS = (0.5, 10.0)  # between two kills; jobs take one to five


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_the_workflow_ends_with_the_same_results(
    fresh: Flow, undisturbed: Flow, pytestconfig, seed
):
    moments = random.Random(seed)
    for _ in range(pytestconfig.getoption("--kills", 8)):
        running = start(fresh)
        try:
            assert running.wait(moments.uniform(*SECONDS)) == 0, fresh.path("printed.txt").read_text()[-3000:]
            break  # it was quicker than the kills
        except subprocess.TimeoutExpired:
            kill(fresh, running, moments.choice(VICTIMS))
        fresh.snakemake("--unlock")
    fresh.snakemake()
    assert not differences(artifacts(fresh), artifacts(undisturbed))
    assert not fresh.jobs()


def test_a_job_whose_snakemake_is_gone_is_waited_for(fresh: Flow):
    """Two jobs for the same store are never at work at once."""
    manifest, line = "results/data/manifest.json", "block = source.read(*layout.rows(chunk))"
    fresh.edit("src/logg1m/generation.py", line, f"__import__('time').sleep(10)\n        {line}")
    running = start(fresh, manifest)
    log = fresh.path("logs/data/manifest.log")
    while not log.exists():
        assert running.poll() is None
        time.sleep(0.1)
    kill(fresh, running, "Snakemake alone")
    assert len(jobs(fresh.folder)) == 1
    fresh.path("printed.txt").unlink()  # it goes on printing
    fresh.snakemake("--unlock")
    printed = fresh.snakemake(manifest)
    assert "rule generate: waits for a job of an earlier call that is still at work on the same files" in printed
    assert "resuming: 3 of 3 chunks are there and intact" in log.read_text()
