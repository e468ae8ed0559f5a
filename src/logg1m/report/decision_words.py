"""How a decision came about, in words: what its rule said, whether a default or an override stood in, and the number."""

from collections.abc import Mapping
from typing import Any

from logg1m.results.words import STATISTIC, estimate, limit, model_name

TRIGGERS = {"d2": "1.4", "d3": "1.5"}  # decisions that follow the verdict of an experiment


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
    if found.get("verdict") and evidence.get("decision") in TRIGGERS:
        return f"MVP-{TRIGGERS[evidence['decision']]} is {found['verdict']}"
    entry = found.get("measured")
    if not isinstance(entry, Mapping) or entry.get("value") is None:
        return ""
    what = STATISTIC.get(found.get("statistic", ""), str(found.get("statistic")))
    threshold = f", threshold {limit(found['threshold'], False)}" if found.get("threshold") is not None else ""
    return f"{what} of {model_name(str(found.get('model')))} is {estimate(entry)}{threshold}"


def grounds(evidence: Mapping[str, Any]) -> str:
    """Manner and number together, as they stand behind an outcome; empty without evidence."""
    return "; ".join(part for part in (manner(evidence), measured(evidence)) if part)


def rule_of(evidence: Mapping[str, Any]) -> str:
    """The rule in words."""
    found = evidence.get("evidence") or {}
    if evidence.get("decision") == "d1" and found.get("threshold") is not None:
        what = STATISTIC.get(found.get("statistic", ""), str(found.get("statistic")))
        at = limit(found["threshold"], False)
        return f"{what}, of the best honest model: the whole interval above {at} is continue, below it stop"
    return str(evidence.get("rule", ""))


def flips(evidence: Mapping[str, Any]) -> str:
    """What would turn the decision over."""
    found = evidence.get("evidence") or {}
    if evidence.get("decision") == "d1" and found.get("threshold") is not None:
        return f"the whole interval of that number on the other side of {limit(found['threshold'], False)}"
    return str(evidence.get("would_flip", ""))
