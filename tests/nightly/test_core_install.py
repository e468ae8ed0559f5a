"""The wheel and what it needs, without any extra, installed into an environment of its own; torch comes from that of the tests."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from built_wheel import ROOT, build
from packaging.requirements import Requirement

pytestmark = pytest.mark.nightly
TORCH = ("torch", "torchgen", "functorch", "sympy", "mpmath", "networkx", "filelock", "fsspec")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the core; torch, which fills a disk, is linked."""
    folder = tmp_path_factory.mktemp("core")
    (folder / "source").mkdir()
    wheel = build(folder / "source", tmp_path_factory.mktemp("dist"))
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv/bin/python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [line for line in project["dependencies"] if Requirement(line).name != "torch"]
    pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    # jinja2 is torch's own. Without PYTHONPATH, or pip would take the checkout for the package.
    subprocess.run([*pip, *needed, "typing_extensions", "jinja2"], env=clean(), check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], env=clean(), check=True)
    (packages,) = (folder / "venv").glob("lib/python3*/site-packages")
    installed = Path(str(distribution("torch").locate_file("")))
    for name in (*TORCH, f"torch-{distribution('torch').version}.dist-info"):
        if (installed / name).exists() and not (packages / name).exists():
            (packages / name).symlink_to(installed / name)
    return python


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def call(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(python), *words], cwd=python.parent, env=clean(), capture_output=True, text=True)


def test_there_is_no_package_of_the_workflow(python):
    for name in ("snakemake", "lightgbm", "plotly", "astropy"):
        assert "ModuleNotFoundError" in call(python, "-c", f"import {name}").stderr, name


def test_a_star_is_simulated_and_bounded(python):
    code = """
import numpy as np
from logg1m.bounds.fisher import bounds, fisher_information, prior_ranges
from logg1m.config.data import Observation, Priors
from logg1m.observe import Observer, StellarGrid
from logg1m.observe.pfs import Conditions
observer, one = Observer(StellarGrid.load(), Observation()), np.ones(1)
conditions = Conditions(21.0 * one, 0.8 * one, 30.0 * one, 0.3 * one, 0.0 * one)
j = observer.jacobian(np.array([[4500, 2.0, -1.0, 0.2, -0.1]]), conditions)
print(bounds(fisher_information(j.d_flux.numpy(), j.error.numpy()), prior_ranges(dict(Priors())), 1e12).sigma_5d[0])
"""
    done = call(python, "-c", code)
    assert done.returncode == 0, done.stderr
    assert 0.05 < float(done.stdout) < 1


def test_the_workflow_says_what_it_needs(python):
    done = call(python, str(python.with_name("logg1m")), "run", "-n")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install 'logg1m[workflow]'")
