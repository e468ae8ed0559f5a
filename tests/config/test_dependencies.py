"""Three files say what logg1m needs: ranges in pyproject.toml, the same for conda, and the versions that are installed."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ON_CONDA = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal", "tables": "pytables", "torch": "pytorch"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def pinned() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return requirements([line for line in lines if line and not line.startswith("#")])


def test_conda_users_get_what_pip_users_get():
    environment = yaml.safe_load((ROOT / "envs/logg1m.yaml").read_text())["dependencies"]
    conda = {name: f"{range_}" for name, _, range_ in (line.partition(" ") for line in environment)}
    assert conda.pop("python") == PROJECT["requires-python"]
    wanted = requirements(PROJECT["dependencies"])
    assert conda == {ON_CONDA.get(name, name): str(one.specifier) for name, one in wanted.items()}


def test_everything_that_is_asked_for_has_one_version_and_that_within_its_range():
    extras = PROJECT["optional-dependencies"]
    wanted = requirements(PROJECT["dependencies"] + [line for lines in extras.values() for line in lines])
    versions = pinned()
    assert set(wanted) <= set(versions)
    for name, one in wanted.items():
        (version,) = versions[name].specifier
        assert version.operator == "=="
        assert one.specifier.contains(version.version), f"{name} {version.version} is not {one.specifier}"


def test_versions_are_those_of_a_package_index():
    for name, one in pinned().items():
        assert re.fullmatch(r"==[\w.!]+", str(one.specifier)), f"{name}: no path, no local build such as 2.0+cpu"
