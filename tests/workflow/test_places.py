"""Where the workflow runs: folders of their own, from anywhere, paths with spaces; and what a call says of others' results."""

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Flow, copy_project, executed

from logg1m.config.places import place

pytestmark = pytest.mark.slow

MANIFEST = "results/data/manifest.json"
SMALL = ("--config", "data={n_spectra: 100}", "protocol={scales: [100]}", "compute={threads: 1}")


def elsewhere(flow: Flow, folder: Path, *arguments: str) -> Flow:
    """A run in a folder of its own, started from the folder of the workflow."""
    folder.mkdir(parents=True, exist_ok=True)
    flow.snakemake("--directory", str(folder), "--configfile", "config/scale/smoke.yaml", *arguments)
    return Flow(folder)


def test_two_runs_lie_side_by_side_and_neither_touches_the_other(bare):
    for name in ("a", "b"):
        run = elsewhere(bare, bare.path(f"runs/{name}"), *SMALL, f"seed={ord(name)}", "--", MANIFEST)
        assert run.read(MANIFEST)["source"]["seed"] == ord(name)
    assert not bare.path("results").exists()
    assert not bare.path(".snakemake/logg1m").exists()


def test_the_snakefile_works_from_another_folder_and_takes_the_configuration_that_lies_there(bare, tmp_path):
    run = Flow(tmp_path / "run")
    (run.folder / "config").mkdir(parents=True)
    jobs = run.jobs("--snakefile", str(bare.path("Snakefile")), "results/mvp_1_1/fisher.json")
    assert {"generate", "survey", "lightgbm:32k", "fisher"} <= set(jobs)
    run.path("config/config.yaml").write_text("protocol: {scales: [500]}\ndata: {n_spectra: 500}\n")
    jobs = run.jobs("--snakefile", str(bare.path("Snakefile")), "results/mvp_1_1/fisher.json")
    assert "lightgbm:500" in jobs
    assert "lightgbm:32k" not in jobs


def test_each_part_of_the_configuration_is_looked_for_by_itself(tmp_path):
    assert place("experiments", tmp_path) == Path(__file__).parents[2] / "config/experiments"
    (tmp_path / "config/experiments").mkdir(parents=True)
    assert place("experiments", tmp_path) == tmp_path / "config/experiments"
    assert place("config.yaml", tmp_path) == Path(__file__).parents[2] / "config/config.yaml"
    assert place("nothing.yaml", tmp_path) == tmp_path / "config/nothing.yaml"


def test_a_call_that_replaces_the_results_of_another_configuration_says_so_before(bare):
    bare.snakemake(*SMALL, "seed=7", "--", MANIFEST)
    words = "holds results of another configuration"
    assert words not in bare.snakemake("--dry-run", *SMALL, "seed=7", "--", MANIFEST)
    for arguments in (("--dry-run",), ()):
        printed = bare.snakemake(*arguments, *SMALL, "seed=5", "--", MANIFEST)
        line = next(line for line in printed.splitlines() if words in line)
        assert "(seed 7 → 5), which this call replaces; to keep both, " in line
        assert "snakemake --directory RUN" in line
        assert printed.index(line) < printed.index("rule generate:")
    bare.path("results/configuration.json").unlink()  # as in results that an older version made
    assert "(seed 5 → 9)" in bare.snakemake("--dry-run", *SMALL, "seed=9", "--", MANIFEST)


def test_a_project_whose_path_holds_a_space_works(tmp_path):
    flow = copy_project(tmp_path / "My Drive/it's a project")
    assert set(flow.run(*SMALL, "--", MANIFEST)) == {"generate"}


def test_a_python_whose_path_holds_a_space_is_refused_at_once_with_the_remedy(bare, tmp_path):
    environment = tmp_path / "My Drive/env"
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(environment)], check=True)
    for folder in environment.glob("lib/python3*/site-packages"):
        (folder / "all.pth").write_text("\n".join(site.getsitepackages()))
    command = [str(environment / "bin/python"), "-m", "snakemake", "--cores", "1", "--", MANIFEST]
    done = subprocess.run(command, cwd=bare.folder, capture_output=True, text=True)
    assert done.returncode
    assert "holds a space" in done.stderr
    assert "python3 -m venv ~/logg1m-env" in done.stderr
    assert "Traceback" not in done.stderr
    assert not bare.path("results").exists()


@pytest.mark.parametrize("edit", ["old time", "touch"])
def test_a_script_counts_by_what_it_says_and_not_by_its_time_stamp(flow, edit):
    script = flow.path("workflow/scripts/decide.py")
    if edit == "touch":
        for each in script.parent.glob("*.py"):
            each.write_text("# a remark\n" + each.read_text() if each.name != "page.py" else each.read_text())
        assert not flow.jobs()
        return
    before = script.stat()
    flow.edit("workflow/scripts/decide.py", "with job(snakemake):\n", "with job(snakemake):\n    print(0)\n")
    os.utime(script, (before.st_atime - 10**6, before.st_mtime - 10**6))
    assert {"decide:d1", "decide:d2", "decide:d3"} <= set(flow.jobs())


def test_an_edited_preset_retrains_what_it_stands_for(flow):
    flow.configure("experiments", recipe={"model": "vit"})
    target = "results/mvp_1_2/flux/seed_0/metrics.json"
    flow.snakemake("--touch", "--forceall", target)
    assert executed(flow.snakemake("--dry-run", target)).total() == 0
    flow.edit("src/logg1m/config/networks.py", '"laptop": Architecture(patch=64,', '"laptop": Architecture(patch=32,')
    assert set(flow.jobs(target)) == {"run_variant:mvp_1_2/flux/0"}


def test_the_command_in_the_documents_names_the_runs_folder(bare):
    shutil.copytree(bare.path("config"), bare.path("runs/a/config"))
    text = bare.path("workflow/rules/artifacts.smk").read_text()
    bare.path("workflow/rules/artifacts.smk").write_text(text + "\nprint(command_line(), file=sys.stderr)\n")
    for snakefile, folder in (("Snakefile", "runs/a"), (str(bare.path("Snakefile")), "../elsewhere")):
        printed = bare.snakemake(
            "--dry-run",
            "-s",
            snakefile,
            "--directory",
            folder,
            "--configfile",
            "config/scale/smoke.yaml",
            "--",
            MANIFEST,
        )
        assert f"snakemake --cores all --directory {folder} --configfile config/scale/smoke.yaml --" in printed
