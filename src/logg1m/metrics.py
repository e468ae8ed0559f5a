"""Metrics on log g in dex, with bootstrap intervals over test spectra; comparisons are paired.

Resampling is by counts: row b of a (B, N) matrix says how often each spectrum occurs in resample b. The same seed and
N give the same counts for every model, which is what pairs comparisons.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m.config.bounds import Bootstrap

OUTLIER = 0.5  # dex
SNR_EDGES = (0.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, np.inf)
_BATCH_VALUES = 20_000_000  # counts held at once


def resamples(n: int, settings: Bootstrap, seed: int) -> Iterator[np.ndarray]:
    """Batches (b, n) float32 of resampling counts, `settings.resamples` rows in all."""
    rng = np.random.Generator(np.random.PCG64([seed, n]))
    per_batch = max(1, _BATCH_VALUES // max(n, 1))
    for start in range(0, settings.resamples, per_batch):
        b = min(per_batch, settings.resamples - start)
        drawn = rng.integers(0, n, size=(b, n)) + np.arange(b)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(np.float32)


def interval(values: np.ndarray, level: float) -> list[float]:
    """Central interval of bootstrap replicates, ignoring undefined ones."""
    if not np.isfinite(values).any():
        return [float("nan"), float("nan")]
    tail = (1 - level) / 2
    return [float(q) for q in np.nanquantile(values, [tail, 1 - tail])]


def with_interval(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, settings: Bootstrap, seed: int
) -> dict[str, Any]:
    """{value, ci95} of a statistic of counts (B, n) → (B,); its value is the one at equal counts."""
    value = float(statistic(np.ones((1, n), dtype=np.float32))[0])
    replicates = np.concatenate([statistic(counts) for counts in resamples(n, settings, seed)])
    return {"value": value, f"ci{settings.level * 100:.0f}": interval(replicates, settings.level)}


def r2(truth: np.ndarray, error: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Coefficient of determination of predictions truth + error, as a statistic of counts."""
    truth = truth - truth.mean()
    columns = np.stack([np.ones_like(truth), truth, truth**2, error**2], axis=1).astype(np.float64)

    def statistic(counts: np.ndarray) -> np.ndarray:
        n, first, second, squared = (counts @ columns).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - squared / (second - first**2 / n))

    return statistic


def mean(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Weighted mean as a statistic of counts."""
    values = np.asarray(values, dtype=np.float64)
    return lambda counts: counts @ values / counts.sum(axis=1)


def rms(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Root mean square as a statistic of counts."""
    square = mean(np.asarray(values, dtype=np.float64) ** 2)
    return lambda counts: np.sqrt(square(counts))


def median(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Weighted (lower) median as a statistic of counts."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, dtype=np.float64)[order]

    def statistic(counts: np.ndarray) -> np.ndarray:
        running = np.cumsum(counts[:, order], axis=1)
        half = running[:, -1:] / 2
        return np.asarray(ordered[np.argmax(running >= half, axis=1)])

    return statistic


def nmad(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """1.4826 · median |values| as a statistic of counts."""
    middle = median(np.abs(values))
    return lambda counts: 1.4826 * middle(counts)


def summary(truth: np.ndarray, predicted: np.ndarray, settings: Bootstrap, seed: int) -> dict[str, Any]:
    """All metrics of one model on one set of spectra, each {value, ci95}; truth and prediction (N,) in dex."""
    error = np.asarray(predicted, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    statistics = {
        "r2": r2(np.asarray(truth, dtype=np.float64), error),
        "mae": mean(np.abs(error)),
        "rmse": rms(error),
        "median_bias": median(error),
        "nmad": nmad(error),
        "outlier_rate": mean(np.abs(error) > OUTLIER),
    }
    n = len(error)
    values = {name: float(f(np.ones((1, n), dtype=np.float32))[0]) for name, f in statistics.items()}
    replicates: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for counts in resamples(n, settings, seed):
        for name, f in statistics.items():
            replicates[name].append(f(counts))
    key = f"ci{settings.level * 100:.0f}"
    result: dict[str, Any] = {"n": n}
    for name in statistics:
        result[name] = {"value": values[name], key: interval(np.concatenate(replicates[name]), settings.level)}
    return result


def in_snr_bins(
    truth: np.ndarray, predicted: np.ndarray, snr: np.ndarray, settings: Bootstrap, seed: int, fewest: int = 20
) -> list[dict[str, Any]]:
    """R² and MAE in bins of ‖flux‖/‖error‖; bins with fewer than `fewest` spectra are left out."""
    rows = []
    for low, high in pairwise(SNR_EDGES):
        inside = (snr >= low) & (snr < high)
        n = int(inside.sum())
        if n < fewest:
            continue
        t = np.asarray(truth[inside], dtype=np.float64)
        e = np.asarray(predicted[inside], dtype=np.float64) - t
        rows.append(
            {
                "snr_low": low,
                "snr_high": None if np.isinf(high) else high,
                "snr_median": float(np.median(snr[inside])),
                "n": n,
                "r2": with_interval(r2(t, e), n, settings, seed),
                "mae": with_interval(mean(np.abs(e)), n, settings, seed),
            }
        )
    return rows


def evaluate(predictions: pd.DataFrame, members: pd.DataFrame, settings: Bootstrap, seed: int) -> dict[str, Any]:
    """Metrics on the low-noise test (the main figure), on the full test, and in SNR bins.

    Parameters
    ----------
    predictions : columns id, truth, predicted (dex)
    members : columns snr, low_noise, indexed by spectrum id
    """
    about = members.loc[predictions["id"]]
    truth, predicted = predictions["truth"].to_numpy(), predictions["predicted"].to_numpy()
    low = about["low_noise"].to_numpy(dtype=bool)
    return {
        "low_noise": summary(truth[low], predicted[low], settings, seed) if low.any() else None,
        "full": summary(truth, predicted, settings, seed),
        "snr_bins": in_snr_bins(truth, predicted, about["snr"].to_numpy(), settings, seed),
    }


def paired_difference(
    build: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]],
    error_a: np.ndarray,
    error_b: np.ndarray,
    settings: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Interval of statistic(a) − statistic(b) on the same spectra; `build` makes a statistic of errors (N,), dex."""
    a, b = build(error_a), build(error_b)
    return with_interval(lambda counts: a(counts) - b(counts), len(error_a), settings, seed)
