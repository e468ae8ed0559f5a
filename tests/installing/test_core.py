"""What is asked of spectra (predict, simulate, import …) needs neither the workflow's packages nor those for FITS files."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# Modules that are the workflow's own, and may need what its extra brings; everything else has to import without.
WORKFLOW_ONLY = ("logg1m.baselines.boosting", "logg1m.experiments.confirmation", "logg1m.report")
IMPORT_ALL = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import logg1m

for module in pkgutil.walk_packages(logg1m.__path__, "logg1m."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        print(module.name, error)
"""


def modules_of(*extras: str) -> list[str]:
    """Top-level modules that packages of our extras bring."""
    wanted = {canonicalize_name(Requirement(line).name) for extra in extras for line in EXTRAS[extra]}
    found = packages_distributions().items()
    return sorted(name for name, by in found if wanted & set(map(canonicalize_name, by)))


def lacking(*modules: str) -> list[str]:
    """Modules of logg1m that cannot be imported without others, and why not."""
    clean = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(modules)]
    return subprocess.run(command, env=clean, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
def test_only_the_workflows_own_modules_need_its_extra():
    absent = modules_of("workflow", "fits")
    assert {"snakemake", "lightgbm", "plotly", "jinja2", "astropy"} <= set(absent)
    found = lacking(*absent)
    assert any(line.startswith("logg1m.baselines.boosting") for line in found), "nothing was missing"
    assert [line for line in found if not line.startswith(WORKFLOW_ONLY)] == []
