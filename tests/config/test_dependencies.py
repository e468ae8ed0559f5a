"""Three files say what logg1m needs: ranges in pyproject.toml, the same for conda, and the versions that are installed."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURSELVES = "logg1m"  # an extra may ask for others of ours
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ON_CONDA = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal", "tables": "pytables", "torch": "pytorch"}
EXTRAS = PROJECT["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    asked = {canonicalize_name(one.name): one for one in map(Requirement, lines)}
    asked.pop(OURSELVES, None)
    return asked


def pinned() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return requirements([line for line in lines if line and not line.startswith("#")])


def test_conda_users_get_what_pip_users_get():
    environment = yaml.safe_load((ROOT / "envs/logg1m.yaml").read_text())["dependencies"]
    conda = {name: f"{range_}" for name, _, range_ in (line.partition(" ") for line in environment)}
    assert conda.pop("python") == PROJECT["requires-python"]
    wanted = requirements(PROJECT["dependencies"] + EXTRAS["workflow"])
    assert conda == {ON_CONDA.get(name, name): str(one.specifier) for name, one in wanted.items()}


def test_everything_that_is_asked_for_has_one_version_and_that_within_its_range():
    wanted = requirements(PROJECT["dependencies"] + [line for lines in EXTRAS.values() for line in lines])
    versions = pinned()
    assert set(wanted) <= set(versions)
    for name, one in wanted.items():
        (version,) = versions[name].specifier
        assert version.operator == "=="
        assert one.specifier.contains(version.version), f"{name} {version.version} is not {one.specifier}"


def test_versions_are_those_of_a_package_index():
    for name, one in pinned().items():
        assert re.fullmatch(r"==[\w.!]+", str(one.specifier)), f"{name}: no path, no local build such as 2.0+cpu"


def test_the_installation_of_developers_brings_the_whole_workflow():
    """`make demo` and `make test` install `.[dev,slurm]`."""
    (ours,) = (one for one in map(Requirement, EXTRAS["dev"]) if one.name == OURSELVES)
    assert {"workflow", "fits"} <= ours.extras <= set(EXTRAS)


def test_the_core_does_without_what_only_the_workflow_needs():
    assert not set(requirements(PROJECT["dependencies"])) & set(requirements(EXTRAS["workflow"] + EXTRAS["fits"]))


def locked() -> dict[str, tuple[str, str, int]]:
    """Package → its version, the systems that need it, and how many hashes requirements.lock has of it."""
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    found = (re.match(r"([\w.-]+)==(\S+)(?: ; (.*?))?(?: \\|$)", block) for block in blocks)
    counts = [block.count("--hash=sha256:") for block in blocks]
    return {canonicalize_name(m[1]): (m[2], m[3] or "", n) for m, n in zip(found, counts) if m}


def test_the_lock_holds_the_tested_versions_with_hashes_and_no_torch():
    lock, versions = locked(), pinned()
    assert all(n >= 1 for _, _, n in lock.values())
    different = {
        name: (version, str(versions[name].specifier))
        for name, (version, _, _) in lock.items()
        if name in versions and str(versions[name].specifier) != f"=={version}"
    }
    assert not different, "run `make lock`"
    assert {name for name in versions if name not in lock} == {"torch"}, "run `make lock`"
    elsewhere = [name for name, (_, systems, _) in lock.items() if name not in versions and not systems]
    assert set(elsewhere) <= {"setuptools"}, "for every system, and not in constraints.txt"
