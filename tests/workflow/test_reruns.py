"""What runs again after new evidence or another decision: exactly what the outcome reaches, never more."""

import os
from collections import Counter

import pytest
from harness import CONFIRMED, DOCUMENTS, OF_BEST_MODEL, PHASE_2, PHASE_3, Flow, fisher, verdict

from logg1m.experiments import catalogue

pytestmark = pytest.mark.slow

D1_CHAIN = ("evidence:d1", "decide:d1", *CONFIRMED)
MODELS_CHAIN = (
    "errors",
    "figure_error_bias",
    "figure_error_cells",
    *OF_BEST_MODEL,
    *D1_CHAIN,
)  # where the numbers of models change
LATER = ("results/mvp_2_3/verdict.json", "results/mvp_3_4/flux/seed_0/metrics.json", "results/mvp_3_5/verdict.json")


def set_verdict(flow: Flow, key: str, outcome: str, **changes: object) -> None:
    """Replace a verdict, as if its rule had made it."""
    experiments = catalogue.load(flow.path("config/experiments"))
    flow.write(f"results/{key}/verdict.json", verdict(experiments[key], outcome) | changes)


def times(flow: Flow, names: tuple[str, ...]) -> list[tuple[int, int]]:
    """Inode and modification time: what changes whenever a file is written again."""
    stats = [flow.path(name).stat() for name in names]
    return [(s.st_ino, s.st_mtime_ns) for s in stats]


def test_nothing_changed_runs_nothing(flow):
    assert not flow.jobs()


def test_same_results_written_again_run_nothing(flow):
    for path in flow.path("results").rglob("*"):
        if path.is_file() and "spectra.zarr" not in path.parts:
            path.write_bytes(path.read_bytes())
    assert not flow.jobs()


def test_predictions_over_one_megabyte_are_compared_by_content(flow):
    predictions = flow.path("results/mvp_1_2/flux/seed_0/predictions.parquet")
    assert predictions.stat().st_size > 1_000_000
    os.utime(predictions)
    assert not flow.jobs()
    assert flow.jobs("--max-checksum-file-size", "1000000"), "Snakemake's own limit would rerun the verdict"
    predictions.write_bytes(predictions.read_bytes()[:-1] + b"!")
    assert "verdict_mvp_1_2" in flow.jobs()


def test_new_numbers_for_the_same_outcome_run_the_gate_alone(flow):
    flow.write("results/mvp_1_1/models.json", fisher(ratio=3.5))
    assert flow.run() == Counter(MODELS_CHAIN)
    assert not flow.jobs()


def test_new_verdict_for_the_same_outcome_stops_at_the_recipe(flow):
    set_verdict(flow, "mvp_1_5", "refuted", reason="other numbers")
    judged = ["evidence:d3", "decide:d3", "propose", "figures_mvp_1_5"]
    assert flow.run() == Counter([*judged, "confirmation", *DOCUMENTS])  # it confirms verdicts; no model has changed
    assert not flow.jobs()


def test_threshold_of_a_decision_runs_that_gate_and_the_documents_that_show_it(flow):
    flow.configure("decisions", d1_continue_above=2.5)
    assert flow.run() == Counter(["evidence:d1", "decide:d1", *DOCUMENTS])
    assert flow.read("results/decisions/d1.evidence.json")["evidence"]["continue_above"] == 2.5
    assert not flow.jobs()


def test_changes_above_and_below_a_settled_gate_are_done_in_one_run(flow):
    """The gate that comes out as before must not hide what else is to be done."""
    flow.configure("decisions", default={"d1": "continue", "d2": "windows", "d3": "single"})
    set_verdict(flow, "mvp_1_5", "refuted", reason="other numbers")
    set_verdict(flow, "mvp_2_3", "inconclusive", reason="other numbers")
    first = Counter(["evidence:d2", "decide:d2", "evidence:d3", "decide:d3", "propose"])
    shown = Counter(["figures_mvp_1_5", "figures_mvp_2_3", "confirmation", *DOCUMENTS])
    assert flow.run() == first + Counter(["recipe_phase3"]) + shown
    assert not flow.jobs()


def test_d1_stop_cancels_the_later_phases_and_continue_reuses_their_results(flow):
    before = times(flow, LATER)
    flow.write("results/mvp_1_1/models.json", fisher(ratio=1.0))
    assert flow.run() == Counter(MODELS_CHAIN)
    assert flow.read("results/decisions/d1.json")["outcome"] == "stop"
    assert flow.read("results/decisions/d1.evidence.json")["remaining_directions"]
    report = flow.path("results/report/roadmap.md").read_text()
    assert report.count("| cancelled | `VIT-") == 3
    assert not flow.jobs()

    flow.write("results/mvp_1_1/models.json", fisher(ratio=3.0))
    assert flow.run() == Counter(MODELS_CHAIN)
    assert before == times(flow, LATER)
    assert "| cancelled |" not in flow.path("results/report/roadmap.md").read_text()
    assert not flow.jobs()


