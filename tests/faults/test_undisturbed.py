"""The undisturbed roadmap itself, which is one under survey conditions: verdicts, masked pixels, requirements, words."""

import pytest
from harness import Flow

from logg1m.spectra.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_every_verdict_is_reached(undisturbed: Flow):
    experiments = [path.stem for path in undisturbed.path("config/experiments").glob("*.yaml")]
    reached = {key for key in experiments if undisturbed.path(f"results/{key}/verdict.json").exists()}
    d1 = undisturbed.read("results/decisions/d1.json")["outcome"]
    assert reached >= {key for key in experiments if key < "mvp_2"}
    assert d1 == "stop" or reached >= {"mvp_2_3", "mvp_3_4"}


def test_the_share_of_bad_pixels_reaches_the_store_and_the_run_names_its_conditions(undisturbed: Flow):
    store = Store(undisturbed.path("results/data/manifest.json"))
    masked = store.read(0, "mask") != 0
    bad_pixels = store.source["observation"]["bad_pixels"]
    assert bad_pixels > 0
    assert abs(masked.mean() / bad_pixels - 1) < 0.2
    told = undisturbed.path("results/report/roadmap.md").read_text()
    assert "Conditions of the spectra: survey" in told


def test_what_nobody_knows_costs_what_it_should(undisturbed: Flow):
    factors = {
        row["unknown"]: row["sigma_factor"] for row in undisturbed.read("results/mvp_1_1/requirements.json")["rows"]
    }
    assert factors["amplitude"] == 1
    assert factors["calibration"] > 1.1
    assert factors["velocity_km_s"] == pytest.approx(1, abs=0.01)
