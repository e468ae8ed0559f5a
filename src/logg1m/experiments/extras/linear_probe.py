"""How much of log g a frozen encoder holds ready for a linear model, after the pretraining and before any training."""

from typing import Any

import numpy as np

from logg1m.experiments.judging.evidence import Evidence


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """R² of ridge on the frozen encoder of every pretrained variant; means over seeds.

    Beside it the same encoder with random weights and the pixels themselves, and the share of the mean spectrum's loss
    that the reconstruction takes away, against spectra with noise (explained) and without.
    """
    rows = []
    for name, seeds in evidence.metrics.items():
        reports = [metrics["pretraining"] for metrics in seeds if metrics["pretraining"]]
        if not reports:
            continue
        row: dict[str, Any] = {
            "variant": name,
            "pretraining spectra": reports[0]["spectra"],
            "labelled spectra": seeds[0]["n_fit"],
            "probe spectra": reports[0]["probe"]["spectra"],
        }
        for share in ("explained", "explained_noise_free"):
            row[share] = float(np.mean([report[share] for report in reports]))
        for encoder in ("pixels", "random", "pretrained"):
            for subset in ("low_noise", "full"):
                values = [report["probe"][encoder][f"r2_{subset}"] for report in reports]
                row[f"R² {subset}, {encoder}"] = None if None in values else float(np.mean(values))
        rows.append(row)
    return rows
