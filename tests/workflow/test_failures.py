"""Jobs that fail or are killed: earlier results stay, nothing is half-written, nothing is computed twice."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from harness import CONFIRMED, Flow, executed, fisher, small_project

pytestmark = pytest.mark.slow

VERDICT = "results/mvp_1_2/verdict.json"
FIRST, SECOND = "results/mvp_1_2/flux/seed_0", "results/mvp_1_2/flux_over_error/seed_0"
SNR = "results/mvp_0_a/snr.parquet"
PATIENCE = 300  # s, far more than is needed


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """File → inode and modification time; both change when a file is written again."""
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in sorted(folder.rglob("*")) if p.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def half_written(flow: Flow) -> list[Path]:
    return [p for p in flow.path("results").rglob("*") if ".tmp" in p.name or p.name.endswith(".partial")]


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def job_processes(flow: Flow, script: str) -> Iterator[psutil.Process]:
    """Running Python processes of a workflow script in this very folder."""
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if script in command and str(flow.folder) in command and "bash" not in process.name():
            yield process


@pytest.fixture
def half_done(flow) -> Flow:
    """The runs of MVP-1.2 and its verdict are still to be made."""
    for folder in (FIRST, SECOND):
        for path in flow.path(folder).iterdir():
            path.unlink()
    flow.path(VERDICT).unlink()
    return flow


def started_second(flow: Flow) -> bool:
    """Whether one run is finished and the next one's process is there."""
    printed = flow.path("printed.txt").read_text()
    return printed.count("Finished jobid") == 1 and any(job_processes(flow, "run_variant.py"))


def finished_first(flow: Flow) -> tuple[str, str]:
    """(the run that is done, the one that is not)"""
    done = [folder for folder in (FIRST, SECOND) if flow.path(f"{folder}/metrics.json").exists()]
    assert len(done) == 1
    return done[0], SECOND if done[0] == FIRST else FIRST


def test_failed_job_is_one_error_and_leaves_the_earlier_results(flow):
    before = contents(flow.path("results/mvp_0_a"))
    flow.path("results/data/spectra.zarr/flux/c/1/0").unlink()
    printed = flow.snakemake("results/mvp_0_a/snr.parquet", "--forcerun", "survey", ok=False)
    error = "rule survey: results/data/spectra.zarr/flux/c/1/0: chunk 1 of flux is missing (spectra 1024 … 2047)"
    log = flow.path("logs/mvp_0_a/snr.log").read_text()
    assert log.count("rule survey:") == 1
    assert error in log
    assert "delete results/data/manifest.json and run again" in log
    assert "Traceback" not in log
    assert "Traceback" not in printed
    assert contents(flow.path("results/mvp_0_a")) == before


def test_a_job_that_failed_after_a_changed_setting_runs_again_when_its_cause_is_gone(flow):
    """Snakemake alone would find nothing to do: it records the new setting for the earlier result."""
    snr, chunk = flow.path(SNR), flow.path("results/data/spectra.zarr/flux/c/1/0")
    before, taken_away = snr.read_bytes(), flow.path("chunk")
    flow.configure("protocol", noise_level=2.0)
    chunk.rename(taken_away)
    for _ in range(2):
        flow.snakemake(SNR, ok=False)
        assert snr.read_bytes() == before
    taken_away.rename(chunk)
    assert flow.run(SNR) == Counter(["survey"])
    assert snr.read_bytes() != before
    assert not flow.jobs(SNR)
    assert not flow.run(SNR)


def test_a_job_that_failed_after_a_changed_input_runs_again_though_it_never_began(flow):
    """What fails it comes before all of ours, so that it cannot count itself as failed: Snakemake's process does."""
    lock = flow.path("logs/decisions/.d1.evidence.log.lock")
    lock.mkdir(parents=True)
    flow.write("results/mvp_1_1/models.json", fisher(ratio=3.5))
    flow.snakemake("--keep-going", ok=False)
    lock.rmdir()
    assert flow.run() == Counter(["evidence:d1", "decide:d1", *CONFIRMED])
    assert flow.read("results/decisions/d1.evidence.json")["evidence"]["measured"]["value"] == pytest.approx(3.5)
    assert not flow.jobs()


def test_after_a_second_attempt_that_ends_well_nothing_is_left_to_do(flow):
    """The first attempt fails; the second one, of the same call, finds the way clear."""
    line = "with job(snakemake):\n"
    once = "    if not os.path.exists('again'):\n        open('again', 'w').close()\n        raise ValueError\n"
    flow.edit("workflow/scripts/survey.py", line, f"import os\n\n{line}{once}")
    flow.snakemake(SNR, "--retries", "1")
    assert not flow.jobs(SNR)


def test_failed_gate_leaves_the_earlier_decision(flow):
    flow.path("results/mvp_1_4/verdict.json").write_text("{")
    before = contents(flow.path("results/decisions"))
    printed = flow.snakemake(ok=False)
    assert ": results/mvp_1_4/verdict.json is not a readable JSON file" in printed  # by whichever gate reads it first
    assert contents(flow.path("results/decisions")) == before


def test_killed_job_is_done_again_and_what_was_finished_is_kept(half_done):
    flow = half_done
    running = flow.start(VERDICT)
    wait_for(lambda: started_second(flow))
    for process in job_processes(flow, "run_variant.py"):
        process.kill()
    assert running.wait(PATIENCE) == 1
    done, undone = finished_first(flow)
    before = stamps(flow.path(done))
    assert not flow.path(undone).exists()
    assert flow.run(VERDICT) == Counter([f"run_variant:mvp_1_2/{Path(undone).parent.name}/0", "verdict_mvp_1_2"])
    assert stamps(flow.path(done)) == before
    assert not half_written(flow)
    assert not flow.jobs(VERDICT)


def test_killed_snakemake_leaves_a_run_that_unlock_and_a_second_call_complete(half_done):
    flow = half_done
    running = flow.start(VERDICT)
    wait_for(lambda: started_second(flow))
    for process in [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]:
        process.kill()  # its jobs too, as a machine that goes down: one left alive might finish by itself
    running.wait(PATIENCE)
    done, undone = finished_first(flow)
    before = stamps(flow.path(done))
    assert "--unlock" in flow.snakemake(VERDICT, ok=False), "the lock of the killed run is reported"
    flow.snakemake("--unlock")
    assert flow.run(VERDICT) == Counter([f"run_variant:mvp_1_2/{Path(undone).parent.name}/0", "verdict_mvp_1_2"])
    assert stamps(flow.path(done)) == before
    assert not half_written(flow)
    assert not flow.jobs(VERDICT)


def test_killed_generation_goes_on_with_the_chunks_that_are_whole(tmp_path):
    flow = small_project(tmp_path / "project")
    flow.configure("data", n_spectra=5000)
    manifest, journal = "results/data/manifest.json", flow.path("results/data/journal")
    running = flow.start(manifest)
    wait_for(lambda: list(journal.glob("chunk_*.npz")))
    for process in job_processes(flow, "generate.py"):
        process.kill()
    assert running.wait(PATIENCE) == 1
    whole = {name: stamp for name, stamp in stamps(journal).items() if "chunk_" in name and ".tmp" not in name}
    assert 0 < len(whole) < 5
    assert not flow.path(manifest).exists()
    assert flow.run(manifest) == Counter(["generate"])
    after = stamps(journal)
    assert {name: after[name] for name in whole} == whole
    assert len(list(journal.glob("chunk_*.npz"))) == 5
    assert not half_written(flow)
    assert executed(flow.snakemake("--dry-run", manifest)) == Counter()
