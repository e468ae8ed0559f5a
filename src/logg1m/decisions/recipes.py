"""D4 and the recipes: accepted directions are ranked, the best combined, and the combination must earn its place."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.blame import understood
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Recipe
from logg1m.decisions.points import POINTS
from logg1m.experiments import catalogue
from logg1m.experiments.judging import resampling
from logg1m.experiments.judging.intervals import entry
from logg1m.experiments.judging.verdict import ACCEPTED
from logg1m.files import read_json
from logg1m.scatter import Scatter

# Changes that are no direction for a recipe: another kind of model, or other stars to train on, is nothing that Phases
# 2 and 3 can be tried on.
_NOT_COMPOSABLE = {"model", "training_spectra"}


def _best(verdict: dict[str, Any]) -> str | None:
    """The best accepted variant that can be combined with others, by its own difference from the reference."""
    best: str | None = verdict.get("best_accepted")
    if best is None or not _NOT_COMPOSABLE & set(verdict["variants"][best]["change"]):
        return best
    able = {
        name: entry["differences"]["mae_low_noise"]["value"]
        for name, entry in verdict["variants"].items()
        if entry.get("role") == "candidate"
        and entry.get("outcome") == ACCEPTED
        and not _NOT_COMPOSABLE & set(entry["change"])
    }
    return max(able, key=lambda name: able[name], default=None)


def rank(verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Accepted directions, the largest fall of the low-noise MAE first."""
    accepted = []
    for verdict in verdicts:
        if verdict["outcome"] != ACCEPTED:
            continue
        if best := _best(verdict):
            entry = verdict["variants"][best]
            accepted.append(
                {
                    "mvp": verdict["key"],
                    "variant": best,
                    "change": entry["change"],
                    "mae_improvement": entry["differences"]["mae_low_noise"]["value"],
                }
            )
    return sorted(accepted, key=lambda row: (-row["mae_improvement"], row["mvp"]))


def read_verdicts(paths: Iterable[str]) -> list[dict[str, Any]]:
    """Verdicts as `rank` needs them; raises InputError for a file that is none."""
    verdicts = []
    for path in paths:
        verdicts.append(read_json(path, ("key", "outcome")))
        with understood(path):
            all(_earned(row, verdicts) for row in rank(verdicts[-1:]))
    return verdicts


def compose(verdicts: list[dict[str, Any]], base: Recipe, heads: str, most: int) -> dict[str, Any]:
    """What D4 proposes: the members, their recipe together, and what is closed.

    Where two directions change one field the better one keeps it. `heads` is D3's outcome for all later experiments.
    """
    ranked = rank(verdicts)
    changes: dict[str, Any] = {}
    members: list[dict[str, Any]] = []
    for row in ranked[:most]:
        new = {field: value for field, value in row["change"].items() if field not in changes and field != "heads"}
        if new or row["change"].get("heads") == heads:  # heads that D3 turned down bring nothing into the recipe
            members.append(row)
            changes |= new
    recipe = catalogue.recipe(base, {**changes, "heads": heads})
    closed = sorted(v["key"] for v in verdicts if v["key"] not in {row["mvp"] for row in members})
    return {
        "recipe": recipe.model_dump(mode="json"),
        "members": [{"mvp": row["mvp"], "variant": row["variant"], "change": row["change"]} for row in members],
        "closed": closed,
        "combination": len(members) > 1 and recipe != base,
    }


