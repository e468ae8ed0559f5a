"""Variants with errors that are made up, and the experiment that judges them."""

import numpy as np

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging import verdict
from logg1m.experiments.judging.errors import Runs

BOOTSTRAP = Bootstrap(resamples=200)
SEED = 7
N = 600
SCATTER = dict.fromkeys(
    ("r2", "mae", "rmse", "outlier_rate", "nmad", "median_bias", "bias_teff", "bias_m_h", "crop_loss"), 0.0
)


def errors(sigma: float, seed: int, seeds: int = 1, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (seeds, n))


def runs_of(low_noise: np.ndarray | None = None, **by_variant: np.ndarray) -> Runs:
    n = next(iter(by_variant.values())).shape[1]
    rng = np.random.default_rng(0)
    about = {"teff": rng.uniform(3750, 6000, n), "m_h": rng.uniform(-2.5, 0.5, n)}
    everything = np.ones(n, dtype=bool)
    return Runs(rng.uniform(1, 5, n), everything if low_noise is None else low_noise, about, by_variant)


def experiment(hypothesis: list | None = None, **acceptance) -> Experiment:
    variants = {
        "old": {"label": "old"},
        "new": {"label": "new", "change": {"channels": ["flux_over_error"]}},
        "better": {"label": "better", "change": {"channels": ["flux", "log_error"]}},
        "leak": {"label": "leak", "leaky": True, "change": {"channels": ["error"], "error_source": "simulator"}},
        "control": {"label": "control", "control": True, "change": {"channels": ["error"]}, "check_r2": {"below": 0.9}},
    }
    chosen = {"text": "MAE down", "reference": "old", "criteria": [{"metric": "mae"}]} | acceptance
    return Experiment(
        id="1.2", name="x", title="X", phase=1, question="?", hypothesis={"id": "H1.2", "text": "…", "criteria": hypothesis or []},
        variants=variants, acceptance=chosen,
    )  # fmt: skip


def judged(seed_scatter: float = 0.0, hypothesis: list | None = None, **by_variant: np.ndarray) -> dict:
    runs = runs_of(**by_variant)
    entry = {name: {"value": 0.95, "ci95": [0.9, 0.97]} for name in ("r2", "mae")} | {"n": N}
    one = {"low_noise": entry, "full": entry, "bias": {}, "windows": [], "recipe": {"model": "ridge"}}
    evaluations = {name: [one] * len(values) for name, values in by_variant.items()}
    return verdict.judge(experiment(hypothesis), runs, evaluations, SCATTER | {"mae": seed_scatter}, BOOTSTRAP, SEED)
