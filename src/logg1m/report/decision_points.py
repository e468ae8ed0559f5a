"""The decision points D1–D4 as the documents show them: rule, evidence, override, outcome and what it cancels."""

from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import OUTCOMES, Experiment
from logg1m.report.answer import numbers_in
from logg1m.report.artifacts import Artifacts
from logg1m.report.roadmap import Decision
from logg1m.report.states import cancellation

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


def outcomes(artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    """The decisions that are made, by name."""
    found = {name: artifacts.json(f"decisions/{name}.json") for name in NAMES}
    return {name: content for name, content in found.items() if content is not None}


def decision(name: str, artifacts: Artifacts, experiments: Mapping[str, Experiment]) -> Decision:
    """One decision point, made or not."""
    made = outcomes(artifacts)
    settled = made.get(name, {})
    file = artifacts.files.get(f"decisions/{name}.evidence.json", "")
    evidence = artifacts.json(f"decisions/{name}.evidence.json") or {}
    title, trigger, options = _ABOUT[name]
    outcome = settled.get("outcome") if name in OUTCOMES else _combined(settled)
    part = "evidence" if name in OUTCOMES else "trial"
    cancelled = {e.id: cancellation(e, made) for e in experiments.values()}
    return Decision(
        name=name,
        title=title,
        trigger=trigger,
        options=options,
        outcome=outcome,
        rule=evidence.get("rule", "accepted directions by fall of the low-noise MAE; the best are combined, and the "
                          "combination stays unless it loses to its best member" if name == "d4" else ""),
        rule_verdict=evidence.get("rule_verdict"),
        rule_outcome=evidence.get("rule_outcome"),
        default=evidence.get("default_if_inconclusive"),
        override=evidence.get("override"),
        flips=evidence.get("would_flip", ""),
        evidence=evidence.get(part) or {},
        numbers=tuple(numbers_in(evidence, part, file)),
        cancels=tuple(mvp for mvp, why in cancelled.items() if why and why[0] == name),
        details=tuple(_details(settled, evidence)),
    )  # fmt: skip


def _combined(settled: Mapping[str, Any]) -> str | None:
    """D4 in a few words: which directions go into the recipe."""
    if not settled:
        return None
    members = ", ".join(f"MVP-{_id(m['mvp'])} {m['variant']}" for m in settled.get("members", []))
    return members or "no direction accepted: the reference recipe goes on"


def _details(settled: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    details = []
    if "combination" in settled:
        details.append(("combination", str(settled["combination"])))
    if "closed" in settled:
        details.append(("closed", ", ".join(f"MVP-{_id(key)}" for key in settled["closed"]) or "none"))
    if "heads" in settled:
        details.append(("heads", str(settled["heads"])))
    details += [(row["direction"], row["bounds_say"]) for row in evidence.get("remaining_directions", [])]
    return details


def _id(key: str) -> str:
    """MVP id of a folder name: mvp_1_2 → 1.2."""
    return key.removeprefix("mvp_").replace("_", ".").upper()
