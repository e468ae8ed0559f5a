"""The wheel, built and installed into an environment of its own, works outside a checkout."""

import os
import site
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from built_wheel import ROOT, build

from logg1m.files import read_json

pytestmark = pytest.mark.slow
SMALL = ("data={n_spectra: 100}", "protocol={scales: [100]}", "compute={threads: 1}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of a copy of this checkout, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build(tmp_path_factory.mktemp("source"), folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `logg1m` command of the wheel; the packages that it needs are those of the tests."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "zz_needed.pth").write_text("\n".join(site.getsitepackages()))
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--ignore-installed", str(wheel)], check=True)
    return environment / "bin/logg1m"


def call(command: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([str(command), *arguments], cwd=folder, env=clean, capture_output=True, text=True)


def test_the_wheel_carries_package_data_and_the_workflow_and_nothing_that_git_ignores(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = [path for path in (ROOT / "src/logg1m").rglob("*") if path.is_file()]
    shipped = [ROOT / "Snakefile"]
    shipped += [p for d in ("workflow", "config", "profiles", "envs") for p in (ROOT / d).rglob("*") if p.is_file()]
    wanted = {f"logg1m/{path.relative_to(ROOT / 'src/logg1m')}" for path in data}
    wanted |= {f"logg1m/workflow/{path.relative_to(ROOT)}" for path in shipped}
    wanted = {name for name in wanted if "__pycache__" not in name}  # of Python and numba
    assert wanted == {name for name in names if not name.split("/")[0].endswith(".dist-info")}


def test_the_sdist_carries_what_its_tests_read(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "Snakefile",
        "setup.py",
        "constraints.txt",
        "docs/architecture.md",
        "tests/conftest.py",
        "envs/logg1m.yaml",
    ):
        assert name in names, name


def test_the_workflow_runs_outside_a_checkout(installed, tmp_path):
    where = call(installed, tmp_path, "run", "--where").stdout.strip()
    assert where.startswith(str(installed.parents[1]))
    made = "results/data/manifest.json"
    done = call(installed, tmp_path, "run", "--scale", "smoke", "--config", *SMALL, "--", made)
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = read_json(tmp_path / made)
    assert manifest["n_spectra"] == 100
    verified = call(installed, tmp_path, "verify")
    assert "100 spectra, all as the manifest says" in verified.stdout
    planned = call(
        installed, tmp_path, "run", "--scale", "smoke", "--config", *SMALL, "-n", "results/mvp_1_1/fisher.json"
    )
    assert planned.returncode == 0, planned.stderr[-3000:]
    assert "rule fisher" in planned.stdout
    assert "rule generate" not in planned.stdout
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["logs", "results"]


def test_status_of_a_run_knows_the_experiments_of_the_package(installed, tmp_path):
    (tmp_path / "results").mkdir()
    done = call(installed, tmp_path, "status")
    assert done.returncode == 0, done.stderr
    assert "3.6" in done.stdout
