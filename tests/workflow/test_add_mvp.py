"""The recipe of CONTRIBUTING.md, 'A new MVP in ten minutes', done as it is written."""

import re
from collections import Counter

import pytest
from harness import CONFIRMED, PROJECT, Flow

pytestmark = pytest.mark.slow

NEW = ["run_variant:mvp_3_7/all/0", "run_variant:mvp_3_7/low_noise/0", "verdict_mvp_3_7", "figures_mvp_3_7"]


@pytest.fixture
def extended(flow) -> Flow:
    """The small roadmap with the file that CONTRIBUTING.md shows."""
    text = (PROJECT / "CONTRIBUTING.md").read_text().split("## A new MVP in ten minutes", 1)[1]
    name, block = re.search(r"`(config/experiments/\S+\.yaml)`.*?```yaml\n(.*?)```", text, flags=re.DOTALL).groups()
    flow.path(name).write_text(block)
    return flow


def test_file_of_the_recipe_adds_its_jobs_and_no_others(extended):
    assert extended.jobs() == Counter([*NEW, *CONFIRMED])


def test_new_mvp_runs_and_appears_in_the_roadmap(extended):
    extended.draws()
    assert extended.run() == Counter([*NEW, *CONFIRMED])
    verdict = extended.read("results/mvp_3_7/verdict.json")
    assert verdict["outcome"] in ("accepted", "refuted", "inconclusive")
    assert verdict["variants"]["low_noise"]["change"] == {"train_on": "low_noise"}
    assert extended.path("results/mvp_3_7/training_set_comparison.png").stat().st_size > 0
    assert "| 3.7 | Training set | 3 | done |" in extended.path("results/report/roadmap.md").read_text()
    assert not extended.jobs()