def keep_combination(
    combined: list[pd.DataFrame],
    best: list[pd.DataFrame],
    members: pd.DataFrame,
    bootstrap: Bootstrap,
    seed: int,
    seed_scatter: float,
) -> dict[str, Any]:
    """Whether the trained combination loses to its best member in low-noise MAE (paired; it may tie).

    combined, best : predictions per seed, columns id, truth, predicted, on the same spectra
    seed_scatter : of the MAE between seeds, assumed while fewer than ten degrees of freedom measure it, dex
    """

    def low_noise_errors(tables: list[pd.DataFrame]) -> list[np.ndarray]:
        ordered = [t.sort_values("id") for t in tables]
        return [
            (t["predicted"] - t["truth"]).to_numpy()[members.loc[t["id"], "low_noise"].to_numpy(dtype=bool)]
            for t in ordered
        ]

    ours, theirs = (np.abs(np.stack(low_noise_errors(tables))) for tables in (combined, best))  # (S, N)
    seeds, n = [len(ours), len(theirs)], ours.shape[1]
    gained = metrics.mean(theirs.mean(axis=0) - ours.mean(axis=0))
    replicates = resampling.replicates([[gained]], n, bootstrap, seed)[0]
    scatter = Scatter.pooled([ours.mean(axis=1), theirs.mean(axis=1)], seed_scatter)
    difference = entry(float(theirs.mean() - ours.mean()), replicates, scatter, 1.0, seeds, bootstrap)
    high = metrics.interval_of(difference)[1]
    return {"mae_improvement_over_best_member": difference, "kept": bool(high >= 0)}


def settle(proposal: dict[str, Any], base: Recipe, heads: str, trial: dict[str, Any] | None) -> dict[str, Any]:
    """d4.json: the recipe of Phase 2, its members and what is closed; a combination that loses is dropped."""
    if trial is None or trial["kept"]:
        recipe, members = proposal["recipe"], proposal["members"]
        combination = "kept" if trial else "none"
    else:
        members = proposal["members"][:1]
        change = {field: value for field, value in members[0]["change"].items() if field != "heads"}
        recipe = catalogue.recipe(base, {**change, "heads": heads}).model_dump(mode="json")
        combination = "dropped"
    dropped = [row["mvp"] for row in proposal["members"] if row not in members]
    return {
        "decision": "d4",
        "members": members,
        "combination": combination,
        "closed": sorted({*proposal["closed"], *dropped}),
        "recipe": recipe,
    }


def next_recipe(recipe: Recipe, verdicts: list[dict[str, Any]]) -> Recipe:
    """Phase 3 starts from the best accepted recipe of Phase 2, or from Phase 2's own.

    What is no better than another use of the same compute (a criterion of the hypothesis with `against`) is left out.
    """
    ranked = [row for row in rank(verdicts) if _earned(row, verdicts)]
    return catalogue.recipe(recipe, ranked[0]["change"]) if ranked else recipe


def _earned(row: dict[str, Any], verdicts: list[dict[str, Any]]) -> bool:
    verdict = next(v for v in verdicts if v["key"] == row["mvp"])
    judged = verdict["variants"][row["variant"]].get("hypothesis_criteria", [])
    return all(c["outcome"] == ACCEPTED for c in judged if c.get("against"))


def explain(evidence: dict[str, Any]) -> str:
    """D4 in words: what was accepted, whether the combination earned its place, the recipe, what is closed."""
    settled, trial = evidence["settled"], evidence["trial"]
    members = [f"{m['mvp']}/{m['variant']} {m['change']}" for m in evidence["proposal"]["members"]]
    lines = [
        "D4: the recipe of Phase 2",
        f"  rule          {POINTS['d4'].rule}",
        f"  accepted      {'; '.join(members) or 'none: the reference recipe goes on'}",
    ]
    if trial:
        low, high = metrics.interval_of(trial["mae_improvement_over_best_member"])
        lines.append(
            f"  combination   {settled['combination']}: MAE improves on the best member by [{low:+.4f}, {high:+.4f}] "
            "dex"
        )
    changed = {k: v for k, v in settled["recipe"].items() if v != Recipe().model_dump(mode="json")[k]}
    lines += [
        f"  recipe        reference with {changed or 'no change'}",
        f"  closed        {', '.join(settled['closed']) or 'none'}",
    ]
    return "\n".join(lines)
