"""What was accepted, asked once more: true gains are confirmed, lucky ones are not, and a winner must do as well as it did."""

from typing import Any

import numpy as np
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging.confirming import CONFIRMED, CONTRADICTED, OPEN, accepted, confirm, winner
from logg1m.experiments.judging.errors import Runs
from logg1m.metrics import interval_of

BOOTSTRAP = Bootstrap(resamples=400)
N = 2_000
CRITERIA = [{"metric": "mae", "subset": "full"}, {"metric": "convergence", "subset": "full"}]


def experiment(criteria: list[dict[str, Any]], combine: str = "all", **candidates: Any) -> Experiment:
    variants = {name: {"label": name} for name in ("old", "new", "newer")} | candidates
    return Experiment.model_validate(
        {
            "id": "9.1", "name": "test", "title": "Test", "phase": 1, "question": "?", "hypothesis": {"text": "!"},
            "variants": variants,
            "acceptance": {"text": "better", "reference": "old", "criteria": criteria, "combine": combine},
        }
    )  # fmt: skip


def runs(scale: dict[str, float], seed: int = 1) -> Runs:
    """Errors of the same stars times a factor, and a little of their own."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.3, N)
    errors = {name: (factor * common + rng.normal(0, 0.02, N))[None] for name, factor in scale.items()}
    truth = rng.uniform(1, 5, N)
    about = {"teff": rng.uniform(4000, 6000, N), "m_h": rng.uniform(-2, 0, N)}
    return Runs(truth, np.arange(N) % 5 == 0, about, errors)


def verdict(*names: str, outcomes: tuple[str, ...] = ("accepted", "accepted")) -> dict[str, Any]:
    def entry(name: str) -> dict[str, Any]:
        criteria = [{"outcome": o} for o in outcomes]
        return {
            "label": name,
            "role": "candidate",
            "outcome": "accepted" if name in names else "refuted",
            "criteria": criteria,
        }

    return {"variants": {"old": {"label": "old", "role": "reference"}} | {n: entry(n) for n in ("new", "newer")}}


def test_a_true_gain_is_confirmed_and_one_that_was_luck_is_contradicted_or_open():
    for factor, state in ((0.8, CONFIRMED), (1.2, CONTRADICTED), (1.0, OPEN)):
        found = confirm(
            experiment(CRITERIA), verdict("new"), runs({"old": 1, "new": factor, "newer": 1}), {}, BOOTSTRAP, 7
        )
        assert (found["new"]["state"], list(found)) == (state, ["new"])
        assert found["new"]["left_out"] == ["convergence"], "no star of a test is behind it"
    low, high = interval_of(found["new"]["criteria"][0]["improvement"])
    assert low < 0 < high


def test_of_criteria_of_which_any_is_enough_those_count_that_were_met():
    both = [{"metric": "mae", "subset": "full"}, {"metric": "r2", "subset": "full", "margin": 0.5}]
    asked = runs({"old": 1, "new": 0.8, "newer": 1})
    found = confirm(experiment(both, "any"), verdict("new", outcomes=("accepted", "refuted")), asked, {}, BOOTSTRAP, 7)
    assert [c["metric"] for c in found["new"]["criteria"]] == ["mae"]
    assert found["new"]["state"] == CONFIRMED
    found = confirm(experiment(both, "any"), verdict("new", outcomes=("refuted", "accepted")), asked, {}, BOOTSTRAP, 7)
    assert found["new"]["state"] == CONTRADICTED


def test_a_scatter_between_seeds_that_is_assumed_counts_here_too():
    asked = runs({"old": 1, "new": 0.9, "newer": 1})
    states = [
        confirm(experiment(CRITERIA), verdict("new"), asked, {"mae": scatter}, BOOTSTRAP, 7)["new"]["state"]
        for scatter in (0.001, 0.1)
    ]
    assert states == [CONFIRMED, OPEN]


def test_several_that_were_accepted_are_a_family():
    """A gain that the interval just confirms by itself is not confirmed beside an equal one (Holm)."""
    alone = confirm(experiment(CRITERIA), verdict("new"), runs({"old": 1, "new": 0.9, "newer": 0.9}), {}, BOOTSTRAP, 7)
    measured = alone["new"]["criteria"][0]["improvement"]
    margin = measured["value"] - 2.1 * measured["standard_error"]
    criteria = [{"metric": "mae", "subset": "full", "margin": margin}]
    asked = runs({"old": 1, "new": 0.9, "newer": 0.9})
    one = confirm(experiment(criteria), verdict("new"), asked, {}, BOOTSTRAP, 7)
    two = confirm(experiment(criteria), verdict("new", "newer"), asked, {}, BOOTSTRAP, 7)
    assert one["new"]["state"] == CONFIRMED
    assert OPEN in {entry["state"] for entry in two.values()}


def test_only_criteria_of_the_training_leave_it_open():
    found = confirm(
        experiment(CRITERIA[1:]), verdict("new"), runs({"old": 1, "new": 0.5, "newer": 1}), {}, BOOTSTRAP, 7
    )
    assert (found["new"]["state"], found["new"]["criteria"]) == (OPEN, [])


def test_accepted_are_candidates_alone():
    assert accepted(verdict("newer")) == ["newer"]
    assert accepted({"variants": {"old": {"role": "control", "outcome": "accepted"}}}) == []
    assert accepted({}) == []


@pytest.mark.parametrize(("widening", "state"), [(1.0, CONFIRMED), (0.8, CONFIRMED), (1.3, CONTRADICTED)])
def test_a_winner_is_confirmed_unless_it_does_worse_on_fresh_stars(widening, state):
    rng = np.random.default_rng(5)
    test, fresh = ((rng.uniform(1, 5, N), rng.normal(0, s, (3, N))) for s in (0.3, 0.3 * widening))
    found = winner(fresh, test, BOOTSTRAP, 7)
    assert found["state"] == state
    assert found["fresh"]["n"] == N
    rmse = [np.sqrt((errors**2).mean(axis=1)).mean() for _, errors in (fresh, test)]
    assert found["difference"]["value"] == pytest.approx(rmse[0] - rmse[1])


def test_the_difference_of_a_winner_has_the_scatter_of_two_independent_sets_of_stars():
    """Standard error of a root mean square of N Gaussian errors: σ/√(2N), twice in the difference."""
    rng = np.random.default_rng(6)
    test, fresh = ((rng.uniform(1, 5, N), rng.normal(0, 0.3, (1, N))) for _ in range(2))
    found = winner(fresh, test, Bootstrap(resamples=2_000), 7)
    assert found["difference"]["standard_error"] == pytest.approx(0.3 / np.sqrt(N), rel=0.15)
