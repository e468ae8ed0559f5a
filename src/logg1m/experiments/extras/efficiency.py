"""How far every variant is from the Bayes-optimal estimator on the same low-noise stars, and how it was trained."""

from typing import Any

from logg1m.experiments.judging.evidence import Evidence

_TRAINING = {"parameters": "parameters", "steps": "steps", "epoch": "best epoch", "validation_r2": "validation R²"}


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Per variant, first seed: Bayes MSE over the model's MSE and the model's RMSE over the Bayes RMSE, where there is a
    ceiling; parameters, steps and the best epoch, where the model is trained by steps."""
    rows = []
    for name, seeds in evidence.metrics.items():
        measured, chosen = seeds[0].get("efficiency"), seeds[0]["chosen_on_validation"]
        row: dict[str, Any] = {"variant": name, "training spectra": seeds[0]["n_fit"]}
        if measured:
            row |= {"stars": measured["n_bayes"]}
            row |= {
                key.replace("_", " "): measured[key]
                for key in ("efficiency", "rmse_over_bayes", "excess")
                if key in measured
            }
        rows.append(row | {words: chosen[key] for key, words in _TRAINING.items() if key in chosen})
    return rows
