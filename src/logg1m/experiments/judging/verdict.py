"""Verdicts: every variant against the reference on the same spectra, by the roadmap's rules of comparison.

Superiority is accepted if the 95 % interval of the paired difference lies above the margin, refuted if below, else
inconclusive. The variance behind an interval is that of a paired bootstrap over stars of the difference of means over
seeds, and of the scatter between seeds: pooled over the variants of the experiment, or as configured (`logg1m.scatter`).
Of several candidates one is accepted only after Holm (`family`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion, Experiment
from logg1m.experiments.judging import epochs, family, interaction, resampling
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.intervals import entry as difference_entry
from logg1m.metrics import Statistic
from logg1m.scatter import Scatter, Uncertainty

ACCEPTED, REFUTED, INCONCLUSIVE = "accepted", "refuted", "inconclusive"
RULE = (
    "intervals are of each difference by itself, over stars and seeds; of several candidates one is accepted after Holm, at the "
    "one-sided size of the interval"
)
HYPOTHESIS = {ACCEPTED: "supported", REFUTED: "refuted", INCONCLUSIVE: "open"}
_HIGHER_IS_BETTER = {"r2"}
_COMPARED = ("r2", "mae", "rmse", "outlier_rate", "bias_teff", "bias_m_h")
# The metrics of metrics.json as statistics of counts, from truth and error (N,) in dex.
_STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "r2": metrics.r2,
    "mae": lambda _, error: metrics.mean(np.abs(error)),
    "rmse": lambda _, error: metrics.rms(error),
    "median_bias": lambda _, error: metrics.median(error),
    "nmad": lambda _, error: metrics.nmad(error),
    "outlier_rate": lambda _, error: metrics.mean(np.abs(error) > metrics.OUTLIER),
}


def improvement(
    runs: Runs, candidate: str, reference: str, criterion: Criterion, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Paired improvement of a candidate over the reference, positive = better, {value, ci95, per_seed} and what is behind
    the interval (`intervals.entry`).

    The value is the mean over seeds; relative improvements are shares of the reference's metric.
    """
    if criterion.metric in ("convergence", "passes"):
        work = runs.work if criterion.metric == "passes" else None
        assumed = runs.seed_scatter.get(criterion.metric, 0.0)
        return epochs.improvement(runs.scores, candidate, reference, bootstrap, assumed, work, runs.resampled)
    sign = 1.0 if criterion.metric in _HIGHER_IS_BETTER else -1.0
    if criterion.more_in is not None:
        return interaction.improvement(runs, candidate, reference, criterion, sign, bootstrap, seed)
    subset = runs.inside(criterion.subset)
    n = int(subset.sum())
    parts = [runs.of_seeds(criterion.metric, name, subset) for name in (candidate, reference)]

    def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        change = sign * (ours - theirs)
        with np.errstate(divide="ignore", invalid="ignore"):  # a share of nothing is undefined
            return np.asarray(change / np.abs(theirs) if criterion.relative else change)

    ours, theirs = (resampling.per_seed(seeds, n) for seeds in parts)
    common = min(len(ours), len(theirs))
    resampled = difference(*resampling.replicates(parts, n, bootstrap, seed))
    scatter = runs.scatter(criterion.metric, criterion.subset)
    scale = float(theirs.mean()) if criterion.relative else 1.0
    value = float(difference(ours.mean(), theirs.mean()))
    return {
        **difference_entry(value, resampled, scatter, scale, [len(ours), len(theirs)], bootstrap),
        "per_seed": difference(ours[:common], theirs[:common]).tolist(),
        "reference_value": float(theirs.mean()),
    }


