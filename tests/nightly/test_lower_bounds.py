"""The lowest versions that pyproject.toml allows, but for torch, run the main job. Installs them: run once a night."""

import json
import os
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from harness import PROJECT, SETTINGS, copy_project
from packaging.requirements import Requirement
from packaging.version import Version

_FISHER = "results/mvp_1_1/fisher.json"
_VERSIONS = (
    "import json, sys; from importlib.metadata import version; print(json.dumps({n: version(n) for n in sys.argv[1:]}))"
)


def lowest() -> dict[str, str]:
    """Package → its lowest allowed version; torch comes from the environment of the tests, since it fills a disk."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    named = map(Requirement, project["dependencies"] + project["optional-dependencies"]["workflow"])
    bounds = {one.name: next(s.version for s in one.specifier if s.operator == ">=") for one in named}
    del bounds["torch"]
    return bounds


@pytest.mark.nightly
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the lowest versions have wheels for the lowest Python, 3.11"
)
def test_the_lowest_versions_run_the_main_job(tmp_path):
    environment, bounds = tmp_path / "venv", lowest()
    subprocess.run([Path(sys.base_prefix, "bin/python3"), "-m", "venv", environment], check=True)
    python = environment / "bin/python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *(f"{name}=={version}" for name, version in bounds.items())], check=True)
    for folder in environment.glob("lib/python3*/site-packages"):
        (folder / "zz_torch.pth").write_text("\n".join(site.getsitepackages()))  # what is installed here comes first
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    told = subprocess.run([python, "-c", _VERSIONS, *bounds], env=clean, check=True, capture_output=True, text=True)
    assert {n: Version(v) for n, v in json.loads(told.stdout).items()} == {n: Version(v) for n, v in bounds.items()}

    flow = copy_project(tmp_path / "project")
    flow.path("run.yaml").write_text(yaml.safe_dump(SETTINGS))
    command = [python, "-m", "snakemake", "--cores", "1", "--configfile", "run.yaml", "--", _FISHER]
    done = subprocess.run(command, cwd=flow.folder, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-6000:]
    assert flow.read(_FISHER)["reference_estimator"] == "exact"
