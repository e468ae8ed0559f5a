"""What a verdict is, in a word and in sentences made from its numbers; the same words stand in every document.

Every criterion reads on one template: what was measured, from what to what, by how much, and what was needed:
“MAE 0.720 → 0.864 dex (+20 % [12, 30]; needed −3 %)”. The sign is that of the metric itself: an MAE that falls is −.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report.foundations import OF_ARTIFACT
from logg1m.results.artifacts import Artifacts, at, own_artifact
from logg1m.results.numbers import Cursor, fixed
from logg1m.results.words import OUTCOME, is_share, limit, listed, metric, more_in, unit_of

_RANK = {"accepted": 2, "inconclusive": 1, "refuted": 0}
_OF_VALUE = {
    "true": "reproduced",
    "false": "not reproduced",
    "ceiling": "they do",
    "still gaining": "not yet",
    "headroom": "headroom",
    "near_bound": "near the bound",
}  # what an artifact's own verdict is called, where it answers a question of its own
_FARTHEST = 1.0  # a relative change above which a factor is easier to read than percent


def word(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> str:
    """The verdict in a few words, those of `word_of`; or what its own artifact says."""
    outcome = str(verdict.get("outcome") or "")
    if own := own_artifact(experiment):
        found = at(artifacts.json(own), experiment.artifact.value.replace(".", "/")) if experiment.artifact else None
        return _OF_VALUE.get(str(found).lower(), OUTCOME.get(outcome, outcome))
    chosen = _shown(experiment, verdict)
    return word_of(chosen[1]) if chosen else OUTCOME.get(outcome, outcome)


def word_of(candidate: Mapping[str, Any]) -> str:
    """The word for one candidate: better, at least as good, gain too small, no gain, worse, cannot tell.

    A gain or a loss is one whose whole interval says so. What only had to be no worse than a margin is at least as good.
    """
    outcome, criteria = str(candidate.get("outcome") or ""), candidate.get("criteria") or ()
    ends = [Cursor(c["improvement"], "").interval or (-math.inf, math.inf) for c in criteria]
    if outcome == "refuted" and any(high < 0 for _, high in ends):
        return "worse"
    decisive = [(c, low) for c, (low, _) in zip(criteria, ends) if c["outcome"] == outcome]
    gain = bool(decisive) and all(low > 0 for _, low in decisive)
    if outcome == "accepted" and decisive and not gain and all(float(c["margin"]) < 0 for c, _ in decisive):
        return "at least as good"
    return "gain too small" if outcome == "refuted" and gain else OUTCOME.get(outcome, outcome)


def word_of_criterion(rule: Mapping[str, Any]) -> str:
    """The word for one criterion of a candidate by itself."""
    return word_of({"outcome": rule["outcome"], "criteria": [rule]})


def why(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Why the experiment came out as it did; the verdict's own reason where no sentence can be made."""
    said = str(verdict.get("reason") or "")
    own = own_artifact(experiment)
    if own:
        return (OF_ARTIFACT[own].why(artifacts[own]) if own in OF_ARTIFACT and artifacts.json(own) else "") or said
    chosen = _shown(experiment, verdict)
    if not chosen:
        return said
    name, candidate = chosen
    combine = experiment.acceptance.combine if experiment.acceptance else "all"
    reference = (verdict.get("variants") or {}).get(str(verdict.get("reference")), {})
    best = name == verdict.get("best_accepted")
    criteria = decisive(candidate, combine) if best else list(candidate["criteria"])
    told = "; ".join(criterion(c, reference.get("metrics"), candidate.get("metrics")) for c in criteria)
    label = f"“{candidate.get('label', name)}”"
    if best:
        return f"{label}: {told}."
    others = Counter(word_of(v) for other, v in _candidates(verdict).items() if other != name)
    counts = [f"{n} {said}" for said, n in others.items()]
    beside = _beside(candidate) if candidate.get("outcome_by_itself") and candidate.get("holm") else ""
    rest = f" The others: {listed(counts)}." if counts else ""
    return f"{label}{' comes closest' if others else ''}: {told}{beside}.{rest}"


def _beside(candidate: Mapping[str, Any]) -> str:
    """Why a candidate that is accepted by itself is open after all."""
    others = candidate["holm"]["candidates"] - 1
    if others:
        return f"; better by itself, not beside {others} others (Holm)"
    return f"; one of {len(candidate['criteria'])} criteria is met, which chance alone may do"