def decide(measured: dict[str, Any], criterion: Criterion) -> tuple[str, str]:
    """(outcome, reason) of one criterion, by its own interval."""
    low, high = metrics.interval_of(measured)
    margin = criterion.margin
    if not np.isfinite([low, high]).all():
        return INCONCLUSIVE, f"{criterion.metric} was not measured on these runs"
    outcome = ACCEPTED if low > margin else REFUTED if high < margin else INCONCLUSIVE
    return outcome, f"interval [{low:+.4f}, {high:+.4f}] against the margin {margin:+g}"


def combine(outcomes: list[str], how: str, mixed: str) -> str:
    """Three-valued 'all' or 'any' of criteria; `mixed` is what 'all' means when some hold and others fail."""
    if how == "any":
        if ACCEPTED in outcomes:
            return ACCEPTED
        return REFUTED if all(o == REFUTED for o in outcomes) else INCONCLUSIVE
    if REFUTED in outcomes:
        return mixed if ACCEPTED in outcomes else REFUTED
    return ACCEPTED if all(o == ACCEPTED for o in outcomes) else INCONCLUSIVE


def judge(
    experiment: Experiment,
    runs: Runs,
    evaluations: dict[str, list[dict[str, Any]]],
    seed_scatter: dict[str, float],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """verdict.json of an experiment with variants.

    Parameters
    ----------
    evaluations : variant → metrics.json per seed
    seed_scatter : metric → scatter between seeds that is assumed while fewer than ten degrees of freedom measure it
    """
    leaky = frozenset(name for name in runs.errors if experiment.variants[name].leaky)
    runs = replace(runs, seed_scatter=seed_scatter, leaky=leaky)
    acceptance = experiment.acceptance
    assert acceptance is not None
    variants = {name: _entry(experiment, name, runs, evaluations[name], bootstrap, seed) for name in runs.errors}
    candidates = {name: v for name, v in variants.items() if v["role"] == "candidate"}
    _adjust(candidates, acceptance.combine, bootstrap.level)
    outcome = combine([v["outcome"] for v in candidates.values()], "any", REFUTED) if candidates else INCONCLUSIVE
    accepted = [name for name, v in candidates.items() if v["outcome"] == ACCEPTED]
    best = max(accepted, key=lambda name: variants[name]["differences"]["mae_low_noise"]["value"], default=None)
    return header(experiment) | {
        "criterion": acceptance.text,
        "rule": RULE,
        "reference": acceptance.reference,
        "model": evaluations[acceptance.reference][0]["recipe"]["model"],
        "n_test": len(runs.truth),
        "n_test_low_noise": int(runs.low_noise.sum()),
        "outcome": outcome,
        "hypothesis_outcome": HYPOTHESIS[_of_hypothesis(candidates, bootstrap.level) or outcome],
        "best_accepted": best,
        "reason": _reason(candidates, best),
        "variants": variants,
    }


def _entry(
    experiment: Experiment,
    name: str,
    runs: Runs,
    evaluations: list[dict[str, Any]],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """What a verdict says of one variant: its metrics, and its difference from the reference with every criterion."""
    variant, acceptance = experiment.variants[name], experiment.acceptance
    assert acceptance is not None
    reference = acceptance.reference

    def judged(criteria: tuple[Criterion, ...]) -> list[dict[str, Any]]:
        return [_judged(runs, name, c.against or reference, c, bootstrap, seed) for c in criteria]

    everyone = np.ones(len(runs.truth), dtype=bool)
    entry: dict[str, Any] = {
        "label": variant.label,
        "change": variant.change,
        "role": _role(experiment, name),
        "leaky": variant.leaky,
        "seeds": len(evaluations),
        "metrics": {
            "low_noise": _mean_metrics(evaluations, "low_noise", runs, name, runs.low_noise, bootstrap, seed),
            "full": _mean_metrics(evaluations, "full", runs, name, everyone, bootstrap, seed),
        },
        "excess": [found.get("excess") for each in evaluations if (found := each.get("efficiency"))],
        "bias": evaluations[0]["bias"],
        "windows": evaluations[0].get("windows", []),
    }
    if name != reference:
        asked = [Criterion(metric=m, subset=s) for m in _COMPARED for s in ("low_noise", "full")]
        entry["differences"] = {
            f"{c.metric}_{c.subset}": improvement(runs, name, reference, c, bootstrap, seed) for c in asked
        }
        entry["criteria"] = judged(acceptance.criteria)
        if experiment.hypothesis.criteria:
            entry["hypothesis_criteria"] = judged(experiment.hypothesis.criteria)
        entry["outcome"] = combine([c["outcome"] for c in entry["criteria"]], acceptance.combine, acceptance.mixed)
    if variant.check_r2:
        entry["check"] = _check(variant.check_r2, entry["metrics"]["full"]["r2"]["value"])
    return entry


def with_extras(verdict: dict[str, Any], extras: dict[str, Any]) -> dict[str, Any]:
    """A verdict with what its experiment reports beside its criteria; what that concludes stands behind the reason."""
    said = [found["conclusion"] for found in extras.values() if isinstance(found, dict) and "conclusion" in found]
    reason = verdict["reason"] if verdict["outcome"] == ACCEPTED else "; ".join([verdict["reason"], *said])
    return verdict | {"reason": reason, "extra": extras}


def header(experiment: Experiment) -> dict[str, Any]:
    """What every verdict says of its experiment."""
    return {
        "id": experiment.id,
        "key": experiment.key,
        "title": experiment.title,
        "phase": experiment.phase,
        "question": experiment.question,
        "hypothesis": experiment.hypothesis.model_dump(),
    }


def without_variants(experiment: Experiment, model: str) -> dict[str, Any]:
    """verdict.json of an experiment whose variants do not exist for this kind of model."""
    assert experiment.acceptance is not None
    return header(experiment) | {
        "criterion": experiment.acceptance.text,
        "reference": experiment.acceptance.reference,
        "model": model,
        "outcome": INCONCLUSIVE,
        "hypothesis_outcome": HYPOTHESIS[INCONCLUSIVE],
        "best_accepted": None,
        "reason": f"not run: no candidate of this experiment exists for model {model!r}",
        "variants": {},
    }


def from_artifact(experiment: Experiment, artifact: dict[str, Any]) -> dict[str, Any]:
    """verdict.json of an experiment that has rules of its own; a KeyError or TypeError where the artifact lacks its value."""
    rule = experiment.artifact
    assert rule is not None
    value: Any = artifact
    for part in rule.value.split("."):
        value = value[part]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    outcome = ACCEPTED if text in rule.accepted else REFUTED if text in rule.refuted else INCONCLUSIVE
    return header(experiment) | {
        "criterion": rule.text,
        "outcome": outcome,
        "hypothesis_outcome": HYPOTHESIS[outcome],
        "best_accepted": None,
        "reason": f"{rule.value} = {text} in {rule.file}",
        "variants": {},
    }


def _judged(
    runs: Runs, name: str, reference: str, criterion: Criterion, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """One criterion with what was measured and what it comes to; open where the reference did not run at this scale."""
    if reference not in runs.errors:
        nothing = metrics.not_measured(bootstrap.level) | {"per_seed": []}
        reason = f"{reference} did not run at this scale"
        return {**criterion.model_dump(), "improvement": nothing, "outcome": INCONCLUSIVE, "reason": reason}
    measured = improvement(runs, name, reference, criterion, bootstrap, seed)
    outcome, reason = decide(measured, criterion)
    return {**criterion.model_dump(), "improvement": measured, "outcome": outcome, "reason": reason}


def _adjust(candidates: dict[str, Any], how: str, level: float) -> None:
    """Leave open what is accepted by its own interval and not beside the other candidates, and say what could be seen."""
    judged = {name: v["criteria"] for name, v in candidates.items()}
    family.note_detectable(judged, how, level)
    for name, beside in family.adjusted(judged, how, level).items():
        entry = candidates[name]
        entry["holm"] = beside
        if entry["outcome"] == ACCEPTED and not beside["accepts"]:
            entry |= {"outcome": INCONCLUSIVE, "outcome_by_itself": ACCEPTED}


def _of_hypothesis(candidates: dict[str, Any], level: float) -> str | None:
    """What a hypothesis with criteria of its own comes to: supported by any candidate that meets all of them."""
    found = {name: v["hypothesis_criteria"] for name, v in candidates.items() if "hypothesis_criteria" in v}
    beside = family.adjusted(found, "all", level)
    outcomes = [
        INCONCLUSIVE if outcome == ACCEPTED and not beside[name]["accepts"] else outcome
        for name, row in found.items()
        for outcome in (combine([c["outcome"] for c in row], "all", REFUTED),)
    ]
    return combine(outcomes, "any", REFUTED) if outcomes else None


def _role(experiment: Experiment, name: str) -> str:
    variant = experiment.variants[name]
    if experiment.acceptance and name == experiment.acceptance.reference:
        return "reference"
    return "control" if variant.control or variant.leaky else "candidate"


def _mean_metrics(
    evaluations: list[dict[str, Any]],
    subset: str,
    runs: Runs,
    name: str,
    chosen: np.ndarray,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Metrics of one variant on a subset; of several seeds their mean, its interval over spectra and seeds, each."""
    first = evaluations[0][subset]
    if first is None or len(evaluations) == 1:
        return first or {}
    truth, errors, n = runs.truth[chosen], [error[chosen] for error in runs.errors[name]], int(chosen.sum())
    merged, level = dict[str, Any](), metrics.level_key(bootstrap.level)
    for metric, entry in first.items():
        if not isinstance(entry, dict):
            merged[metric] = entry
            continue
        seeds = [_STATISTICS[metric](truth, error) for error in errors]
        groups = [
            resampling.per_seed([_STATISTICS[metric](truth, error[chosen]) for error in every], n)
            for other, every in runs.errors.items()
            if len(every) > 1 and other not in runs.leaky
        ]
        scatter = Scatter.pooled(groups, runs.seed_scatter.get(metric, 0.0))
        uncertain = Uncertainty.of(resampling.replicates([seeds], n, bootstrap, seed)[0], scatter, 1 / len(seeds))
        values = resampling.per_seed(seeds, n)
        merged[metric] = {
            "value": float(values.mean()),
            level: uncertain.interval(float(values.mean()), bootstrap.level),
            "per_seed": values.tolist(),
        }
    return merged


def _check(expected: dict[Any, float], r2: float) -> dict[str, Any]:
    passed = r2 > expected.get("above", -np.inf) and r2 < expected.get("below", np.inf)
    return {"r2_full": r2, "expected": dict(expected), "passed": bool(passed)}


def _reason(candidates: dict[str, Any], best: str | None) -> str:
    if best is not None:
        return f"{best}: " + "; ".join(c["reason"] for c in candidates[best]["criteria"])
    return "; ".join(f"{name} {_outcome(v)}" for name, v in candidates.items()) or "no candidates"


def _outcome(candidate: dict[str, Any]) -> str:
    """The outcome of a candidate, and what the run could have seen where it is open."""
    outcome = str(candidate["outcome"])
    if "outcome_by_itself" in candidate:
        n, p = (candidate["holm"][key] for key in ("candidates", "adjusted"))
        if n == 1:
            return f"{outcome}: one of {len(candidate['criteria'])} criteria is met, which chance alone may do (p = {p:.3g})"
        return f"{outcome}, since it is accepted by itself and not after Holm over {n} candidates (p = {p:.3g})"
    if outcome != INCONCLUSIVE:
        return outcome
    seen = [f"{c['metric']} {family.unit(c)}" for c in candidate["criteria"] if c.get("detectable") is not None]
    return f"{outcome}; this run could have seen {' and '.join(seen)}" if seen else outcome
