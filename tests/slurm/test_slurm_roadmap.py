"""The small roadmap through `snakemake --workflow-profile profiles/slurm`, from nothing to its last document."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from harness import Flow, small_project
from killing import artifacts, differences
from login import Site

from logg1m.spectra.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.slurm]


# The main job, and a verdict behind all four decisions; the other verdicts bring more of the same jobs.
SHORT = ("results/mvp_1_1/fisher.json", "results/mvp_3_4/verdict.json")


@pytest.fixture
def local(targets: tuple[str, ...], tmp_path: Path) -> Iterator[tuple[Flow, Popen[str]]]:
    """The same, being made on this machine without SLURM."""
    flow = small_project(tmp_path / "local")
    process = flow.start("--cores", "1", *targets)
    yield flow, process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "targets", [pytest.param(SHORT, id="to_d4"), pytest.param((), id="whole", marks=pytest.mark.nightly)]
)
def test_the_roadmap_runs_to_its_end_and_gives_what_one_machine_gives(
    site: Site, local: tuple[Flow, Popen[str]], targets: tuple[str, ...]
):
    here, process = local
    site.run(*targets)
    assert "Nothing to be done" in site.run(*targets), "a second call finds everything done"
    assert process.wait(1500) == 0, here.path("printed.txt").read_text()[-6000:]
    jobs = site.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert not differences(artifacts(site.flow), artifacts(here))
    Store(site.flow.path("results/data/manifest.json")).read(0, "flux")
    # Decisions are made on the login node; survey and protocol are one job, and every verdict is one.
    submitted = Counter(job.rule for job in jobs)
    assert not submitted.keys() & {"evidence", "decide", "propose", "recipe_phase3", "survey", "protocol"}
    assert sum(count for rule, count in submitted.items() if rule.startswith("protocol_")) == 1
    verdicts = {path.parent.name for path in site.flow.path("results").glob("mvp_*/verdict.json")}
    assert len(verdicts) >= (1 if targets else 8)
    assert {f"verdict_{key}" for key in verdicts} <= submitted.keys()
    # Every job asked for what its rule says, and without a network nobody asked for a GPU.
    generation = next(job for job in jobs if job.rule == "generate")
    assert (generation.cores, generation.memory) == (1, "3000M")
    assert not [job for job in jobs if "gpu" in job.resources]


def test_only_training_asks_for_a_gpu(finished: Site):
    """A network's run asks for one; nothing before or after it does."""
    finished.flow.configure("experiments", recipe={"model": "vit"})
    process = finished.start("results/mvp_1_2/verdict.json", "--retries", "0", "--keep-going")
    try:
        finished.wait_for_job("run_variant", "RUNNING")
    finally:
        process.kill()
        process.wait()
    for job in finished.jobs():
        assert ("gpu" in job.resources) == (job.rule == "run_variant"), vars(job)
