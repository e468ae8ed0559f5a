"""Experiments whose variants differ by nothing, or by a known amount: what verdicts make of many of them."""

from dataclasses import dataclass

import numpy as np

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Criterion
from logg1m.experiments.judging import family
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.judging.verdict import ACCEPTED, decide, improvement

MAE = Criterion(metric="mae")
# Absolute errors in dex, about as networks on low-noise stars have them: how much stars differ, how much variants differ
# on a star and seeds on a star, and the scatter between seeds that no number of stars takes away.
STARS, VARIANTS, SEEDS, SCATTER = 0.15, 0.10, 0.07, 0.005
BOOTSTRAP = Bootstrap(resamples=200)


@dataclass(frozen=True)
class Setting:
    """One kind of experiment.

    candidates, seeds : candidates beside the reference, seeds of every variant
    n : low-noise test stars; the laptop scale has 1,280
    assumed : configured scatter between seeds over the true one
    gain : by which the first candidate is truly better, dex; the others by nothing
    """

    candidates: int
    seeds: int
    assumed: float = 1.0
    n: int = 1_280
    gain: float = 0.0


@dataclass(frozen=True)
class Found:
    """What verdicts on many experiments came to.

    accepted : share in which some candidate without a true gain was accepted after Holm
    covered : share of unadjusted intervals that hold the truth
    seen : share in which the first candidate was accepted
    detectable : mean of the difference that is said to be seen with 80 % power, dex
    error, errors : Monte Carlo standard errors of `accepted` and of `covered`
    """

    accepted: float
    covered: float
    seen: float
    detectable: float
    error: float
    errors: float


def experiment(setting: Setting, rng: np.random.Generator) -> Runs:
    """Absolute errors (S, N) of the reference and of every candidate; all positive, so that MAE is their mean."""
    shared = 0.6 + STARS * rng.gamma(1.0, 1.0, setting.n)
    errors = {}
    for k in range(setting.candidates + 1):
        own = VARIANTS * rng.standard_normal(setting.n)
        of_seeds = SEEDS * rng.standard_normal((setting.seeds, setting.n))
        shift = SCATTER * rng.standard_normal((setting.seeds, 1))
        errors[f"v{k}"] = np.maximum(shared + own + of_seeds + shift, 0.0) - (setting.gain if k == 1 else 0.0)
    everything = np.ones(setting.n, dtype=bool)
    return Runs(shared, everything, {}, errors, seed_scatter={"mae": setting.assumed * SCATTER})


def study(setting: Setting, repetitions: int, seed: int = 1) -> Found:
    """Judge many experiments by the same functions that make verdicts."""
    accepted, covered, seen, detectable = [], [], [], []
    for k in range(repetitions):
        runs = experiment(setting, np.random.default_rng([seed, k]))
        judged = {}
        for name in list(runs.errors)[1:]:
            found = improvement(runs, name, "v0", MAE, BOOTSTRAP, k)
            outcome, _ = decide(found, MAE)
            judged[name] = [{**MAE.model_dump(), "improvement": found, "outcome": outcome}]
            low, high = found["ci95"]
            covered.append((k, low <= (setting.gain if name == "v1" else 0.0) <= high))
        family.note_detectable(judged, "all", BOOTSTRAP.level)
        beside = family.adjusted(judged, "all", BOOTSTRAP.level)
        won = [n for n, rows in judged.items() if rows[0]["outcome"] == ACCEPTED and beside[n]["accepts"]]
        accepted.append(any(n != "v1" or not setting.gain for n in won))
        seen.append("v1" in won)
        detectable.append(judged["v1"][0]["detectable"])
    holds = np.array([value for _, value in covered], dtype=float).reshape(repetitions, -1).mean(axis=1)
    share = float(np.mean(accepted))
    return Found(
        share,
        float(holds.mean()),
        float(np.mean(seen)),
        float(np.mean(detectable)),
        float(np.sqrt(max(share * (1 - share), 0.02) / repetitions)),
        float(holds.std(ddof=1) / np.sqrt(repetitions)),
    )
