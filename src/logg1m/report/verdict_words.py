"""Why a verdict is what it is, in sentences made from its numbers; the same words stand in every document."""

from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.report.foundations import OF_ARTIFACT
from logg1m.results.artifacts import Artifacts, own_artifact
from logg1m.results.numbers import Cursor
from logg1m.results.words import estimate, is_share, limit, listed, metric, unit_of

_RANK = {"accepted": 2, "inconclusive": 1, "refuted": 0}


def why(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Why the experiment came out as it did; the verdict's own reason where no sentence can be made."""
    said = str(verdict.get("reason") or "")
    own = own_artifact(experiment)
    if own:
        return (OF_ARTIFACT[own].why(artifacts[own]) if own in OF_ARTIFACT and artifacts.json(own) else "") or said
    candidates = {
        name: v
        for name, v in verdict.get("variants", {}).items()
        if v.get("role", "candidate") == "candidate" and v.get("criteria")
    }
    if not candidates:
        return said
    best = verdict.get("best_accepted")
    combine = experiment.acceptance.combine if experiment.acceptance else "all"
    if best in candidates:
        label = candidates[best].get("label", best)
        return f"“{label}”: {_all_of(candidates[best], decisive(candidates[best], combine))}."
    closest = max(candidates, key=lambda name: _closeness(candidates[name], combine))
    others = [v["outcome"] for name, v in candidates.items() if name != closest]
    counts = [f"{others.count(o)} {o}" for o in ("inconclusive", "refuted") if o in others]
    rest = f" Further candidates: {listed(counts)}." if counts else ""
    first = "The only candidate is" if not others else "The closest candidate is"
    by_itself = candidates[closest].get("outcome_by_itself") and candidates[closest].get("holm")
    beside = f"; accepted by itself, not after Holm over {by_itself['candidates']} candidates" if by_itself else ""
    return f"{first} “{candidates[closest].get('label', closest)}”: {_all_of(candidates[closest])}{beside}.{rest}"


def decisive(candidate: Mapping[str, Any], combine: str) -> list[Mapping[str, Any]]:
    """The criteria that an accepted candidate was accepted by: all of them, or those that hold where any is enough."""
    criteria = list(candidate["criteria"])
    held = [c for c in criteria if c["outcome"] == "accepted"]
    return held if combine == "any" and held else criteria


def _all_of(candidate: Mapping[str, Any], criteria: list[Mapping[str, Any]] | None = None) -> str:
    return "; ".join(criterion(c) for c in (candidate["criteria"] if criteria is None else criteria))


def _closeness(candidate: Mapping[str, Any], combine: str) -> tuple[float, ...]:
    """How near a candidate came to acceptance: its outcome, criteria that hold, the shortfall in interval widths."""
    short = []
    for c in candidate["criteria"]:
        ends, value = Cursor(c["improvement"], "").interval, c["improvement"].get("value")
        short.append(-1e9 if ends is None or value is None else (value - c["margin"]) / max(ends[1] - ends[0], 1e-12))
    held = sum(c["outcome"] == "accepted" for c in candidate["criteria"])
    return _RANK[candidate["outcome"]], held, max(short) if combine == "any" else min(short)


def criterion(rule: Mapping[str, Any]) -> str:
    """One criterion with what was measured: 'low-noise MAE falls by 5.2 % [3.1, 7.0]; at least 5 % was asked for'."""
    entry, name, margin = rule["improvement"], str(rule["metric"]), float(rule["margin"])
    what = f"{'low-noise' if rule['subset'] == 'low_noise' else 'full-test'} {metric(name)}"
    ends = Cursor(entry, "").interval
    if entry.get("value") is None or ends is None:
        return f"{'convergence' if name == 'convergence' else what} was not measured on these runs"
    share = is_share(name, bool(rule.get("relative")))
    digits, unit = (1, "") if share else (_digits(entry["value"], ends), unit_of(name))
    if rule.get("more_in"):
        first, second = rule["more_in"]
        said = (
            f"the gain in {what} with only “{first}” seen less that with only “{second}” is "
            f"{estimate(entry, digits, share, unit)}"
        )
    elif margin < 0:
        change, allowed = _change(what, name, entry, digits, share, unit), _allowed(name, margin, share)
        return f"not worse: {change}, {allowed}{_seen(rule, share, unit)}"
    else:
        said = _movement(what, name, entry, digits, share, unit)
    return said + _held_against(rule, margin, share, unit)


def _change(what: str, name: str, entry: Mapping[str, Any], digits: int, share: bool, unit: str) -> str:
    """A difference as it stands, for a criterion that allows a loss."""
    if name == "r2":
        return f"Δ{what.split(' ')[-1]} {estimate(entry, digits, share, unit)} on the {what.split(' ')[0]} test"
    return f"{what} falls by {estimate(entry, digits, share, unit)}"


def _allowed(name: str, margin: float, share: bool) -> str:
    if name == "r2":
        return f"allowed {limit(margin, share)}"
    return f"a rise of {limit(-margin, share)} is allowed"


def _movement(what: str, name: str, entry: Mapping[str, Any], digits: int, share: bool, unit: str) -> str:
    """A gain or a loss as a rise or a fall of the metric itself."""
    better = entry["value"] >= 0
    shown = estimate(entry, digits, share, unit, turned=not better)
    if name == "convergence":
        return f"the reference's best validation score takes {shown} {'fewer' if better else 'more'} epochs"
    up = better == (name == "r2")
    return f"{what} {'rises' if up else 'falls'} by {shown}"


def _held_against(rule: Mapping[str, Any], margin: float, share: bool, unit: str) -> str:
    """What the number was asked to exceed, and what keeps it from being decided."""
    asked = f"; at least {limit(margin, share)}{f' {unit}' if unit else ''} was asked for" if margin > 0 else ""
    if rule["outcome"] != "inconclusive":
        return asked
    return (asked or "; the interval includes zero") + _seen(rule, share, unit)


def _seen(rule: Mapping[str, Any], share: bool, unit: str) -> str:
    """What an undecided criterion could have seen: the smallest true gain that is accepted with 80 % power."""
    seen = rule.get("detectable")
    if rule["outcome"] != "inconclusive" or seen is None:
        return ""
    rounded = float(f"{100 * seen if share else seen:.2g}")  # more digits are not known of a power
    return f"; this run could have seen {limit(rounded, False)}{' %' if share else f' {unit}' if unit else ''}"


def _digits(value: float, ends: tuple[float, float]) -> int:
    """Decimals that show the interval's width with two digits, between 2 and 4; none for temperatures."""
    width = max(ends[1] - ends[0], abs(value) / 100)
    return 0 if width > 10 else 2 if width > 0.1 else 3 if width > 0.004 else 4
