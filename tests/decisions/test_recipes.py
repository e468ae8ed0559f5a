"""D4 and the recipes: ranking, composing, the trial of the combination, and what each phase starts from."""

import numpy as np
import pandas as pd
import pytest

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Recipe
from logg1m.decisions.recipes import compose, explain, keep_combination, next_recipe, rank, settle
from logg1m.experiments.catalogue import load

BASE = Recipe()
BOOTSTRAP = Bootstrap(resamples=200)
NORMALISED = {"normalisation": "continuum_spline"}
WINDOWED = {"windows": "top_20"}
WITH_ERROR = {"channels": ("flux_over_error",)}


def verdict(key: str, change: dict | None = None, gain: float = 0.02) -> dict:
    """A verdict that accepts a change with a fall of the low-noise MAE, or refutes the experiment."""
    entry = {"change": change, "differences": {"mae_low_noise": {"value": gain}}}
    return {
        "key": key,
        "outcome": "accepted" if change is not None else "refuted",
        "best_accepted": "new" if change is not None else None,
        "variants": {"old": {"change": {}}, "new": entry},
    }


def proposal(*verdicts: dict, heads: str = "single", most: int = 3, base: Recipe = BASE) -> dict:
    return compose(list(verdicts), base, heads, most)


def names(proposed: dict) -> list[str]:
    return [row["mvp"] for row in proposed["members"]]


# --- ranking and composing


def test_accepted_directions_are_ranked_by_the_fall_of_the_low_noise_mae():
    ranked = rank([verdict("mvp_1_2", WITH_ERROR, 0.01), verdict("mvp_1_3", NORMALISED, 0.03), verdict("mvp_1_4")])
    assert [row["mvp"] for row in ranked] == ["mvp_1_3", "mvp_1_2"]


def test_ties_are_broken_by_name_whatever_the_order():
    both = [verdict("mvp_1_3", NORMALISED), verdict("mvp_1_2", WITH_ERROR)]
    assert rank(both) == rank(both[::-1])
    assert rank(both)[0]["mvp"] == "mvp_1_2"


def test_another_kind_of_model_is_no_direction_and_the_best_one_that_can_be_combined_takes_its_place():
    found = verdict("mvp_1_6", {"model": "projection"}, 0.1)
    assert rank([found]) == []
    for name, gain, outcome in (("less", 0.02, "accepted"), ("more", 0.03, "accepted"), ("most", 0.05, "refuted")):
        found["variants"][name] = {
            "change": {"components": gain}, "role": "candidate", "outcome": outcome,
            "differences": {"mae_low_noise": {"value": gain}},
        }  # fmt: skip
    (row,) = rank([found])
    assert (row["variant"], row["mae_improvement"]) == ("more", 0.03)


def test_of_mvp_1_6_the_projection_token_alone_is_a_direction_by_its_own_difference():
    """However little of what the projection gains, which another kind of model is."""
    experiment = load("config/experiments")["mvp_1_6"]
    entries = {
        name: {
            "change": variant.change, "role": "control" if variant.control else "candidate", "outcome": "accepted",
            "differences": {"mae_low_noise": {"value": 0.02 if name == "projection_token" else 0.1}},
        }
        for name, variant in experiment.variants.items() if not variant.same_as
    }  # fmt: skip
    found = {"key": "mvp_1_6", "outcome": "accepted", "best_accepted": "projection", "variants": entries}
    (row,) = rank([found])
    assert (row["variant"], row["mae_improvement"]) == ("projection_token", 0.02)
    assert Recipe(**proposal(found)["recipe"]) == Recipe(projection_token=True)
    assert Recipe(**proposal(found, verdict("mvp_1_3", NORMALISED))["recipe"]) == Recipe(
        projection_token=True, **NORMALISED
    )
    entries["projection_token"]["outcome"] = "refuted"
    assert rank([found]) == []


def test_nothing_accepted_is_the_reference_recipe_and_closes_everything():
    proposed = proposal(verdict("mvp_1_2"), verdict("mvp_1_3"))
    assert proposed["recipe"] == BASE.model_dump(mode="json")
    assert (proposed["members"], proposed["combination"]) == ([], False)
    assert proposed["closed"] == ["mvp_1_2", "mvp_1_3"]


