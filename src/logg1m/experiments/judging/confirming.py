"""What was accepted, measured once more on stars that chose nothing; and the model that the answer names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging import family, resampling
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.intervals import entry
from logg1m.experiments.judging.verdict import ACCEPTED, INCONCLUSIVE, REFUTED, combine, decide, improvement
from logg1m.metrics import Statistic
from logg1m.scatter import Scatter

CONFIRMED, CONTRADICTED, OPEN = "confirmed", "contradicted", "open"
STATES = {ACCEPTED: CONFIRMED, REFUTED: CONTRADICTED, INCONCLUSIVE: OPEN}
_OF_TRAINING = {"convergence", "passes"}  # of the curves on validation stars; no star of a test is behind them
_WINNERS = ("r2", "rmse", "mae")


def accepted(verdict: Mapping[str, Any]) -> list[str]:
    """Names of the variants that a verdict accepts."""
    return [
        name
        for name, v in verdict.get("variants", {}).items()
        if v.get("outcome") == ACCEPTED and v.get("role") == "candidate"
    ]


def confirm(
    experiment: Experiment,
    verdict: Mapping[str, Any],
    runs: Runs,
    seed_scatter: Mapping[str, float],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Accepted variants → {state, criteria, left_out} on fresh stars, by the rules of the verdict, Holm over them included.

    Where any criterion is enough, those count that the verdict was accepted by. Criteria that are not measured on stars
    stand under `left_out`.

    Parameters
    ----------
    runs : predictions of every variant of the experiment on the same fresh stars
    """
    rule = experiment.acceptance
    assert rule is not None
    leaky = frozenset(name for name in runs.errors if experiment.variants[name].leaky)
    runs = replace(runs, seed_scatter=seed_scatter, leaky=leaky)
    found: dict[str, Any] = {}
    for name in accepted(verdict):
        before = verdict["variants"][name]["criteria"]
        held = [c for c, was in zip(rule.criteria, before) if rule.combine == "all" or was["outcome"] == ACCEPTED]
        criteria = []
        for criterion in (c for c in held if c.metric not in _OF_TRAINING):
            measured = improvement(runs, name, criterion.against or rule.reference, criterion, bootstrap, seed)
            outcome, reason = decide(measured, criterion)
            criteria.append({**criterion.model_dump(), "improvement": measured, "outcome": outcome, "reason": reason})
        found[name] = {
            "label": verdict["variants"][name]["label"],
            "criteria": criteria,
            "left_out": [c.metric for c in held if c.metric in _OF_TRAINING],
        }
    beside = family.adjusted(
        {name: v["criteria"] for name, v in found.items() if v["criteria"]}, rule.combine, bootstrap.level
    )
    for name, v in found.items():
        outcomes = [c["outcome"] for c in v["criteria"]]
        outcome = combine(outcomes, rule.combine, rule.mixed) if outcomes else INCONCLUSIVE
        if outcome == ACCEPTED and not beside[name]["accepts"]:
            outcome = INCONCLUSIVE
        v["state"] = STATES[outcome]
    return found


def winner(
    fresh: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """The same model on fresh stars and on the test, which are independent: does it do as well?

    Confirmed unless the RMSE on fresh stars is larger by more than the interval of the difference allows. Seeds have no
    part in it: it is the same models.

    Parameters
    ----------
    fresh, test : true log g (N,) and errors per seed (S, N), dex

    Returns
    -------
    fresh, test → {n, r2, rmse, mae}; difference of the RMSE, fresh less test; state
    """
    sets = {"fresh": fresh, "test": test}
    found: dict[str, Any] = {}
    drawn: dict[str, np.ndarray] = {}
    for number, (name, (truth, errors)) in enumerate(sets.items()):
        found[name] = {"n": len(truth)}
        for metric in _WINNERS:
            seeds = [_statistic(metric, truth, error) for error in errors]
            values = resampling.per_seed(seeds, len(truth))
            # Two sets of one size would have the same counts, which pairs what is not paired.
            replicates = resampling.replicates([seeds], len(truth), bootstrap, seed + number)[0]
            interval = metrics.interval(replicates, bootstrap.level)
            found[name][metric] = {"value": float(values.mean()), metrics.level_key(bootstrap.level): interval}
            if metric == "rmse":
                drawn[name] = replicates
    change = found["fresh"]["rmse"]["value"] - found["test"]["rmse"]["value"]
    difference = entry(change, drawn["fresh"] - drawn["test"], Scatter(0.0), 1.0, [1], bootstrap)
    low, _ = metrics.interval_of(difference)
    return found | {"difference": difference, "state": CONTRADICTED if low > 0 else CONFIRMED}


def _statistic(metric: str, truth: np.ndarray, error: np.ndarray) -> Statistic:
    if metric == "r2":
        return metrics.r2(truth, error)
    return metrics.rms(error) if metric == "rmse" else metrics.mean(np.abs(error))
