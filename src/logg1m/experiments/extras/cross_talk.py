"""Cross-talk of every variant that predicts Teff and [Fe/H] beside log g, on the low-noise test."""

from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.experiments.judging.cross_talk import slopes
from logg1m.experiments.judging.evidence import Evidence
from logg1m.metrics import Statistic

_LABELS = ("teff", "m_h")


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Share of the variance of the log g error, its slopes, and the error (dex) that goes with other labels' errors."""
    runs, rows = evidence.runs, []
    subset = runs.low_noise
    for name in runs.errors:
        if not all(name in runs.further.get(label, {}) for label in _LABELS):
            continue
        parts = runs.of_seeds("cross_talk", name, subset)
        share = metrics.with_interval(_mean_of(parts), int(subset.sum()), evidence.bootstrap, evidence.seed)
        error = runs.errors[name][0][subset]
        others = np.stack([runs.further[label][name][0][subset] for label in _LABELS], axis=1)
        per_teff, per_m_h = slopes(error, others)
        rows.append(
            {
                "variant": name,
                "share of the variance": share,
                "shared error, dex": float(np.sqrt(max(share["value"], 0.0)) * error.std()),
                "slope, dex per 100 K": float(100 * per_teff),
                "slope, dex per dex of [Fe/H]": float(per_m_h),
                "MAE of Teff, K": float(np.abs(others[:, 0]).mean()),
                "MAE of [Fe/H], dex": float(np.abs(others[:, 1]).mean()),
                "n": len(error),
            }
        )
    return rows


def _mean_of(parts: list[Statistic]) -> Statistic:
    return lambda counts: np.asarray(np.mean([part(counts) for part in parts], axis=0))