def test_one_direction_is_the_recipe_without_a_trial():
    proposed = proposal(verdict("mvp_1_2"), verdict("mvp_1_3", NORMALISED))
    assert Recipe(**proposed["recipe"]) == Recipe(**NORMALISED)
    assert not proposed["combination"]
    assert proposed["closed"] == ["mvp_1_2"]


def test_directions_are_combined_up_to_the_configured_number():
    accepted = [
        verdict("mvp_1_2", WITH_ERROR, 0.01), verdict("mvp_1_3", NORMALISED, 0.03), verdict("mvp_1_4", WINDOWED, 0.02),
    ]  # fmt: skip
    assert names(proposal(*accepted, most=2)) == ["mvp_1_3", "mvp_1_4"]
    assert proposal(*accepted, most=2)["closed"] == ["mvp_1_2"]
    three = proposal(*accepted)
    assert Recipe(**three["recipe"]) == Recipe(**WITH_ERROR, **NORMALISED, **WINDOWED)
    assert three["combination"]


def test_the_better_of_two_directions_keeps_a_field_that_both_change():
    proposed = proposal(verdict("mvp_1_2", WITH_ERROR | {"windows": "lines"}, 0.01), verdict("mvp_1_4", WINDOWED, 0.02))
    assert Recipe(**proposed["recipe"]) == Recipe(**WITH_ERROR, **WINDOWED)


def test_heads_are_d3s_whatever_d4_combines():
    multi = verdict("mvp_1_5", {"heads": "multi_balanced"}, 0.05)
    assert proposal(multi, heads="single")["recipe"]["heads"] == "single"
    proposed = proposal(multi, verdict("mvp_1_3", NORMALISED), heads="multi_balanced")
    assert Recipe(**proposed["recipe"]) == Recipe(**NORMALISED, heads="multi_balanced")


def test_heads_that_d3_turned_down_are_no_member_and_are_closed():
    multi = verdict("mvp_1_5", {"heads": "multi_balanced"}, 0.05)
    proposed = proposal(multi, verdict("mvp_1_3", NORMALISED), heads="single")
    assert names(proposed) == ["mvp_1_3"]
    assert proposed["closed"] == ["mvp_1_5"]
    assert not proposed["combination"]
    assert names(proposal(multi, verdict("mvp_1_3", NORMALISED), heads="multi_balanced")) == ["mvp_1_5", "mvp_1_3"]


# --- the trial


def tables(error: float, seed: int, seeds: int = 1, n: int = 400) -> list[pd.DataFrame]:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).uniform(1, 5, n)
    return [
        pd.DataFrame({"id": np.arange(n), "truth": truth, "predicted": truth + rng.normal(0, error, n)}).sample(
            frac=1, random_state=seed
        )
        for _ in range(seeds)
    ]


@pytest.mark.parametrize(("combined", "best", "kept"), [(0.3, 0.5, True), (0.5, 0.3, False), (0.4, 0.4, True)])
def test_combination_stays_unless_it_loses_to_its_best_member(combined, best, kept):
    members = pd.DataFrame({"low_noise": np.arange(400) < 200})
    trial = keep_combination(tables(combined, 1), tables(best, 2), members, BOOTSTRAP, 5, 0.0)
    assert trial["kept"] is kept


def test_only_low_noise_spectra_count_in_the_trial():
    low = np.arange(400) < 200
    members = pd.DataFrame({"low_noise": low})
    theirs, ours = tables(0.4, 1)[0].sort_values("id"), tables(0.4, 1)[0].sort_values("id")
    ours["predicted"] = ours["truth"] + np.where(low, 0.5, 10.0) * (ours["predicted"] - ours["truth"])
    trial = keep_combination([ours], [theirs], members, BOOTSTRAP, 5, 0.0)
    assert trial["mae_improvement_over_best_member"]["ci95"][0] > 0


