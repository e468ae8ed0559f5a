"""The decision points D1–D4 as the documents show them: rule, evidence, override, outcome and what it cancels."""

from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.config.experiments import OUTCOMES, Experiment
from logg1m.report.decision_words import flips, grounds, manner, rule_of
from logg1m.report.roadmap import Decision
from logg1m.report.states import cancellation
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import STATISTIC, SUBSET, limit, metric, model_name, mvp_id

NAMES = ("d1", "d2", "d3", "d4")
_ABOUT: dict[str, tuple[str, str, dict[str, str]]] = {
    "d1": (
        "Is there headroom above the bound?",
        "MVP-1.1",
        {"continue": "Phase 2 starts", "stop": "Phases 2 and 3 are cancelled; physical directions remain"},
    ),
    "d2": (
        "Windows or the full spectrum?",
        "MVP-1.4",
        {"windows": "MVP-2.3 goes first in Phase 2", "full": "the window experiments (MVP-3.5) are cancelled"},
    ),
    "d3": (
        "Multi-task heads?",
        "MVP-1.5",
        {"multi": "multi-task heads are the default of all later experiments", "single": "single-task stays"},
    ),
    "d4": (
        "Which directions form the recipe of Phase 2?",
        "all of Phase 1",
        {"recipe": "the most effective directions are combined; those without effect are closed"},
    ),
}

_D4_RULE = (
    "accepted directions by fall of the low-noise MAE; the best are combined, and the combination stays unless it loses to "
    "its best member"
)


def outcomes(artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    """The decisions that are made, by name, each with its `grounds` in words."""
    found = {}
    for name in NAMES:
        content = artifacts.json(f"decisions/{name}.json")
        if content is not None:
            evidence = artifacts.json(f"decisions/{name}.evidence.json") or {}
            found[name] = content | {"grounds": grounds(evidence) if name in OUTCOMES else ""}
    return found


def decision(name: str, artifacts: Artifacts, experiments: Mapping[str, Experiment]) -> Decision:
    """One decision point, made or not."""
    made = outcomes(artifacts)
    settled = made.get(name, {})
    evidence = artifacts.json(f"decisions/{name}.evidence.json") or {}
    title, trigger, options = _ABOUT[name]
    outcome = settled.get("outcome") if name in OUTCOMES else _combined(settled, experiments)
    part = "evidence" if name in OUTCOMES else "trial"
    cancelled = {e.id: cancellation(e, made) for e in experiments.values()}
    return Decision(
        name=name,
        title=title,
        trigger=trigger,
        options=options,
        outcome=outcome,
        rule=_D4_RULE if name == "d4" else rule_of(evidence),
        rule_verdict=evidence.get("rule_verdict"),
        rule_outcome=evidence.get("rule_outcome"),
        default=evidence.get("default_if_inconclusive"),
        override=evidence.get("override"),
        flips=flips(evidence),
        evidence=evidence.get(part) or {},
        manner=manner(evidence) if name in OUTCOMES and outcome else "",
        grounds=settled.get("grounds", ""),
        numbers=tuple(_numbers(artifacts[f"decisions/{name}.evidence.json"], part, experiments)),
        cancels=tuple(mvp for mvp, why in cancelled.items() if why and why[0] == name),
        details=tuple(_details(settled, evidence)),
    )  # fmt: skip


def _numbers(evidence: Cursor, part: str, experiments: Mapping[str, Experiment]) -> Iterator[tuple[str, Cursor]]:
    """The numbers of the evidence with their names: a statistic of a model, or candidates against their criteria."""
    found: list[tuple[str, Cursor | None]] = []
    model = model_name(str(evidence.get(part, "model")), experiments)
    statistics = evidence.get(part, "all_statistics") or {}
    chosen = evidence.get(part, "statistic")
    for name in sorted(statistics, key=lambda name: name != chosen):
        place = ("measured",) if name == chosen else ("all_statistics", name)
        found.append((f"{STATISTIC.get(name, name)}, {model}", evidence.number(part, *place)))
    gain = evidence.number(part, "mae_improvement_over_best_member")
    found.append(("gain in MAE over the best member, dex", gain))
    for entry, (name,) in evidence.matching(f"{part}/variants/*"):
        label, criteria = entry.raw.get("label", name), entry.get("criteria") or {}
        for key, rule in criteria.items():
            what = f"{label}: gain in {metric(rule['metric'])}, {SUBSET.get(rule['subset'], rule['subset'])}"
            share = ", as a share" if rule.get("relative") else ""
            said = f"{what}{share}; margin {limit(rule['margin'], False)}, {rule['outcome']}"
            found.append((said, entry.number("criteria", key)))
        if "r2_low_noise" not in criteria:
            found.append((f"{label}: gain in R², low-noise test", entry.number("r2_low_noise")))
    for name, number in found:
        if number:
            yield name, number


def _combined(settled: Mapping[str, Any], experiments: Mapping[str, Experiment]) -> str | None:
    """D4 in a few words: which directions go into the recipe."""
    if not settled:
        return None
    members = [model_name(f"{m['mvp']}/{m['variant']}", experiments) for m in settled.get("members", [])]
    return "; ".join(members) or "no direction accepted: the reference recipe goes on"


def _details(settled: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    details = []
    if "combination" in settled:
        details.append(("combination", str(settled["combination"])))
    if "closed" in settled:
        details.append(("closed", ", ".join(f"MVP-{mvp_id(key)}" for key in settled["closed"]) or "none"))
    if "heads" in settled:
        details.append(("heads", str(settled["heads"])))
    details += [(row["direction"], row["bounds_say"]) for row in evidence.get("remaining_directions", [])]
    return details
