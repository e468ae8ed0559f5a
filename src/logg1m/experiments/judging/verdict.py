"""Verdicts: every variant against the reference on the same spectra, by the roadmap's rules of comparison.

Superiority is accepted if the 95 % interval of the paired difference lies above the margin, refuted if below, else
inconclusive. Intervals resample spectra, and seeds where there are several; with one seed the difference must also
be further from the margin than three times the assumed scatter between seeds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion, Experiment
from logg1m.experiments.judging import epochs, interaction, resampling
from logg1m.experiments.judging.errors import Runs

ACCEPTED, REFUTED, INCONCLUSIVE = "accepted", "refuted", "inconclusive"
HYPOTHESIS = {ACCEPTED: "supported", REFUTED: "refuted", INCONCLUSIVE: "open"}
_HIGHER_IS_BETTER = {"r2"}
_SEED_FACTOR = 3.0
# The metrics of metrics.json as statistics of counts, from truth and error (N,) in dex.
_STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], resampling.Statistic]] = {
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
    """Paired improvement of a candidate over the reference, positive = better, {value, ci95, per_seed}.

    The value is the mean over seeds; relative improvements are shares of the reference's metric.
    """
    if criterion.metric == "convergence":
        return epochs.improvement(runs.scores, candidate, reference, bootstrap, seed)
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
    replicates = difference(*resampling.replicates(parts, n, bootstrap, seed))
    return {
        "value": float(difference(ours.mean(), theirs.mean())),
        metrics.level_key(bootstrap.level): metrics.interval(replicates, bootstrap.level),
        "per_seed": difference(ours[:common], theirs[:common]).tolist(),
        "reference_value": float(theirs.mean()),
    }


def decide(measured: dict[str, Any], criterion: Criterion, seeds: int, seed_scatter: float) -> tuple[str, str]:
    """(outcome, reason) of one criterion."""
    low, high = metrics.interval_of(measured)
    margin = criterion.margin
    if not np.isfinite([low, high]).all():
        return INCONCLUSIVE, f"{criterion.metric} was not measured on these runs"
    outcome = ACCEPTED if low > margin else REFUTED if high < margin else INCONCLUSIVE
    reason = f"interval [{low:+.4f}, {high:+.4f}] against the margin {margin:+g}"
    scatter = seed_scatter / (abs(measured["reference_value"]) or np.inf) if criterion.relative else seed_scatter
    if outcome != INCONCLUSIVE and seeds == 1 and abs(measured["value"] - margin) <= _SEED_FACTOR * scatter:
        return (
            INCONCLUSIVE,
            f"{reason}; one seed, and within {_SEED_FACTOR:g} × the scatter between seeds ({scatter:.4f})",
        )
    return outcome, reason


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
    seed_scatter : metric → assumed scatter between seeds
    """
    acceptance = experiment.acceptance
    assert acceptance is not None
    reference = acceptance.reference

    def judged(name: str, criteria: tuple[Criterion, ...]) -> list[dict[str, Any]]:
        return [
            _judged(runs, name, c.against or reference, c, seed_scatter[c.metric], bootstrap, seed) for c in criteria
        ]

    variants: dict[str, Any] = {}
    everyone = np.ones(len(runs.truth), dtype=bool)
    for name in runs.errors:
        variant = experiment.variants[name]
        entry: dict[str, Any] = {
            "label": variant.label,
            "change": variant.change,
            "role": _role(experiment, name),
            "leaky": variant.leaky,
            "seeds": len(evaluations[name]),
            "metrics": {
                "low_noise": _mean_metrics(evaluations[name], "low_noise", runs, name, runs.low_noise, bootstrap, seed),
                "full": _mean_metrics(evaluations[name], "full", runs, name, everyone, bootstrap, seed),
            },
            "bias": evaluations[name][0]["bias"],
            "windows": evaluations[name][0].get("windows", []),
        }
        if name != acceptance.reference:
            entry["differences"] = {
                f"{metric}_{subset}": improvement(
                    runs, name, acceptance.reference, Criterion(metric=metric, subset=subset), bootstrap, seed
                )
                for metric in ("r2", "mae", "rmse", "outlier_rate", "bias_teff", "bias_m_h")
                for subset in ("low_noise", "full")
            }

            entry["criteria"] = judged(name, acceptance.criteria)
            if experiment.hypothesis.criteria:
                entry["hypothesis_criteria"] = judged(name, experiment.hypothesis.criteria)
            entry["outcome"] = combine([c["outcome"] for c in entry["criteria"]], acceptance.combine, acceptance.mixed)
        if variant.check_r2:
            entry["check"] = _check(variant.check_r2, entry["metrics"]["full"]["r2"]["value"])
        variants[name] = entry
    candidates = {name: v for name, v in variants.items() if v["role"] == "candidate"}
    outcome = combine([v["outcome"] for v in candidates.values()], "any", REFUTED) if candidates else INCONCLUSIVE
    accepted = [name for name, v in candidates.items() if v["outcome"] == ACCEPTED]
    best = max(accepted, key=lambda name: variants[name]["differences"]["mae_low_noise"]["value"], default=None)
    return header(experiment) | {
        "criterion": acceptance.text,
        "reference": acceptance.reference,
        "model": evaluations[acceptance.reference][0]["recipe"]["model"],
        "n_test": len(runs.truth),
        "n_test_low_noise": int(runs.low_noise.sum()),
        "outcome": outcome,
        "hypothesis_outcome": HYPOTHESIS[_of_hypothesis(candidates) or outcome],
        "best_accepted": best,
        "reason": _reason(candidates, best),
        "variants": variants,
    }


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
    """verdict.json of an experiment that has rules of its own."""
    rule = experiment.artifact
    assert rule is not None
    value: Any = artifact
    for part in rule.value.split("."):
        value = value.get(part) if isinstance(value, dict) else None
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
    runs: Runs, name: str, reference: str, criterion: Criterion, scatter: float, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """One criterion with what was measured and what it comes to; open where the reference did not run at this scale."""
    if reference not in runs.errors:
        nothing = metrics.not_measured(bootstrap.level) | {"per_seed": []}
        reason = f"{reference} did not run at this scale"
        return {**criterion.model_dump(), "improvement": nothing, "outcome": INCONCLUSIVE, "reason": reason}
    measured = improvement(runs, name, reference, criterion, bootstrap, seed)
    seeds = min(len(runs.errors[name]), len(runs.errors[reference]))
    outcome, reason = decide(measured, criterion, seeds, scatter)
    return {**criterion.model_dump(), "improvement": measured, "outcome": outcome, "reason": reason}


def _of_hypothesis(candidates: dict[str, Any]) -> str | None:
    """What a hypothesis with criteria of its own comes to: supported by any candidate that meets all of them."""
    found = [v["hypothesis_criteria"] for v in candidates.values() if "hypothesis_criteria" in v]
    outcomes = [combine([c["outcome"] for c in row], "all", REFUTED) for row in found]
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
        spread = metrics.interval(resampling.replicates([seeds], n, bootstrap, seed)[0], bootstrap.level)
        values = resampling.per_seed(seeds, n)
        merged[metric] = {"value": float(values.mean()), level: spread, "per_seed": values.tolist()}
    return merged


def _check(expected: dict[Any, float], r2: float) -> dict[str, Any]:
    passed = r2 > expected.get("above", -np.inf) and r2 < expected.get("below", np.inf)
    return {"r2_full": r2, "expected": dict(expected), "passed": bool(passed)}


def _reason(candidates: dict[str, Any], best: str | None) -> str:
    if best is not None:
        return f"{best}: " + "; ".join(c["reason"] for c in candidates[best]["criteria"])
    return "; ".join(f"{name} {v['outcome']}" for name, v in candidates.items()) or "no candidates"
