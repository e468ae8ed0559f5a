"""D1, D2 and D3: evidence with the rule's own verdict and any override, and the outcome that the workflow obeys."""

from typing import Any

from logg1m.bounds.statistics import STATISTIC_FIELD, statistic_of
from logg1m.config.decisions import Decisions
from logg1m.decisions import levers
from logg1m.decisions.points import POINTS
from logg1m.experiments.judging.verdict import ACCEPTED, REFUTED
from logg1m.metrics import interval_key, interval_of, is_measured
from logg1m.results.words import STATISTIC, estimate, limit, model_name

_HEADS = "multi_equal"  # where no variant of MVP-1.5 is best


def settle(
    name: str, verdict: str, settings: Decisions, rule: str, evidence: dict[str, Any], flip: str
) -> dict[str, Any]:
    """Evidence of one decision: the rule's three-valued verdict, the default if it is open, the override on top."""
    default, override = settings.default[name], settings.override.get(name)  # type: ignore[index,call-overload]
    ruled = verdict if verdict != "inconclusive" else default
    return {
        "decision": name,
        "outcome": override or ruled,
        "rule": rule,
        "rule_verdict": verdict,
        "rule_outcome": ruled,
        "default_if_inconclusive": default,
        "override": override,
        "choices": list(POINTS[name].options),
        "evidence": evidence,
        "would_flip": flip,
    }


def d1(fisher: dict[str, Any], settings: Decisions, forecast: dict[str, Any] | None = None) -> dict[str, Any]:
    """Continue with Phase 2 if the best model's error is far above the optimum, stop if it is near, and name what remains.

    The best model was chosen on validation stars (`choice`). One that beats the Bayes-optimal estimator has seen what it
    must not (`leaks`), and is never the best one. What remains is ranked by what it would bring, where there is a forecast.
    """
    limits = settings.d1_continue_above, settings.d1_stop_below
    above, below = POINTS["d1"].options
    leaks, choice = {row["model"] for row in fisher.get("leaks") or []}, fisher["choice"]
    best = None if choice["model"] in leaks else choice["model"]
    model = fisher["models"][best] if best else {}
    statistic, measured = statistic_of(model, settings.d1_statistic)
    verdict = "inconclusive"
    if measured is not None:
        low, high = interval_of(measured)
        verdict = above if low > limits[0] else below if high < limits[1] else "inconclusive"
    evidence = {
        "model": best,
        "chosen": {key: choice.get(key) for key in ("rule", "lowest", "tied", "n_stars", "trained_on_them")},
        "statistic": statistic,
        "continue_above": limits[0],
        "stop_below": limits[1],
        "measured": measured,
        "all_statistics": {name: model.get(key) for name, key in STATISTIC_FIELD.items()},
        "n": model.get("n"),
        "seeds": model.get("seeds", 1),
        "left_out_as_leaks": sorted(leaks),
        **({"refused": model["refused"]} if model.get("refused") else {}),
    }
    what, over, under = STATISTIC[statistic], limit(limits[0], False), limit(limits[1], False)
    found = (
        f"{model_name(best) if best else 'any honest model'} is {estimate(measured) if measured else 'not available'}"
    )
    flip = f"{what} of {found}; the whole interval above {over} is {above}, below {under} {below}"
    rule = POINTS["d1"].rule.format(what=what, above=over, below=under)
    settled = settle("d1", verdict, settings, rule, evidence, flip)
    if settled["outcome"] == below:
        settled["remaining_directions"] = levers.directions(forecast or {}) + directions(fisher)
    return settled


def directions(fisher: dict[str, Any]) -> list[dict[str, str]]:
    """Physical directions that remain when models are near the bound, with what the bounds say about each."""
    sigma = fisher["estimators"][fisher["reference_estimator"]]["sigma_logg"]
    alone, all_of_them, ceiling = (*(sigma[n]["median"] for n in ("1d", "5d")), fisher["ceilings"]["crlb_median_r2"])
    if alone is None or all_of_them is None or ceiling is None:
        return [
            {"direction": "bounds", "bounds_say": "no star has one: nothing is known of what further data would bring"}
        ]
    gain = 1 - alone / all_of_them
    return [
        {
            "direction": "physical priors on the other labels",
            "bounds_say": f"knowing Teff, [M/H], [α/M] and [C/M] would shrink the median σ(log g) by {gain:.0%} "
            f"({all_of_them:.3f} → {alone:.3f} dex): the most that priors can give",
        },
        {
            "direction": "longer exposures or brighter targets",
            "bounds_say": f"σ falls as 1/SNR; the R² by the median CRLB on low-noise spectra is {ceiling:.3f}",
        },
        {
            "direction": "the other arms of the spectrograph",
            "bounds_say": "information adds: σ⁻² of independent arms sum; the forecast has what the grid reaches",
        },
        {
            "direction": "real data",
            "bounds_say": "bounds and models share one simulator; what remains to be learnt is where it fails",
        },
    ]