def test_abandoned_branch_is_an_input_of_nothing(flow):
    flow.configure("decisions", override={"d2": "full"})
    assert flow.run() == Counter(["evidence:d2", "decide:d2", *CONFIRMED])
    for name in ("results/mvp_3_5/verdict.json", "results/mvp_3_5/none/seed_0/metrics.json"):
        flow.path(name).write_text("not what it was")
    assert not flow.jobs()
    assert "D2: full" in flow.path("results/report/roadmap.md").read_text()


def test_override_and_the_rules_own_verdict_stand_side_by_side(flow):
    flow.configure("decisions", override={"d1": "stop"})
    assert flow.run() == Counter(["evidence:d1", "decide:d1", *CONFIRMED])
    evidence = flow.read("results/decisions/d1.evidence.json")
    assert (evidence["rule_verdict"], evidence["rule_outcome"]) == ("continue", "continue")
    assert (evidence["override"], evidence["outcome"]) == ("stop", "stop")


@pytest.mark.parametrize(
    ("override", "target"),
    [
        ({"d1": "stop"}, "results/mvp_3_4/verdict.json"),
        ({"d2": "full"}, "results/mvp_3_5/none/seed_0/metrics.json"),
    ],
)
def test_asking_for_a_cancelled_experiment_is_one_error_that_names_the_override(flow, override, target):
    d, closing = next(iter(override.items()))
    opening = {"stop": "continue", "full": "windows"}[closing]
    flow.configure("decisions", override=override)
    printed = flow.snakemake(target, ok=False)
    key = target.split("/")[1].removeprefix("mvp_").replace("_", ".")
    message = f"MVP-{key} is cancelled by {d.upper()} = {closing}; to run it all the same, set"
    assert printed.count(message) == 1
    assert f"decisions.override: {{{d}: {opening}}}" in printed
    assert "localrule run_variant" not in printed


def test_another_recipe_reruns_what_starts_from_it_and_the_old_one_reuses_its_results(flow):
    flow.configure("decisions", override={"d3": "multi"})
    gate = Counter(["evidence:d3", "decide:d3", "propose", "settle_recipe"])
    assert flow.run("results/decisions/recipe_phase2.json") == gate
    # what documents show of Phases 2 and 3, figures too, is known once the recipe of Phase 3 is settled
    judged = Counter(PHASE_2) - Counter(["figures_mvp_2_3"])
    assert flow.jobs() == judged + Counter(["recipe_phase3", *CONFIRMED])
    flow.configure("decisions", override={})
    assert flow.run() == gate + Counter(DOCUMENTS)
    assert not flow.jobs()


def test_another_recipe_of_phase_3_reruns_phase_3_alone(flow):
    recipe = flow.read("results/decisions/recipe_phase3.json")
    recipe["recipe"]["normalisation"] = "median"
    flow.write("results/decisions/recipe_phase3.json", recipe)
    assert flow.jobs() == Counter([*PHASE_3, *CONFIRMED])


def test_two_accepted_directions_train_their_combination_once(flow):
    set_verdict(flow, "mvp_1_2", "accepted")
    assert flow.run("results/decisions/d4.proposal.json") == Counter(["propose"])
    assert flow.read("results/decisions/d4.proposal.json")["combination"]
    assert flow.jobs("results/decisions/d4.json") == Counter(["run_combination:0", "settle_recipe"])


def test_combination_is_tried_against_its_best_member_in_one_run(flow):
    verdicts = {f"mvp_1_{k}": flow.read(f"results/mvp_1_{k}/verdict.json")["outcome"] for k in (2, 3, 4, 5)}
    for pattern in ("mvp_1_[2-5]/*/seed_0/*", "mvp_1_[2-5]/verdict.json"):
        for path in flow.path("results").glob(pattern):
            path.unlink()
    flow.run(*(f"results/{key}/verdict.json" for key in verdicts))
    for key, outcome in (verdicts | {"mvp_1_2": "accepted"}).items():
        set_verdict(flow, key, outcome)
    assert flow.run("results/decisions/d4.json") == Counter(["propose", "run_combination:0", "settle_recipe"])
    metrics, d4 = flow.read("results/combination/recipe/seed_0/metrics.json"), flow.read("results/decisions/d4.json")
    assert (metrics["recipe"]["windows"], metrics["recipe"]["channels"]) == ("top_10", ["flux_over_error"])
    assert d4["combination"] in ("kept", "dropped")
    assert flow.read("results/decisions/d4.evidence.json")["trial"]["kept"] == (d4["combination"] == "kept")
    assert not flow.jobs("results/decisions/d4.json")


@pytest.mark.parametrize(("outcome", "first"), [("windows", True), ("full", False)])
def test_d2_windows_lets_the_multi_scale_experiment_go_first(flow, outcome, first):
    flow.configure("decisions", override={"d2": outcome})
    flow.run("results/decisions/d2.json")
    flow.path("results/mvp_2_3/single_scale/seed_0/predictions.parquet").unlink()
    flow.path("results/mvp_2_3/verdict.json").unlink()
    printed = flow.snakemake("--dry-run")
    assert "variant=single_scale" in printed
    assert ("    priority: 1\n" in printed) == first