def test_several_seeds_are_compared_together():
    members = pd.DataFrame({"low_noise": np.ones(400, dtype=bool)})
    assert keep_combination(tables(0.3, 1, seeds=3), tables(0.5, 2, seeds=2), members, BOOTSTRAP, 5, 0.0)["kept"]


def test_the_scatter_between_seeds_counts_in_the_trial():
    """A combination that is worse by less than the scatter between seeds may be so by chance, and is kept."""
    members = pd.DataFrame({"low_noise": np.ones(400, dtype=bool)})
    ours, theirs = tables(0.4, 1)[0].sort_values("id"), tables(0.4, 1)[0].sort_values("id")
    ours["predicted"] = ours["truth"] + 1.05 * (ours["predicted"] - ours["truth"])
    dropped, kept = (keep_combination([ours], [theirs], members, BOOTSTRAP, 5, s) for s in (0.0, 0.02))
    assert (dropped["kept"], kept["kept"]) == (False, True)
    assert kept["mae_improvement_over_best_member"]["seed_scatter"]["from"] == "configured"


def test_kept_combination_is_the_recipe_and_a_dropped_one_leaves_its_best_member():
    proposed = proposal(verdict("mvp_1_3", NORMALISED, 0.03), verdict("mvp_1_4", WINDOWED, 0.02), heads="multi_equal")
    kept = settle(proposed, BASE, "multi_equal", {"kept": True})
    assert (kept["combination"], kept["closed"]) == ("kept", [])
    assert Recipe(**kept["recipe"]) == Recipe(**NORMALISED, **WINDOWED, heads="multi_equal")
    dropped = settle(proposed, BASE, "multi_equal", {"kept": False})
    assert (dropped["combination"], dropped["closed"]) == ("dropped", ["mvp_1_4"])
    assert Recipe(**dropped["recipe"]) == Recipe(**NORMALISED, heads="multi_equal")
    assert names(dropped) == ["mvp_1_3"]


def test_without_a_trial_the_proposal_is_the_recipe():
    proposed = proposal(verdict("mvp_1_3", NORMALISED))
    settled = settle(proposed, BASE, "single", None)
    assert (settled["recipe"], settled["combination"]) == (proposed["recipe"], "none")


def test_explanation_says_what_was_accepted_dropped_and_closed():
    proposed = proposal(verdict("mvp_1_3", NORMALISED, 0.03), verdict("mvp_1_4", WINDOWED, 0.02), verdict("mvp_1_2"))
    trial = {"kept": False, "mae_improvement_over_best_member": {"value": -0.02, "ci95": [-0.03, -0.01]}}
    text = explain({"proposal": proposed, "trial": trial, "settled": settle(proposed, BASE, "single", trial)})
    for part in ("mvp_1_3/new", "dropped", "[-0.0300, -0.0100]", "mvp_1_2, mvp_1_4"):
        assert part in text


# --- Phase 3


def test_phase_3_starts_from_the_best_accepted_recipe_of_phase_2():
    start = Recipe(**NORMALISED)
    better = [verdict("mvp_2_1", {"pretraining": "masked_token"}, 0.01), verdict("mvp_2_2", {"denoiser": "pca"}, 0.02)]
    assert next_recipe(start, better) == Recipe(**NORMALISED, denoiser="pca")


def test_phase_3_does_not_inherit_a_pretraining_that_equal_compute_matches():
    found = verdict("mvp_2_1", {"pretraining": "masked_token"}, 0.03)
    criterion = {"metric": "r2", "against": "scratch_longer", "outcome": "inconclusive"}
    found["variants"]["new"]["hypothesis_criteria"] = [{"metric": "r2", "outcome": "accepted"}, criterion]
    other = verdict("mvp_2_2", {"denoiser": "pca"}, 0.01)
    assert next_recipe(BASE, [found, other]) == Recipe(denoiser="pca")
    criterion["outcome"] = "accepted"
    assert next_recipe(BASE, [found, other]) == Recipe(pretraining="masked_token")


def test_phase_3_keeps_the_recipe_if_phase_2_accepted_nothing():
    assert next_recipe(Recipe(**NORMALISED), [verdict("mvp_2_1")]) == Recipe(**NORMALISED)
    assert next_recipe(BASE, []) == BASE
