"""The decision points stand once, and what they say agrees with the configuration and the experiments' files."""

import re
from pathlib import Path

import pytest

from logg1m import cli
from logg1m.config.decisions import OUTCOMES
from logg1m.config.experiments import Experiment
from logg1m.decisions import gates
from logg1m.decisions.points import FILES, POINTS, RECIPES, closed_by, made_first
from logg1m.experiments import catalogue

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def experiments() -> dict[str, Experiment]:
    return catalogue.load(ROOT / "config/experiments")


def test_every_point_with_a_rule_has_the_outcomes_that_the_configuration_allows():
    ruled = {name: tuple(point.options) for name, point in POINTS.items() if point.evidence}
    assert ruled == OUTCOMES
    assert list(ruled) == list(gates.RULES)
    assert list(POINTS) == ["d1", "d2", "d3", "d4"]


def test_a_point_follows_an_experiment_of_phase_1_and_reads_an_artifact_of_it(experiments):
    for point in POINTS.values():
        if point.after is None:
            assert point.follows == "all of Phase 1"
        else:
            followed = experiments[point.after]
            assert followed.phase == 1
            assert point.follows.startswith(f"MVP-{followed.id}")


@pytest.mark.parametrize("of", ["cancelled_by", "first_if"])
def test_experiments_that_an_outcome_closes_or_puts_first_are_those_that_its_option_names(experiments, of):
    for name, point in POINTS.items():
        for outcome, follows in point.options.items():
            meant = {e.id for e in experiments.values() if getattr(e, of).get(name) == outcome}
            words = {"cancelled_by": "are cancelled", "first_if": "goes first"}[of]
            assert meant == (set(re.findall(r"MVP-(\d\.\w)", follows)) if words in follows else set())


def test_what_closes_an_experiment_is_its_phase_and_its_own_file(experiments):
    closed = {key: closed_by(e) for key, e in experiments.items()}
    assert all(closed[key] == {} for key, e in experiments.items() if e.phase < 2)
    assert closed["mvp_2_1"] == {"d1": "stop"}
    assert closed["mvp_3_5"] == {"d1": "stop", "d2": "full"}


def test_what_an_experiment_waits_for_is_decided_in_the_order_of_the_roadmap(experiments):
    waited = {key: made_first(e) for key, e in experiments.items()}
    assert waited["mvp_1_4"] == []
    assert waited["mvp_2_1"] == ["decisions/recipe_phase2.json"]
    assert waited["mvp_2_3"] == ["decisions/recipe_phase2.json", "decisions/d2.json"]
    assert waited["mvp_3_5"] == ["decisions/recipe_phase3.json", "decisions/d2.json"]
    assert FILES[:2] == ("decisions/d1.json", "decisions/d1.evidence.json")
    assert set(RECIPES) == {e.phase for e in experiments.values() if e.phase > 1}


def test_the_command_explains_every_point_and_nothing_else(capsys):
    with pytest.raises(SystemExit):
        cli.main(["decide", "--explain", "d0"])
    assert re.findall(r"\bd\d\b", capsys.readouterr().err.split("expected")[1]) == list(POINTS)


def test_no_other_place_lists_the_points():
    """But for the types of the configuration."""
    listed = re.compile(r"""["']d1["'],\s*["']d2["']""")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("src/logg1m", "workflow")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".smk", ".j2") and listed.search(path.read_text(encoding="utf-8"))
    }
    assert found <= {"src/logg1m/config/decisions.py"}
