"""How strongly log g answers to the flux inside and outside of sky lines and features, per variant."""

from typing import Any

import numpy as np

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import regions


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Mean |∂log g/∂flux| per region (dex per unit of stored flux), and the same for a fluctuation of 1σ (dex)."""
    masks = regions(evidence.pixels)
    sigma = evidence.pixels["error_mean"].to_numpy()
    rows = []
    for name, seeds in evidence.gradients.items():
        gradient = np.mean([table["gradient"].to_numpy(dtype=np.float64) for table in seeds], axis=0)
        if not np.isfinite(gradient).all() or not gradient.any():
            continue  # a model without derivatives, or one that does not see the flux
        row: dict[str, Any] = {"variant": name}
        for region, mask in masks.items():
            row[f"gradient, {region}"] = float(gradient[mask].mean())
            row[f"answer to 1σ, {region}"] = float((gradient * sigma)[mask].mean())
        rows.append(row)
    return rows