def d2(verdict: dict[str, Any], settings: Decisions) -> dict[str, Any]:
    """Windows as good as the full spectrum give MVP-2.3 priority; else the window experiments are cancelled."""
    return _by_verdict("d2", verdict, settings)


def d3(verdict: dict[str, Any], settings: Decisions) -> dict[str, Any]:
    """Multi-task heads become the default of all later experiments if MVP-1.5 is accepted."""
    settled, best = _by_verdict("d3", verdict, settings), verdict.get("best_accepted")
    found = verdict["variants"][best]["change"].get("heads", _HEADS) if best else _HEADS
    return settled | {"heads": _heads(settled, found)}


def at_rest(name: str, mvp: str, settings: Decisions) -> dict[str, Any]:
    """A decision whose experiment is paused: nothing is known, so it is open, and its default holds or an override."""
    flip = f"the verdict of MVP-{mvp}, once it is taken out of experiments.paused"
    settled = settle(name, "inconclusive", settings, POINTS[name].rule, {"verdict": "paused"}, flip)
    return settled | ({"heads": _heads(settled, _HEADS)} if name == "d3" else {})


def _heads(settled: dict[str, Any], multi: str) -> str:
    """The heads of all later experiments by the outcome of D3."""
    return multi if settled["outcome"] == next(iter(POINTS["d3"].options)) else "single"


def _by_verdict(name: str, verdict: dict[str, Any], settings: Decisions) -> dict[str, Any]:
    """A decision that follows a verdict: its first outcome if that is accepted, the second if it is refuted."""
    ruled = dict(zip((ACCEPTED, REFUTED), POINTS[name].options)).get(verdict["outcome"], "inconclusive")
    flip = f"the verdict of {POINTS[name].follows}"
    return settle(name, ruled, settings, POINTS[name].rule, _evidence(verdict), flip)


RULES = {"d1": d1, "d2": d2, "d3": d3}


def outcome(evidence: dict[str, Any]) -> dict[str, Any]:
    """The small file that the workflow depends on: outcome alone, so that new evidence for it reruns nothing."""
    return {key: evidence[key] for key in ("decision", "outcome", "heads") if key in evidence}


def explain(evidence: dict[str, Any]) -> str:
    """A decision in words: the rule, the numbers, the outcome, and what would flip it."""
    lines = [
        f"{evidence['decision'].upper()}: {evidence['outcome']}",
        f"  rule          {evidence['rule']}",
        f"  rule says     {evidence['rule_verdict']}"
        + (f" → default {evidence['default_if_inconclusive']}" if evidence["rule_verdict"] == "inconclusive" else ""),
        f"  override      {evidence['override'] or 'none'}",
    ]
    lines += [f"  {name:<13} {value}" for name, value in _flat(evidence["evidence"])]
    lines.append(f"  would flip    {evidence['would_flip']}")
    for row in evidence.get("remaining_directions", []):
        lines.append(f"  remains       {row['direction']}: {row['bounds_say']}")
    return "\n".join(lines)


def _flat(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, item in value.items():
        if is_measured(item):
            low, high = interval_of(item)
            judged = f", margin {item['margin']:+g}: {item['outcome']}" if "outcome" in item else ""
            rows.append((prefix + key, f"{item['value']:.4g} [{low:.4g}, {high:.4g}]{judged}"))
        elif isinstance(item, dict):
            rows += _flat(item, f"{prefix}{key}.")
        elif isinstance(item, list):
            rows.append((prefix + key, ", ".join(map(str, item)) or "none"))
        else:
            rows.append((prefix + key, str(item)))
    return rows


def _evidence(verdict: dict[str, Any]) -> dict[str, Any]:
    """What a verdict was made from: every candidate against every criterion, and its ΔR² beside them."""
    candidates = {
        name: v
        for name, v in verdict["variants"].items()
        if "differences" in v and v.get("role", "candidate") == "candidate"
    }
    return {
        "verdict": verdict["outcome"],
        "best_accepted": verdict["best_accepted"],
        "variants": {
            name: {
                "label": v.get("label", name),
                "outcome": v.get("outcome"),
                "criteria": {_criterion_key(c): _judged(c) for c in v.get("criteria", ())},
                "r2_low_noise": v["differences"]["r2_low_noise"],
            }
            for name, v in candidates.items()
        },
    }


def _criterion_key(criterion: dict[str, Any]) -> str:
    """mae_low_noise; two criteria on one metric differ in where the gain is looked for."""
    gain = "_gain" if criterion.get("more_in") else ""
    return f"{criterion['metric']}_{criterion['subset']}{gain}"


def _judged(criterion: dict[str, Any]) -> dict[str, Any]:
    improvement = criterion["improvement"]
    kept = {key: criterion.get(key) for key in ("metric", "subset", "relative", "margin", "outcome")}
    return {key: improvement[key] for key in ("value", interval_key(improvement))} | kept
