"""Evidence of an experiment made from known errors: four variants, of which each has what one report needs."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging import verdict
from logg1m.experiments.judging.evidence import Evidence

N, PIXELS, SEED = 400, 512, 3
WAVE = 7100.0 + (np.arange(PIXELS) + 0.5) * 1750 / PIXELS
SIGMA = 0.3
EXPERIMENT = Experiment(
    id="3.9", name="made", title="Made", phase=3, question="?", hypothesis={"text": "…"},
    variants={
        "plain": {"label": "plain"},
        "sure": {"label": "with σ and levels", "change": {"objective": "gaussian_nll"}},
        "masked": {"label": "noisiest hidden", "change": {"mask": "error_10"}},
        "at_random": {"label": "random hidden", "control": True, "change": {"mask": "random_10"}},
    },
    acceptance={"text": "R² up", "reference": "plain", "criteria": [{"metric": "r2"}]},
)  # fmt: skip


def evidence() -> Evidence:
    """Every second spectrum is low-noise; the noisiest tenth of the pixels are the last."""
    rng = np.random.default_rng(SEED)
    ids = np.arange(N) + 10
    labels = pd.DataFrame({"teff": rng.uniform(3750, 6000, N), "m_h": rng.uniform(-2.5, 0.5, N)}, index=ids)
    truth = rng.uniform(1, 5, N)
    predictions, robustness, attention, gradients, metrics = {}, {}, {}, {}, {}
    for name, variant in EXPERIMENT.variants.items():
        other = rng.normal(0, 100, N)
        error = rng.normal(0, SIGMA, N) + 0.005 * other * (name == "plain")
        table = pd.DataFrame({"id": ids, "truth": truth, "predicted": truth + error})
        table["predicted_teff"] = labels["teff"].to_numpy() + other
        table["predicted_m_h"] = labels["m_h"].to_numpy() + rng.normal(0, 0.1, N)
        if name == "sure":
            table["sigma"] = SIGMA
            table["level"], table["level_probability"], table["level_expected"] = table["truth"], 0.95, table["truth"]
        predictions[name] = [table]
        tried = table["predicted"].to_numpy()[::2]
        robustness[name] = [
            pd.DataFrame({"id": ids[::2], "crop_10": tried, "shift_64": tried + 3.0, "hidden_64": tried})
        ]
        edges = np.linspace(7100, 8850, 9)
        attention[name] = [
            pd.DataFrame(
                {"layer": 1, "low": edges[:-1], "high": edges[1:], "attention": np.eye(8)[3 if name == "plain" else 0]}
            )
        ]
        visible = np.ones(PIXELS, dtype=int)
        visible[{"masked": slice(-51, None), "at_random": slice(None, None, 10)}.get(name, slice(0, 0))] = 0
        gradients[name] = [pd.DataFrame({"wave": WAVE, "visible": visible, "gradient": 1.0})]
        measured = {"r2": _estimate(0.9), "mae": _estimate(0.2), "n": N}
        metrics[name] = [
            {
                "recipe": {"model": "vit", "mask": variant.change.get("mask", "none")},
                "chosen_on_validation": {"pooling": "mean"},
                "bias": {"teff": [], "m_h": []},
                "n_fit": 100,
                "low_noise": measured,
                "full": measured,
            }
        ]
    members = pd.DataFrame({"low_noise": np.arange(N) % 2 == 0, "snr": 5.0}, index=pd.Index(ids, name="id"))
    pixels = pd.DataFrame({"wave": WAVE, "error_mean": 0.1 + 0.1 * (np.arange(PIXELS) >= PIXELS - 51)})
    sensitivity = pd.DataFrame({"wave": WAVE, "exact_marginalised": np.exp(-(((WAVE - 7110) / 5) ** 2))})
    stars = pd.DataFrame({"id": ids[:100], "exact_sigma_5d": SIGMA / 2})
    store = SimpleNamespace(wave=WAVE)
    made = {
        "experiment": EXPERIMENT, "store": store, "members": members, "labels": labels, "stars": stars,
        "pixels": pixels, "sensitivity": sensitivity, "predictions": predictions, "gradients": gradients,
        "robustness": robustness, "attention": attention, "metrics": metrics, "bootstrap": Bootstrap(resamples=100),
        "seed": SEED,
    }  # fmt: skip
    return Evidence(**{field.name: made.get(field.name, {}) for field in fields(Evidence)})


def judged(made: Evidence) -> dict:
    """The verdict on it, without scatter between seeds."""
    scatter = dict.fromkeys(("r2",), 0.0)
    return verdict.judge(EXPERIMENT, made.runs, made.metrics, scatter, made.bootstrap, SEED)


def _estimate(value: float) -> dict:
    return {"value": value, "ci95": [value - 0.01, value + 0.01]}
