"""What goes wrong on a cluster: every case ends with complete results, or with one error and a rerun that completes."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cluster import Job, wait_for
from killing import hold_generation, release
from login import Site

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

MANIFEST, SNR = "results/data/manifest.json", "results/mvp_0_a/snr.parquet"
MINUTE = 60.0


def half_written(site: Site) -> list[str]:
    found = site.flow.path("results").rglob("*")
    return [str(p) for p in found if ".tmp" in p.name or p.name.endswith(".partial")]


@contextmanager
def drained(site: Site) -> Iterator[None]:
    """No job begins while the node is drained."""
    node = f"NodeName={site.cluster.host}"
    site.cluster.command("scontrol", "update", node, "State=DRAIN", "Reason=test")
    try:
        yield
    finally:
        site.cluster.command("scontrol", "update", node, "State=RESUME")


def held_generation(site: Site, chunks: int) -> None:
    """The store gets its first chunk; the others wait for `release`."""
    site.flow.configure("data", n_spectra=chunks * 1024)
    hold_generation(site.flow, 1)


def first_chunk(site: Site) -> None:
    journal = site.flow.path("results/data/journal")
    wait_for(lambda: list(journal.glob("chunk_*")), "the first chunk", 10 * MINUTE, site.told)


def test_a_job_that_exceeds_its_memory_is_submitted_again_with_more(site: Site):
    """The first attempt gets less than Python itself needs."""
    rule = "workflow/rules/data.smk"
    site.flow.edit(rule, "mem_mb=grows(3000)", "mem_mb=lambda wildcards, attempt: 60 if attempt == 1 else 3000")
    site.run(MANIFEST)
    first, second = site.jobs("generate")
    assert first.number < second.number
    assert (first.memory, second.memory) == ("60M", "3000M")
    assert first.state in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert second.state == "COMPLETED"
    assert not half_written(site)


def test_a_job_that_exceeds_its_time_is_submitted_again_and_goes_on_where_it_was(site: Site):
    held_generation(site, chunks=8)
    process = site.start(MANIFEST, "--set-resources", "generate:runtime=1", "--retries", "8")
    first_chunk(site)
    number = site.jobs("generate")[-1].number
    wait_for(lambda: site.job(number).state not in ("RUNNING", "COMPLETING"), "the end of its time", 3 * MINUTE)
    release(site.flow)
    assert process.wait(10 * MINUTE) == 0
    jobs = site.jobs("generate")
    assert [job.state for job in jobs[:-1]] == ["TIMEOUT"] * (len(jobs) - 1)
    assert len(jobs) > 1
    log = site.flow.path("logs/data/manifest.log").read_text()
    assert re.search(r"resuming: [1-9]\d* of 8 chunks are there and intact", log)
    assert not half_written(site)


def test_a_cancelled_job_is_an_error_and_a_second_call_completes(site: Site):
    held_generation(site, chunks=6)
    process = site.start(MANIFEST, "--retries", "0", eager=False)
    job = site.wait_for_job("generate")
    site.cluster.command("scancel", str(job.number))
    assert process.wait(3 * MINUTE) == 1  # within a minute where the machine has nothing else to do
    assert f"SLURM-job '{job.number}' failed, SLURM status is: 'CANCELLED'" in site.printed()
    assert not site.flow.path(MANIFEST).exists()
    release(site.flow)
    site.run(MANIFEST)
    assert not half_written(site)


def test_a_killed_snakemake_leaves_a_job_that_the_next_call_waits_for(site: Site):
    """Both jobs are to write the same store; never both at once."""
    held_generation(site, chunks=6)
    process = site.start(MANIFEST)
    first = site.wait_for_job("generate")
    first_chunk(site)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "--unlock" in site.run(MANIFEST, ok=False)
    site.run("--unlock")
    process = site.start(MANIFEST)
    second = next(job for job in _until(site, 2) if job.number != first.number)
    waits = "rule generate: waits for a job of an earlier call that is still at work on the same files"
    site.wait_for_log(f"logs/slurm/rule_generate/{second.number}.log", waits)
    release(site.flow)
    assert process.wait(10 * MINUTE) == 0
    states = {job.number: job for job in site.jobs("generate")}
    assert states[first.number].state == states[second.number].state == "COMPLETED"
    printed = "".join(p.read_text() for p in site.flow.path("logs/slurm").rglob("*.log"))
    log = site.flow.path("logs/data/manifest.log").read_text()
    assert "resuming: 6 of 6 chunks are there and intact" in log, printed
    assert not half_written(site)


def _until(site: Site, count: int) -> list[Job]:
    wait_for(lambda: len(site.jobs("generate")) >= count, f"{count} jobs of generate")
    return site.jobs("generate")


def test_a_drained_node_holds_the_jobs_back_until_it_is_resumed(site: Site):
    with drained(site):
        process = site.start(MANIFEST)
        job = site.wait_for_job("generate", "PENDING")
        time.sleep(3)
        assert process.poll() is None
        assert [j.state for j in site.jobs()] == ["PENDING"]
    assert process.wait(5 * MINUTE) == 0
    assert [(j.number, j.state) for j in site.jobs()] == [(job.number, "COMPLETED")]


def test_a_job_that_fails_leaves_the_earlier_result_and_runs_again_with_the_next_call(finished: Site):
    """Three levels of Snakemake take part, each of which would put the earlier result back or delete it."""
    site, snr = finished, finished.flow.path(SNR)
    before, chunk = snr.read_bytes(), site.flow.path("results/data/spectra.zarr/flux/c/1/0")
    site.flow.configure("protocol", noise_level=2.0)
    taken_away = chunk.rename(site.flow.path("chunk"))
    site.run(SNR, "--retries", "1", ok=False)
    assert [job.state for job in site.jobs()] == ["FAILED", "FAILED"]
    assert snr.read_bytes() == before
    taken_away.rename(chunk)
    site.run(SNR)
    assert [job.state for job in site.jobs()] == ["FAILED", "FAILED", "COMPLETED"]
    assert snr.read_bytes() != before
    assert "Nothing to be done" in site.run(SNR)


def test_a_job_cancelled_before_it_began_runs_again_with_the_next_call(finished: Site):
    """Nothing of ours ran that could have noted the failure."""
    site, snr = finished, finished.flow.path(SNR)
    before = snr.read_bytes()
    site.flow.configure("protocol", noise_level=2.0)
    with drained(site):
        process = site.start(SNR, "--retries", "0")
        job = site.wait_for_job("", "PENDING")
        site.cluster.command("scancel", str(job.number))
        assert process.wait(5 * MINUTE) == 1
    assert snr.read_bytes() == before
    site.run(SNR)
    assert snr.read_bytes() != before
    assert "Nothing to be done" in site.run(SNR)


def test_a_job_left_in_the_queue_by_a_killed_snakemake_does_nothing_after_its_successor(finished: Site):
    """The earlier call's job waits in the queue until the later call's job has made the same file."""
    site, snr = finished, finished.flow.path(SNR)
    with drained(site):
        site.flow.configure("protocol", noise_level=2.0)
        process = site.start(SNR)
        first = site.wait_for_job("", "PENDING")
        site.cluster.command("scontrol", "hold", str(first.number))
        process.send_signal(signal.SIGKILL)
        process.wait()
    site.run("--unlock")
    site.run(SNR, "--slurm-keep-successful-logs")  # their folder would be removed, and the first job has its log there
    made, content = snr.stat().st_ino, snr.read_bytes()
    site.cluster.command("scontrol", "release", str(first.number))
    wait_for(lambda: site.job(first.number).state not in ("PENDING", "RUNNING"), "the first job", 5 * MINUTE)
    assert site.job(first.number).state == "COMPLETED"
    printed = "".join(p.read_text() for p in site.flow.path("logs/slurm").rglob(f"{first.number}.log"))
    assert "a job of a later call has these files in hand; this one does nothing" in printed
    assert (snr.stat().st_ino, snr.read_bytes()) == (made, content), "a new file would be another inode"
    assert "Nothing to be done" in site.run(SNR)
