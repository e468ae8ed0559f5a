"""The decision points D1–D4 as the documents show them: rule, evidence, override, outcome and what it cancels."""

from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.config.decisions import OUTCOMES
from logg1m.config.experiments import Experiment
from logg1m.decisions.points import POINTS
from logg1m.files import InputError
from logg1m.report.roadmap import Decision
from logg1m.report.states import cancellation
from logg1m.report.verdict_words import word_of_criterion
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import STATISTIC, SUBSET, estimate, limit, listed, metric, model_name, mvp_id


def outcomes(artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    """The decisions that are made, by name, each with its `grounds` in words."""
    found = {}
    for name in POINTS:
        content = artifacts.json(f"decisions/{name}.json")
        if content is not None:
            if name in OUTCOMES and content.get("outcome") not in OUTCOMES[name]:
                raise InputError(
                    f"{artifacts.files[f'decisions/{name}.json']} holds the outcome {content.get('outcome')!r}, expected "
                    f"{' or '.join(OUTCOMES[name])}; delete it and run again"
                )
            evidence = artifacts.json(f"decisions/{name}.evidence.json") or {}
            found[name] = content | {"grounds": grounds(evidence) if name in OUTCOMES else ""}
    return found


def decision(name: str, artifacts: Artifacts, experiments: Mapping[str, Experiment]) -> Decision:
    """One decision point, made or not."""
    made = outcomes(artifacts)
    settled = made.get(name, {})
    evidence = artifacts.json(f"decisions/{name}.evidence.json") or {}
    point = POINTS[name]
    outcome = settled.get("outcome") if name in OUTCOMES else _combined(settled, experiments)
    part = "evidence" if name in OUTCOMES else "trial"
    cancelled = {e.id: cancellation(e, made) for e in experiments.values()}
    return Decision(
        name=name,
        title=point.title,
        trigger=point.follows,
        options=point.options,
        outcome=outcome,
        rule=point.rule if name == "d4" else evidence.get("rule", ""),
        rule_verdict=evidence.get("rule_verdict"),
        default=evidence.get("default_if_inconclusive"),
        override=evidence.get("override"),
        flips=evidence.get("would_flip", ""),
        evidence=evidence.get(part) or {},
        manner=manner(evidence) if name in OUTCOMES and outcome else "",
        grounds=settled.get("grounds", ""),
        numbers=tuple(_numbers(artifacts[f"decisions/{name}.evidence.json"], part, experiments)),
        cancels=tuple(mvp for mvp, why in cancelled.items() if why and why[0] == name),
        details=tuple(_details(settled, evidence)),
    )


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
            word = word_of_criterion({**rule, "improvement": rule})
            found.append(
                (f"{what}{share}; margin {limit(rule['margin'], False)}, {word}", entry.number("criteria", key))
            )
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
    details = _choice(evidence.get("evidence") or {})
    if "combination" in settled:
        details.append(("combination", str(settled["combination"])))
    if "closed" in settled:
        details.append(("closed", ", ".join(f"MVP-{mvp_id(key)}" for key in settled["closed"]) or "none"))
    if "heads" in settled:
        details.append(("heads", str(settled["heads"])))
    details += [(row["direction"], row["bounds_say"]) for row in evidence.get("remaining_directions", [])]
    return details


def _choice(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How D1's model was chosen, and which ones tied with it."""
    chosen = found.get("chosen") or {}
    if not found.get("model") or not chosen.get("n_stars"):
        return []
    said = f"{model_name(str(found['model']))}, on {chosen['n_stars']:,} low-noise validation stars"
    ties = [model_name(name) for name in chosen.get("tied", ()) if name != found["model"]]
    if ties:
        said += f"; as good within the interval, and not as simple: {listed(ties)}"
    return [("best model", said)]


def manner(evidence: Mapping[str, Any]) -> str:
    """How the outcome was reached: 'by its rule', 'by default', or 'by override' with what the rule itself says."""
    verdict, default, override = (evidence.get(k) for k in ("rule_verdict", "default_if_inconclusive", "override"))
    if override:
        return f"by override; {rule_says(verdict, default)}"
    if verdict == "inconclusive":
        return "by default, since the evidence is inconclusive"
    return "by its rule" if verdict else ""


def rule_says(verdict: str | None, default: str | None) -> str:
    """What the rule says by itself."""
    if verdict == "inconclusive":
        return f"the rule says inconclusive, so its default “{default}” would hold"
    return f"the rule says {verdict}" if verdict else "the rule says nothing yet"


def measured(evidence: Mapping[str, Any]) -> str:
    """The number or the verdict that the decision was made by; empty without one."""
    found = evidence.get("evidence") or {}
    if found.get("verdict") and evidence.get("decision") in POINTS:
        said = str(found["verdict"])
        return f"{POINTS[evidence['decision']].follows} {_VERDICT.get(said, said)}"
    entry = found.get("measured")
    if not isinstance(entry, Mapping) or entry.get("value") is None:
        return ""
    what = STATISTIC.get(found.get("statistic", ""), str(found.get("statistic")))
    limits = _limits(found)
    against = f", thresholds {limits[0]} and {limits[1]}" if limits else ""
    return f"{what} of {model_name(str(found.get('model')))} is {estimate(entry)}{against}"


def _limits(found: Mapping[str, Any]) -> tuple[str, str] | None:
    """D1's two thresholds, the upper one first."""
    limits = [found.get(name) for name in ("continue_above", "stop_below")]
    return None if None in limits else (limit(float(limits[0] or 0), False), limit(float(limits[1] or 0), False))


_VERDICT = {"accepted": "is accepted", "refuted": "is not accepted", "inconclusive": "cannot tell"}


def grounds(evidence: Mapping[str, Any]) -> str:
    """Manner and number together, as they stand behind an outcome; empty without evidence."""
    return "; ".join(part for part in (manner(evidence), measured(evidence)) if part)
