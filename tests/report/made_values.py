"""What a finished roadmap of `made_roadmap` lacks for the page: values of figures, bins, bias tables, convergence."""

from pathlib import Path

import numpy as np
import pandas as pd
from made_roadmap import measured
from PIL import Image

from logg1m.files import read_json, write_json


def add(results: Path) -> None:
    """Put them into a copy of the roadmap."""
    rng = np.random.default_rng(3)
    edges = np.linspace(1, 7, 13)
    percent = np.linspace(1, 99, 9)
    tables = {
        "mvp_0_a/snr_histogram": {"snr_low": edges[:-1], "snr_high": edges[1:], "spectra": np.arange(12)},
        "mvp_0_b/ridge_alpha": {"standardised": [True, True, False], "features": ["full", "full", "pca_20"],
                                "alpha": [1.0, 10.0, 1.0], "validation_r2": [0.25, 0.375, 0.125], "scale": ["2k"] * 3},
        "mvp_1_1/sigma_vs_error": {"percentile": percent, "sigma_5d_exact": percent / 100, "error_ridge": percent / 50},
        "mvp_1_1/ratio_histogram": {"ratio": percent / 10, "density": percent / 99, "half_normal": percent / 98},
        "mvp_1_1/sigma_map": {"teff_low": [4000.0, 5000.0] * 2, "teff_high": [5000.0, 6000.0] * 2,
                              "logg_low": [1.0, 1.0, 3.0, 3.0], "logg_high": [3.0, 3.0, 5.0, 5.0], "n": [3, 4, 5, 6],
                              "sigma": [0.125, 0.25, np.nan, 0.5]},
        "mvp_1_1/fisher_sensitivity_map": {"wave": np.linspace(7100, 8850, 40), "exact": rng.random(40),
                                           "exact_marginalised": rng.random(40)},
        "mvp_1_1/predicted_true": {"model": ["ridge"] * 4, "part": ["star", "star", "bin", "bin"], "truth": [1.5, 3.5, 1.625, 3.625],
                                   "predicted": [1.25, 3.75, np.nan, np.nan], "n": [np.nan, np.nan, 9, 8],
                                   "residual": [np.nan, np.nan, -0.125, 0.25], "low": [np.nan, np.nan, -0.5, -0.25],
                                   "high": [np.nan, np.nan, 0.25, 0.5]},
        "mvp_1_1/kiel": {"teff_low": [4000.0, 4250.0] * 2, "teff_high": [4250.0, 4500.0] * 2,
                         "logg_low": [1.0, 1.0, 1.5, 1.5], "logg_high": [1.5, 1.5, 2.0, 2.0], "n": [6, 7, 8, 9],
                         "rmse": [0.5, 0.25, np.nan, 0.125], "bias": [0.0625, -0.0625, np.nan, 0.25], "model": ["ridge"] * 4},
    }  # fmt: skip
    for against in ("snr", "mag"):
        tables[f"mvp_1_1/error_{against}"] = {
            "model": ["ridge"] * 2, "low": [1.0, 2.0], "high": [2.0, 4.0], "middle": [1.5, 2.75], "n": [40, 50],
            "bias": [0.125, -0.0625], "bias_error": [0.03125, 0.015625], "scatter": [0.5, 0.25], "rmse": [0.625, 0.375],
            "snr_pixel": [2.5, 4.5]}  # fmt: skip
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(results / f"{name}.csv", index=False)
    for path in {*results.rglob("*.png"), *(results / f"{name}.png" for name in tables)}:
        Image.new("RGB", (8, 4), (200, 80, 40)).save(path)
    fisher = read_json(results / "mvp_1_1/fisher.json")
    fisher["convergence"] = [
        {"n": n, "estimator": e, "median_sigma_5d": 0.25 + 1 / n} for n in (100, 200) for e in ("exact", "knn")
    ]
    row = {"snr_low": 0.0, "snr_high": None, "n": 20, "crlb_mean_r2": 0.875}
    fisher["ceilings"]["snr_bins"] = [row | {"snr_median": s, "crlb_median_r2": 1 - 1 / s} for s in (1.5, 3.5, 6.5)]
    fisher["ceilings"]["bayes_bins"] = [row | {"snr_median": s, "r2": measured(1 - 0.5 / s)} for s in (1.5, 3.5, 6.5)]
    write_json(results / "mvp_1_1/fisher.json", fisher)
    sweep = read_json(results / "mvp_1_1/magnitude_sweep.json")
    for point in sweep["rows"]:
        point |= {"r2_max_p10": point["r2_max_median"] - 0.125, "r2_max_p90": point["r2_max_median"] + 0.015625}
    write_json(results / "mvp_1_1/magnitude_sweep.json", sweep)
    for path in results.glob("mvp_1_5/verdict.json"):
        verdict = read_json(path)
        for entry in verdict["variants"].values():
            entry["bias"] = {
                "teff": [{"low": t, "high": t + 500, "n": 20, "mean": 0.0625, "standard_error": 0.015625} for t in (4000.0, 4500.0)],
                "m_h": [{"low": -1.0, "high": -0.75, "n": 20, "mean": -0.125, "standard_error": 0.03125}],
            }  # fmt: skip
        write_json(path, verdict)
