"""Systematic bias of log g against other labels: the mean residual in bins, and its scatter over the bins."""

from typing import Any

import numpy as np

from logg1m.metrics import Statistic

BIN_WIDTH = {"teff": 500.0, "m_h": 0.25}  # K, dex
_FEWEST = 10


def bins(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Bin of every value (N,) and the edges (K + 1,); edges are multiples of the width."""
    edges = np.arange(np.floor(values.min() / width), np.ceil(values.max() / width) + 0.5) * width
    edges = edges if len(edges) > 1 else np.array([edges[0], edges[0] + width])
    return np.clip(np.digitize(values, edges) - 1, 0, len(edges) - 2), edges


def bias_scatter(error: np.ndarray, about: np.ndarray, width: float) -> Statistic:
    """Standard deviation over bins of the mean residual, as a statistic of counts (B, N); NaN without bins."""
    index, edges = bins(about, width)
    member = np.eye(len(edges) - 1, dtype=np.float32)[index]  # (N, K)
    member = member[:, member.sum(axis=0) >= _FEWEST]
    weighted = member * error[:, None].astype(np.float32)

    def statistic(counts: np.ndarray) -> np.ndarray:
        if not member.shape[1]:
            return np.full(len(counts), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = (counts @ weighted) / (counts @ member)
        return np.asarray(np.nanstd(means, axis=1), dtype=np.float64)

    return statistic


def bias_table(error: np.ndarray, about: np.ndarray, width: float) -> list[dict[str, Any]]:
    """Mean residual, its standard error and the count of every bin, dex."""
    index, edges = bins(about, width)
    rows = []
    for k in range(len(edges) - 1):
        part = error[index == k]
        if len(part) >= _FEWEST:
            rows.append(
                {
                    "low": float(edges[k]),
                    "high": float(edges[k + 1]),
                    "n": len(part),
                    "mean": float(part.mean()),
                    "standard_error": float(part.std(ddof=1) / np.sqrt(len(part))),
                }
            )
    return rows
