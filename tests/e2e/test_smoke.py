"""The smoke roadmap from nothing, as continuous integration runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (PROJECT / "config/experiments").glob("*.yaml"))
DECISIONS = ("d1", "d2", "d3", "d4")

pytestmark = pytest.mark.slow


def snakemake(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/scale/smoke.yaml", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A copy of the project after `snakemake --configfile config/scale/smoke.yaml`."""
    folder = tmp_path_factory.mktemp("smoke")
    for name in ("Snakefile", "workflow", "config", "profiles", "envs", "src"):
        subprocess.run(["cp", "-a", str(PROJECT / name), str(folder)], check=True)
    snakemake(folder)
    return folder


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def test_there_are_sixteen_experiments():
    assert len(EXPERIMENTS) == 17


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_every_experiment_that_runs_has_a_verdict(finished, key):
    path = finished / "results" / key / "verdict.json"
    if key == "mvp_3_5" and read(finished / "results/decisions/d2.json")["outcome"] == "full":
        assert not path.exists()
        return
    verdict = read(path)
    assert verdict["key"] == key
    assert verdict["outcome"] in ("accepted", "refuted", "inconclusive")
    assert verdict["hypothesis_outcome"] in ("supported", "refuted", "open")
    assert verdict["reason"]


def test_decisions_and_recipes_are_there(finished):
    decisions = {d: read(finished / f"results/decisions/{d}.json") for d in DECISIONS}
    assert decisions["d1"]["outcome"] == "continue"
    assert all(decision["decision"] == d for d, decision in decisions.items())
    assert all((finished / f"results/decisions/{d}.evidence.json").stat().st_size for d in DECISIONS)
    recipes = [read(finished / f"results/decisions/recipe_phase{phase}.json")["recipe"] for phase in (2, 3)]
    assert recipes[0] == decisions["d4"]["recipe"]
    assert all(recipe["model"] == "vit" for recipe in recipes)


def test_the_answer_and_what_was_accepted_are_asked_once_more_on_fresh_stars(finished):
    winner, found = (read(finished / f"results/confirmation/{name}.json") for name in ("winner", "confirmation"))
    assert found["winner"]["model"] == winner["model"]
    assert found["winner"]["full"]["fresh"]["n"] == found["stars"]["n"] == 512
    verdicts = {key: finished / "results" / key / "verdict.json" for key in EXPERIMENTS}
    accepted = {
        key: [
            n
            for n, v in read(path)["variants"].items()
            if (v.get("outcome"), v.get("role")) == ("accepted", "candidate")
        ]
        for key, path in verdicts.items()
        if path.exists()
    }
    assert {key: list(found["experiments"].get(key, {})) for key in accepted} == accepted
    assert found["looks"]["ever"] >= found["looks"]["now"] > 0


def test_leak_control_finds_the_trap_and_clears_the_honest_error(finished):
    variants = read(finished / "results/mvp_1_2/verdict.json")["variants"]
    assert variants["error_only_leaky"]["check"]["passed"]
    assert variants["error_only"]["check"]["passed"]


def test_every_figure_has_its_numbers_beside_it(finished):
    figures = list((finished / "results").rglob("*.png"))
    assert len(figures) > 10
    for path in figures:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.with_suffix(".csv").stat().st_size > 0


def test_roadmap_document_names_every_experiment(finished):
    text = (finished / "results/report/roadmap.md").read_text()
    assert all(f"| {key.removeprefix('mvp_').replace('_', '.').upper()} |" in text for key in EXPERIMENTS)


def test_second_call_has_nothing_to_do(finished):
    assert "Nothing to be done" in snakemake(finished)