def _candidates(verdict: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Candidates that were held against criteria."""
    variants = (verdict.get("variants") or {}).items()
    return {name: v for name, v in variants if v.get("role", "candidate") == "candidate" and v.get("criteria")}


def _shown(experiment: Experiment, verdict: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The candidate that the sentence is about: the accepted one, else the one that came closest."""
    candidates = _candidates(verdict)
    if not candidates:
        return None
    best = verdict.get("best_accepted")
    combine = experiment.acceptance.combine if experiment.acceptance else "all"
    chosen = best if best in candidates else max(candidates, key=lambda name: _closeness(candidates[name], combine))
    return str(chosen), candidates[chosen]


def decisive(candidate: Mapping[str, Any], combine: str) -> list[Mapping[str, Any]]:
    """The criteria that an accepted candidate was accepted by: all of them, or those that hold where any is enough."""
    criteria = list(candidate["criteria"])
    held = [c for c in criteria if c["outcome"] == "accepted"]
    return held if combine == "any" and held else criteria


def _closeness(candidate: Mapping[str, Any], combine: str) -> tuple[float, ...]:
    """How near a candidate came to acceptance: its outcome, criteria that hold, the shortfall in interval widths."""
    short = []
    for c in candidate["criteria"]:
        ends, value = Cursor(c["improvement"], "").interval, c["improvement"].get("value")
        short.append(-1e9 if ends is None or value is None else (value - c["margin"]) / max(ends[1] - ends[0], 1e-12))
    held = sum(c["outcome"] == "accepted" for c in candidate["criteria"])
    return _RANK[candidate["outcome"]], held, max(short) if combine == "any" else min(short)


def criterion(
    rule: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> str:
    """One criterion with what was measured: 'MAE 0.720 → 0.683 dex (−5.2 % [−7.2, −3.2]; needed −5 %)'.

    before, after : metrics by test of the reference and of the candidate, where both are known
    """
    entry, name, margin = rule["improvement"], str(rule["metric"]), float(rule["margin"])
    of_training = name in ("convergence", "passes")  # measured on validation stars, not on a test
    what = metric(name) if rule["subset"] == "low_noise" or of_training else f"full-test {metric(name)}"
    ends = Cursor(entry, "").interval
    if entry.get("value") is None or ends is None:
        return f"{what} was not measured on these runs"
    share = is_share(name, bool(rule.get("relative")))
    unit = "" if share else unit_of(name)
    unit = "points" if share and not rule.get("relative") and not of_training else unit
    up = 1 if name == "r2" or rule.get("more_in") else -1  # more of it is better
    change, low, high = (up * entry["value"], *sorted(up * end for end in ends))
    shown = _change(change, low, high, share, unit)
    asked = _asked(margin, up, share, unit) + _seen(rule, share, unit)
    if rule.get("more_in"):
        first, second = rule["more_in"]
        return f"gain in {what} {more_in(first, second)}: {shown}{_aside(asked)}"
    levels = _levels(name, str(rule["subset"]), before, after)
    if not shown:
        return f"{what} {levels or 'does not change'}{', unchanged' if levels else ''}{_aside(asked)}"
    return f"{what} {levels} ({'; '.join([shown, *asked])})" if levels else f"{what} {shown}{_aside(asked)}"


def _aside(asked: list[str]) -> str:
    return f" ({'; '.join(asked)})" if asked else ""


def _levels(name: str, subset: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """'0.720 → 0.864 dex', where the metric of both is known."""
    found = [((metrics or {}).get(subset) or {}).get(name) for metrics in (before, after)]
    values = [entry.get("value") if isinstance(entry, Mapping) else entry for entry in found]
    if None in values:
        return ""
    if name == "outlier_rate":
        first, second = (f"{fixed(100 * float(v), 1)} %" for v in values if v is not None)
        return f"{first} → {second}"
    digits = 0 if name == "mae_teff" else 3
    first, second = (fixed(float(v), digits) for v in values if v is not None)
    return f"{first} → {second}{f' {unit_of(name)}' if unit_of(name) else ''}"


def _change(value: float, low: float, high: float, share: bool, unit: str) -> str:
    """A change with its sign and interval; a factor where percents would run into hundreds; empty if there is none."""
    if share and unit != "points" and max(abs(value), abs(low), abs(high)) > _FARTHEST:
        said, *interval = (f"{max(1 + v, 0.0):.2g}" for v in (value, low, high))
        return f"× {said} [{', '.join(interval)}]"
    digits = 1 if share else _digits(value, (low, high))
    scaled = [(100 if share else 1) * v for v in (value, low, high)]
    if all(float(f"{v:.{digits}f}") == 0 for v in scaled):
        return ""
    interval = [fixed(v, digits) for v in scaled[1:]]
    after = f" {unit}" if unit else " %" if share else ""
    return f"{fixed(scaled[0], digits, True)}{after} [{', '.join(interval)}]"


def _asked(margin: float, up: int, share: bool, unit: str) -> list[str]:
    """What the change had to reach, or what was allowed."""
    if not margin:
        return []
    said = limit(up * margin, share)
    signed = said if said.startswith("−") else f"+{said}"
    return [f"{'needed' if margin > 0 else 'allowed'} {signed}{f' {unit}' if unit and not share else ''}"]


def _seen(rule: Mapping[str, Any], share: bool, unit: str) -> list[str]:
    """What an undecided criterion could have seen: the smallest true gain that is accepted with 80 % power."""
    seen = rule.get("detectable")
    if rule["outcome"] != "inconclusive" or seen is None:
        return []
    rounded = float(f"{100 * seen if share else seen:.2g}")  # more digits are not known of a power
    return [f"this run could have seen {limit(rounded, False)}{' %' if share else f' {unit}' if unit else ''}"]


def _digits(value: float, ends: tuple[float, float]) -> int:
    """Decimals that show the interval's width with two digits, 2 or 3; none for temperatures."""
    width = max(ends[1] - ends[0], abs(value) / 100)
    return 0 if width > 10 else 2 if width > 0.1 else 3
