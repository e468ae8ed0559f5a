"""Why a verdict is what it is, in sentences made from its numbers; the same words stand in every document."""

import re
from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.results.artifacts import Artifacts
from logg1m.results.words import STATISTIC, estimate, interval_of, is_share, limit, listed, metric, model_name, unit_of

_RANK = {"accepted": 2, "inconclusive": 1, "refuted": 0}


def why(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Why the experiment came out as it did; the verdict's own reason where there is nothing to make a sentence from."""
    said = str(verdict.get("reason") or "")
    if experiment.artifact:
        name = experiment.artifact.file.removeprefix("results/")
        content = artifacts.json(name) or {}
        tell = {"mvp_0_a/protocol.json": _protocol, "mvp_0_b/scaling.json": _scaling, "mvp_1_1/fisher.json": _fisher}
        return (tell[name](content) if name in tell and content else "") or said
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
    return f"{first} “{candidates[closest].get('label', closest)}”: {_all_of(candidates[closest])}.{rest}"


def decisive(candidate: Mapping[str, Any], combine: str) -> list[Mapping[str, Any]]:
    """The criteria that an accepted candidate was accepted by: all of them, or those that hold where any is enough."""
    criteria = list(candidate["criteria"])
    held = [c for c in criteria if c["outcome"] == "accepted"]
    return held if combine == "any" and held else criteria


def _all_of(candidate: Mapping[str, Any], criteria: list[Mapping[str, Any]] | None = None) -> str:
    return "; ".join(criterion(c) for c in (candidate["criteria"] if criteria is None else criteria))


def _closeness(candidate: Mapping[str, Any], combine: str) -> tuple[float, ...]:
    """How near a candidate came to being accepted: its outcome, criteria that hold, the shortfall in interval widths."""
    short = []
    for c in candidate["criteria"]:
        ends, value = interval_of(c["improvement"]), c["improvement"].get("value")
        short.append(-1e9 if ends is None or value is None else (value - c["margin"]) / max(ends[1] - ends[0], 1e-12))
    held = sum(c["outcome"] == "accepted" for c in candidate["criteria"])
    return _RANK[candidate["outcome"]], held, max(short) if combine == "any" else min(short)


def criterion(rule: Mapping[str, Any]) -> str:
    """One criterion with what was measured: 'low-noise MAE falls by 5.2 % [3.1, 7.0]; at least 5 % was asked for'."""
    entry, name, margin = rule["improvement"], str(rule["metric"]), float(rule["margin"])
    what = f"{'low-noise' if rule['subset'] == 'low_noise' else 'full-test'} {metric(name)}"
    ends = interval_of(entry)
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
        return f"not worse: {_change(what, name, entry, digits, share, unit)}, {_allowed(name, margin, share)}"
    else:
        said = _movement(what, name, entry, digits, share, unit)
    return said + _held_against(rule, margin, ends, share, unit)


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


def _held_against(rule: Mapping[str, Any], margin: float, ends: tuple[float, float], share: bool, unit: str) -> str:
    """What the number was asked to exceed, and what keeps it from being decided."""
    asked = f"; at least {limit(margin, share)}{f' {unit}' if unit else ''} was asked for" if margin > 0 else ""
    if rule["outcome"] != "inconclusive":
        return asked
    if ends[0] > margin or ends[1] < margin:
        return f"{asked}; trained with one seed, so the scatter between seeds may explain it"
    return asked or "; the interval includes zero"


def _digits(value: float, ends: tuple[float, float]) -> int:
    """Decimals that show the interval's width with two digits, between 2 and 4; none for temperatures."""
    width = max(ends[1] - ends[0], abs(value) / 100)
    return 0 if width > 10 else 2 if width > 0.1 else 3 if width > 0.004 else 4


def _protocol(content: Mapping[str, Any]) -> str:
    chosen, n = content.get("low_noise") or {}, content.get("n_spectra")
    if "threshold" not in chosen:
        return ""
    again = content.get("reproduced_from_this_file")
    same = "the same spectra are selected again" if again else "other spectra are selected" if again is not None else ""
    return (
        f"Low noise is ‖flux‖/‖error‖ of at least {chosen['threshold']:.3f}, the top {100 * chosen['fraction']:g} % of "
        f"{n:,} spectra{f'; from the protocol file alone {same}' if same else ''}."
    )


def _scaling(content: Mapping[str, Any]) -> str:
    """The best model of each kind decides whether classical models have a ceiling."""
    models = content.get("models") or {}
    leading = (content.get("verdict") or {}).get("leading") or list(models)
    found = {name: models[name].get("saturation") or {} for name in leading if name in models}
    gains = {name: s for name, s in found.items() if (s.get("relative_gain") or {}).get("value") is not None}
    if not gains:
        return "Every model was trained at one scale only, so there is no gain to measure." if found else ""
    told = [
        f"{model_name(name)} gains {estimate(s['relative_gain'], 1, True)} in R² from {s['from']} to {s['to']}"
        for name, s in gains.items()
    ]
    bound = re.search(r"less than ([\d.]+) ?%", str(next(iter(gains.values())).get("criterion", "")))
    single = [model_name(name) for name in found if name not in gains]
    return (
        listed(told)
        + (f"; a ceiling is a gain under {bound[1]} %" if bound else "")
        + (f". Trained at one scale only: {listed(single)}" if single else "")
        + "."
    )


def _fisher(content: Mapping[str, Any]) -> str:
    v = content.get("verdict") or {}
    left = [model_name(name) for name in v.get("excluded_as_leaks") or ()]
    out = f" Left out as leaks: {listed(left)}." if left else ""
    if v.get("reason"):
        return f"{str(v['reason']).capitalize()}.{out}"
    if not v.get("ratio") or v["ratio"].get("value") is None:
        return f"{STATISTIC.get(v.get('statistic', ''), 'The statistic')} is not available for {model_name(v.get('model', 'any model'))}.{out}"
    threshold = re.search(r"> ([\d.]+)", str(v.get("criterion", "")))
    over = {"median_ratio": "median error", "rms_ratio": "RMS error", "rmse_over_bayes": "RMSE"}[v["statistic"]]
    what = "the Bayes-optimal RMSE" if v["statistic"] == "rmse_over_bayes" else "the bound"
    return (
        f"The {over} of {model_name(v['model'])} is {estimate(v['ratio'])} times {what}"
        + (f"; the threshold is {threshold[1]}" if threshold else "")
        + f".{_without_bound(v)}{out}"
    )


def _without_bound(verdict: Mapping[str, Any]) -> str:
    """How many of the stars that the verdict is about have no bound, if any."""
    n, n_test = verdict.get("n"), verdict.get("n_test")
    if n is None or n_test is None or n == n_test or verdict["statistic"] == "rmse_over_bayes":
        return ""  # the Bayes-optimal RMSE needs no bound
    return f" {n_test - n:,} of its {n_test:,} low-noise test stars have no bound and are left out."
