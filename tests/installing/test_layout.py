"""Files that others read before they install: hosted CI, containers, the workflow catalogue, citation."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

import logg1m
from logg1m.config import load

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DEFINITIONS = [ROOT / "containers/Dockerfile", ROOT / "containers/logg1m.def"]


def version_of(package: str) -> str:
    """The tested version of a package."""
    (found,) = re.findall(rf"^{package}==(.+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    return found


def steps(path: Path) -> list[dict]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_hosted_ci_only_calls_what_a_person_can_call(path):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = [step["run"] for step in steps(path) if "run" in step]
    assert commands
    for command in commands:
        first, _, rest = command.partition(" ")
        if first == "make":
            assert rest in targets, command
        else:
            assert command == "bash .ci/run" or first in ("git", "sudo"), command
    for step in steps(path):
        assert "uses" not in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step


def test_the_tests_run_on_every_python_that_the_package_promises():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    tested = jobs["tests"]["strategy"]["matrix"]["python"]
    assert tested == [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert all(version in SpecifierSet(PROJECT["requires-python"]) for version in tested)


def test_nightly_and_ci_install_the_same_system_packages_for_slurm():
    own = re.search(r"install (slurmctld .*) \|\| echo", (ROOT / ".ci/run").read_text())
    hosted = (ROOT / ".github/workflows/nightly.yml").read_text()
    assert own
    assert f"--no-install-recommends {own[1]}\n" in hosted


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_a_container_installs_what_is_tested(path):
    text = path.read_text()
    asked = re.search(r"^  install (lib[\w ]+) \|\| echo", (ROOT / ".ci/run").read_text(), flags=re.MULTILINE)
    brought = re.search(r"install -y --no-install-recommends ([\w -]+?)\s*\\?$", text, flags=re.MULTILINE)
    assert asked
    assert brought
    assert brought[1].split() == asked[1].split()
    assert re.findall(r"torch==(\S+)", text) == [version_of("torch")]
    assert "--require-hashes --no-deps -r" in text
    (lock,) = set(re.findall(r"requirements[\w-]*\.lock", text))
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["workflow"]
    for line in wanted:
        name = re.split(r"[<>=]", line)[0]
        if name != "torch":
            assert locked[name.lower()] == version_of(name if name not in ("pyyaml", "jinja2") else f"(?i:{name})"), (
                name
            )
    (python,) = set(re.findall(r"python:(\d+\.\d+)-", text))
    assert python in SpecifierSet(PROJECT["requires-python"])


def test_both_containers_start_from_the_same_image():
    assert len({re.search(r"python:\S+", path.read_text())[0] for path in DEFINITIONS}) == 1  # type: ignore[index]


def test_pre_commit_uses_the_tested_versions():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {repo["repo"].rsplit("/", 1)[1]: repo["rev"] for repo in hooks}
    assert revisions["ruff-pre-commit"] == f"v{version_of('ruff')}"
    assert revisions["snakefmt"] == f"v{version_of('snakefmt')}"


def test_the_citation_names_this_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == logg1m.__version__
    assert citation["license"] == PROJECT["license"]


def test_the_catalogue_finds_the_workflow_where_it_looks():
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert {"mandatory-flags", "software-stack-deployment", "report"} == set(usage)


def test_the_readme_of_the_configuration_names_all_that_lies_there():
    text = (ROOT / "config/README.md").read_text()
    for path in (ROOT / "config").iterdir():
        if path.name != "README.md":
            assert f"`{path.name}{'/' * path.is_dir()}`" in text, path.name


def test_the_test_case_is_a_valid_configuration_that_ends_after_phase_1():
    config = load(ROOT / ".test/config/config.yaml")
    assert config.decisions.override["d1"] == "stop"
    assert config.experiments.recipe.model == "ridge"
