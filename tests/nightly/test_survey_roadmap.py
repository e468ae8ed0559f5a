"""The roadmap of smoke scale under survey conditions, from nothing to its end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import copy_project


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
