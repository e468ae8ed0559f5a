"""Artifacts that are well-formed and wrong: one error that names the file, whichever rule reads them."""

import pytest
from harness import Flow

pytestmark = pytest.mark.slow

# Artifact → the rule that reads it.
READ_BY = {
    "results/mvp_1_1/models.json": "results/decisions/d1.evidence.json",
    "results/mvp_1_4/verdict.json": "results/decisions/d2.evidence.json",
    "results/mvp_1_5/verdict.json": "results/decisions/d3.evidence.json",
    "results/decisions/d4.proposal.json": "results/decisions/d4.json",
    "results/decisions/recipe_phase2.json": "results/decisions/recipe_phase3.json",
    "results/mvp_2_3/verdict.json": "results/decisions/recipe_phase3.json",
    "results/mvp_1_2/flux/seed_0/metrics.json": "results/mvp_0_b/networks.json",
}
RULES = {
    "results/decisions/d1.evidence.json": "evidence",
    "results/decisions/d2.evidence.json": "evidence",
    "results/decisions/d3.evidence.json": "evidence",
    "results/decisions/d4.json": "settle_recipe",
    "results/decisions/recipe_phase3.json": "recipe_phase3",
    "results/mvp_0_b/networks.json": "networks",
}
WRONG = {
    "models.json": {"models": 3},
    "verdict.json": {"key": "mvp_2_3", "outcome": "accepted", "best_accepted": "x", "variants": []},
    "d4.proposal.json": {"recipe": 1, "members": 2, "closed": 3, "combination": []},
    "recipe_phase2.json": {"recipe": "vit"},
    "metrics.json": {"low_noise": 1, "full": 2, "recipe": 3},
}


@pytest.mark.parametrize("artifact", READ_BY)
def test_a_wrong_artifact_is_one_error_that_names_it(flow: Flow, artifact: str):
    for content in ({}, WRONG[artifact.rsplit("/", maxsplit=1)[-1]]):
        flow.write(artifact, content)
        printed = flow.snakemake(READ_BY[artifact], "--allowed-rules", RULES[READ_BY[artifact]], ok=False)
        assert f"{artifact} " in printed
        assert "a fault in logg1m" not in printed
        assert "Traceback (most recent call last)" not in printed  # Snakemake names the rules that it came through


def test_an_outcome_that_no_decision_has_is_refused(flow: Flow):
    """It would be taken for one that closes nothing."""
    for outcome in ("maybe", 3, ["stop"]):
        flow.write("results/decisions/d1.json", {"decision": "d1", "outcome": outcome})
        printed = flow.snakemake("--dry-run", ok=False)
        assert f"results/decisions/d1.json holds the outcome {outcome!r}, expected continue or stop" in printed
