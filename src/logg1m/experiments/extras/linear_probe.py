"""How much of log g a frozen encoder holds ready for a linear model, after the pretraining and before any training."""

from typing import Any

import numpy as np

from logg1m.experiments.judging.evidence import Evidence

# Features of a probe in metrics.json → words.
FEATURES = {
    "pixels": "pixels",
    "pixels_over_rms": "pixels / rms",
    "random": "random",
    "pretrained": "pretrained",
}


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """R² of ridge on the best layer of the frozen encoder of every pretrained variant; means over seeds.

    Beside it the same encoder with random weights, the pixels themselves and the pixels over their rms per star, as the
    tokens are taken; and the share of the mean spectrum's loss that the reconstruction takes away, against spectra with
    noise (explained) and without. Layers are those chosen on validation, one per seed (0: tokens as embedded).
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
        for features, words in FEATURES.items():
            for subset in ("low_noise", "full"):
                values = [report["probe"][features][f"r2_{subset}"] for report in reports]
                row[f"R² {subset}, {words}"] = None if None in values else float(np.mean(values))
        for encoder in ("random", "pretrained"):
            row[f"layer, {encoder}"] = ", ".join(str(report["probe"][encoder]["layer"]) for report in reports)
        rows.append(row)
    return rows
