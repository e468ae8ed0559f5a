"""Artifacts that are well-formed and wrong: one error that names the file, whichever rule reads them."""

import pytest
from harness import Flow, assert_named

pytestmark = pytest.mark.slow

# (rule, what it makes, what it reads of an artifact); no rule of a round reads what another one makes.
ROUNDS = [
    [
        ("evidence", "results/decisions/d1.evidence.json", "results/mvp_1_1/models.json"),
        ("evidence", "results/decisions/d2.evidence.json", "results/mvp_1_4/verdict.json"),
        ("evidence", "results/decisions/d3.evidence.json", "results/mvp_1_5/verdict.json"),
        ("networks", "results/mvp_0_b/networks.json", "results/mvp_1_2/flux/seed_0/metrics.json"),
    ],
    [("settle_recipe", "results/decisions/d4.json", "results/decisions/d4.proposal.json")],
    [("recipe_phase3", "results/decisions/recipe_phase3.json", "results/decisions/recipe_phase2.json")],
    [("recipe_phase3", "results/decisions/recipe_phase3.json", "results/mvp_2_3/verdict.json")],
]
WRONG = {
    "models.json": {"models": 3},
    "verdict.json": {"key": "mvp_2_3", "outcome": "accepted", "best_accepted": "x", "variants": []},
    "d4.proposal.json": {"recipe": 1, "members": 2, "closed": 3, "combination": []},
    "recipe_phase2.json": {"recipe": "vit"},
    "metrics.json": {"low_noise": 1, "full": 2, "recipe": 3},
}


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_a_wrong_artifact_is_one_error_that_names_it(flow: Flow, number: int):
    assert_named(flow, ROUNDS[number], WRONG)


def test_an_outcome_that_no_decision_has_is_refused(flow: Flow):
    """It would be taken for one that closes nothing."""
    for outcome in ("maybe", 3, ["stop"]):
        flow.write("results/decisions/d1.json", {"decision": "d1", "outcome": outcome})
        printed = flow.snakemake("--dry-run", ok=False)
        assert f"results/decisions/d1.json holds the outcome {outcome!r}, expected continue or stop" in printed
