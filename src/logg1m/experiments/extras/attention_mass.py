"""How much of a network's attention falls on the windows that are sensitive to log g."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.inputs.windows import windows

WINDOWS = "top_10"  # those that guidance points at


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Per variant and layer: share of the attention on the windows, and what it would be without preference."""
    inside = windows(WINDOWS, evidence.store.wave, evidence.sensitivity)[0]
    rows = []
    for name, seeds in evidence.attention.items():
        for layer in sorted(seeds[0]["layer"].unique()):
            tables = [table[table["layer"] == layer] for table in seeds]
            shares = [share_inside(table, evidence.store.wave, inside) for table in tables]
            masses = [float((t["attention"].to_numpy() * s).sum()) for t, s in zip(tables, shares)]
            row: dict[str, Any] = {"variant": name, "layer": int(layer), "attention on windows": float(np.mean(masses))}
            row["without preference"] = float(np.mean(shares[0]))
            rows.append(row)
    return rows


def share_inside(tokens: pd.DataFrame, wave: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Share of the pixels of every token (columns low, high in Å) that lie in a mask (P,), (N,)."""
    before = np.concatenate([[0], np.cumsum(inside)])
    first, last = (np.searchsorted(wave, tokens[edge].to_numpy(dtype=np.float64)) for edge in ("low", "high"))
    return np.asarray((before[last] - before[first]) / np.maximum(last - first, 1))
