"""The roadmap under survey conditions: the small one in every submission, that of smoke scale nightly."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness import PROJECT, SETTINGS, Flow, copy_project, small_project

from logg1m.spectra.store import Store

SURVEY = yaml.safe_load((PROJECT / "config/conditions/survey.yaml").read_text())["data"]["observation"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Flow:
    flow = small_project(tmp_path_factory.mktemp("survey"))
    flow.configure("data", **SETTINGS["data"], observation=SURVEY)
    flow.snakemake()
    return flow


@pytest.mark.slow
def test_every_verdict_is_reached(finished):
    experiments = [path.stem for path in finished.path("config/experiments").glob("*.yaml")]
    reached = {key for key in experiments if finished.path(f"results/{key}/verdict.json").exists()}
    d1 = finished.read("results/decisions/d1.json")["outcome"]
    assert reached >= {key for key in experiments if key < "mvp_2"}
    assert d1 == "stop" or reached >= {"mvp_2_3", "mvp_3_4"}


@pytest.mark.slow
def test_the_share_of_bad_pixels_reaches_the_store_and_the_run_names_its_conditions(finished):
    store = Store(finished.path("results/data/manifest.json"))
    masked = store.read(0, "mask") != 0
    assert abs(masked.mean() / SURVEY["bad_pixels"] - 1) < 0.2
    told = finished.path("results/report/roadmap.md").read_text()
    assert "Conditions of the spectra: survey" in told


@pytest.mark.slow
def test_what_nobody_knows_costs_what_it_should(finished):
    factors = {
        row["unknown"]: row["sigma_factor"] for row in finished.read("results/mvp_1_1/requirements.json")["rows"]
    }
    assert factors["amplitude"] == 1
    assert factors["calibration"] > 1.1
    assert factors["velocity_km_s"] == pytest.approx(1, abs=0.01)


@pytest.mark.nightly
def test_the_roadmap_of_smoke_scale_ends_under_survey_conditions(tmp_path):
    flow = copy_project(tmp_path)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", "runs/survey", "--configfile"]
    overlays = [str(Path("config") / name) for name in ("scale/smoke.yaml", "conditions/survey.yaml")]
    done = subprocess.run([*command, *overlays], cwd=flow.folder, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    verdicts = sorted(flow.path("runs/survey/results").glob("mvp_*/verdict.json"))
    assert len(verdicts) >= 16
    assert all(json.loads(path.read_text())["outcome"] for path in verdicts)
