"""Calibration of a predicted σ: are errors as large as it says, is it near the bound, does it flag outliers."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import kstest, spearmanr
from sklearn.metrics import roc_auc_score

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.experiments.judging.evidence import Evidence

_LEVELS = (0.68, 0.95)
_FLAGGED = 0.1  # share of the spectra with the largest σ


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """One row per variant that predicts σ, seed and subset of the test."""
    rows = []
    for name, seeds in evidence.predictions.items():
        for number, table in enumerate(seeds):
            if "sigma" not in table:
                continue
            for subset, part in evidence.tests(table).items():
                row = {"variant": name, "seed": number, "subset": subset, "n": len(part)}
                rows.append(
                    row | calibration(part, evidence.bootstrap, evidence.seed) | against_bound(part, evidence.stars)
                )
    return rows


def standardised(table: pd.DataFrame) -> np.ndarray:
    """(truth − prediction)/σ of predictions with columns truth, predicted, sigma; N(0, 1) where σ is calibrated."""
    return np.asarray((table["truth"] - table["predicted"]) / table["sigma"], dtype=np.float64)


def pit(table: pd.DataFrame) -> np.ndarray:
    """Probability integral transform Φ(z) (Dawid 1984); uniform where the predicted Gaussians are calibrated."""
    return np.asarray(ndtr(standardised(table)))


def calibration(table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """Coverage at 68 and 95 %, mean and spread of the z-score, distance of the PIT from uniform, outliers by σ."""
    z, n = standardised(table), len(table)
    if not n:
        return {}
    row: dict[str, Any] = {}
    for level in _LEVELS:
        inside = np.abs(z) <= ndtri((1 + level) / 2)
        row[f"coverage at {level:.0%}"] = metrics.with_interval(metrics.mean(inside), n, bootstrap, seed)
    row["mean z"] = metrics.with_interval(metrics.mean(z), n, bootstrap, seed)
    row["rms z"] = metrics.with_interval(metrics.rms(z), n, bootstrap, seed)
    row["NMAD of z"] = metrics.with_interval(metrics.nmad(z), n, bootstrap, seed)
    row["largest distance of the PIT from uniform"] = float(kstest(pit(table), "uniform").statistic)
    return row | flags(table, bootstrap, seed)


def flags(table: pd.DataFrame, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """How well σ tells outliers (|Δ| > 0.5 dex): area under the ROC curve, and their rate with and without the flagged.

    The flagged are the tenth of the spectra with the largest σ. A rate without outlier or rest is left out.
    """
    outlier = np.abs((table["predicted"] - table["truth"]).to_numpy()) > metrics.OUTLIER
    sigma = table["sigma"].to_numpy(dtype=np.float64)
    order = np.argsort(-sigma, kind="stable")
    count = round(_FLAGGED * len(order))
    row: dict[str, Any] = {}
    if 0 < outlier.sum() < len(outlier):
        row["outliers by σ, area under ROC"] = float(roc_auc_score(outlier, sigma))
    for what, part in (("flagged", order[:count]), ("not flagged", order[count:])):
        if len(part):
            measured = metrics.with_interval(metrics.mean(outlier[part]), len(part), bootstrap, seed)
            row[f"outlier rate, {what}"] = measured
    return row


def against_bound(table: pd.DataFrame, stars: pd.DataFrame) -> dict[str, Any]:
    """Predicted σ beside the Fisher σ, marginalised over all labels that vary, of the same stars: median ratio and rank correlation."""
    joined = with_bound(table, stars)
    if len(joined) < 3:
        return {}
    row: dict[str, Any] = {
        "n with Fisher σ": len(joined),
        "median σ over Fisher σ": float((joined["sigma"] / joined["bound"]).median()),
    }
    if joined["sigma"].nunique() > 1 and joined["bound"].nunique() > 1:
        row["rank correlation with Fisher σ"] = float(spearmanr(joined["sigma"], joined["bound"]).statistic)
    return row


def with_bound(table: pd.DataFrame, stars: pd.DataFrame) -> pd.DataFrame:
    """Predictions of the stars that have a finite bound, with column bound (dex); exact where the source has it."""
    column = next(c for c in ("exact_sigma_5d", "local_linear_sigma_5d") if c in stars)
    joined = table.merge(stars[["id", column]].rename(columns={column: "bound"}), on="id")
    return joined[np.isfinite(joined["bound"])]
