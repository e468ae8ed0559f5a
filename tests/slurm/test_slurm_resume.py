"""Training survives the end of its wall time and preemption: nothing that was computed is computed again."""

import re

import numpy as np
import pandas as pd
import pytest
from harness import Flow, copy_flow, small_project
from login import Site

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

REPORT = "results/mvp_0_b/lightgbm_1k.json"
TREES = 300


def long_training(flow: Flow, seconds_per_tree: float = 0.0) -> None:
    """LightGBM with many trees, on a machine that is as slow as wanted."""
    lightgbm = {"n_estimators": TREES, "learning_rate": 0.05, "num_leaves": 7, "min_data_in_leaf": 10}
    flow.configure("baselines", lightgbm=lightgbm | {"feature_fraction": 0.1, "bin_sample": 200})
    if seconds_per_tree:
        line = "stop = interruption.requested()"
        flow.edit("src/logg1m/baselines/boosting.py", line, f"time.sleep({seconds_per_tree})\n        {line}")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Validation error after every tree of a run that nothing interrupts."""
    flow = small_project(tmp_path_factory.mktemp("uninterrupted") / "project")
    long_training(flow)
    flow.snakemake(REPORT)
    return flow.read(REPORT)["validation_mse"]


def stops(site: Site) -> list[tuple[str, int]]:
    """(signal, trees) of every job that saved its state and left, in the order of the jobs."""
    logs = sorted(site.flow.path("logs/slurm").rglob("*.log"), key=lambda path: int(path.stem))
    pattern = r"rule lightgbm: stopped by (\w+) after ([\d,]+) trees; the state is saved, run again to resume"
    found = [re.search(pattern, path.read_text()) for path in logs]
    return [(match[1], int(match[2].replace(",", ""))) for match in found if match]


def resumed_after(site: Site) -> int:
    log = site.flow.path("logs/mvp_0_b/lightgbm_1k.log").read_text()
    match = re.search(r"resuming LightGBM after (\d+) trees", log)
    assert match, log
    return int(match[1])


def test_at_the_end_of_the_wall_time_training_is_saved_and_goes_on_in_another_job(site: Site, uninterrupted):
    long_training(site.flow, seconds_per_tree=0.45)
    site.run("results/data/manifest.json")
    # The signal comes after 90 to 120 s; sooner, a loaded machine would still be importing.
    warned = ("--set-resources", "lightgbm:slurm_extra='--signal=USR1@60'", "lightgbm:runtime=3", "--retries", "20")
    site.run(REPORT, *warned)
    jobs = site.jobs("lightgbm")
    assert len({job.number for job in jobs}) == len(jobs) > 1
    assert jobs[-1].state == "COMPLETED"
    assert {job.state for job in jobs[:-1]} <= {"FAILED", "TIMEOUT"}, "TIMEOUT: it was still reading its data"
    left = stops(site)
    assert left
    assert {name for name, _ in left} == {"SIGUSR1"}
    trees = [count for _, count in left]
    assert trees == sorted(set(trees)), "every job got further"
    assert resumed_after(site) == trees[-1], "no tree is grown twice"
    history = site.flow.read(REPORT)["validation_mse"]
    np.testing.assert_allclose(history, uninterrupted, rtol=1e-6)


def test_a_preempted_job_is_queued_again_and_goes_on(site: Site, uninterrupted):
    """A job of another partition takes the whole node; the trainer has KillWait seconds to save."""
    long_training(site.flow, seconds_per_tree=0.1)
    site.run("results/data/manifest.json")
    process = site.start(REPORT)
    job = site.wait_for_job("lightgbm")
    site.wait_for_log("logs/mvp_0_b/lightgbm_1k.log", "LightGBM: ")
    site.cluster.command("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap", "sleep 1")
    assert process.wait(900) == 0, site.printed()
    (after,) = site.jobs("lightgbm")
    assert (after.number, after.restarts, after.state) == (job.number, 1, "COMPLETED")
    assert resumed_after(site) > 0
    history = site.flow.read(REPORT)["validation_mse"]
    np.testing.assert_allclose(history, uninterrupted, rtol=1e-6)


# A network's run in the profile's own terms: warned 120 s before a wall time of 3 minutes.
RUN = "results/mvp_1_2/flux/seed_0"
EPOCHS = 40


def long_run_of_a_network(flow: Flow, seconds_per_step: float = 0.0) -> None:
    """A tiny network with many epochs of one or two steps each, on a machine that is as slow as wanted."""
    flow.configure("experiments", recipe={"model": "vit"})
    flow.configure("network", preset="smoke", training={"epochs": EPOCHS, "patience": EPOCHS})
    flow.configure("compute", device="cpu")
    if seconds_per_step:
        line = "stop = interruption.requested()"
        flow.edit("src/logg1m/nn/trainer.py", line, f"time.sleep({seconds_per_step})\n                    {line}")


def test_a_network_goes_on_in_another_job_and_ends_as_if_nothing_had_happened(finished: Site, forged: Flow, tmp_path):
    quiet = copy_flow(forged, tmp_path / "quiet")
    long_run_of_a_network(quiet)
    quiet.snakemake(f"{RUN}/metrics.json")
    site = finished
    long_run_of_a_network(site.flow, seconds_per_step=1.7)
    rule = "runtime=grows(120),\n        gpu=lambda wildcards: gpus_of(recipe_in_full"
    site.flow.edit("workflow/rules/experiments.smk", rule, rule.replace("grows(120)", "3"))
    site.run(f"{RUN}/metrics.json", "--retries", "20")
    jobs = site.jobs("run_variant")
    assert len({job.number for job in jobs}) == len(jobs) > 1
    assert jobs[-1].state == "COMPLETED"
    assert "stopped by SIGUSR1 in" in "".join(p.read_text() for p in site.flow.path("logs/slurm").rglob("*.log"))
    history = pd.read_csv(site.flow.path(f"{RUN}/history.csv"))
    assert history["epoch"].tolist() == list(range(1, EPOCHS + 1))
    for name in ("history.csv", "predictions.parquet", "model.safetensors"):
        assert site.flow.path(f"{RUN}/{name}").read_bytes() == quiet.path(f"{RUN}/{name}").read_bytes()
