"""Metrics on log g in dex, with bootstrap intervals over test spectra; comparisons are paired.

Resampling is by counts: row b of a (B, N) matrix says how often each spectrum occurs in resample b. The same seed and
N give the same counts for every model, which is what pairs comparisons.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from logg1m.config.bounds import Bootstrap

OUTLIER = 0.5  # dex
Statistic = Callable[[np.ndarray], np.ndarray]  # resampling counts (B, N) → its values (B,)
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


def level_key(level: float) -> str:
    """Key of an interval of this level beside a value: ci95."""
    return f"ci{level * 100:g}"


def not_measured(level: float) -> dict[str, Any]:
    """{value, ci95} of what was not measured: NaN."""
    return {"value": float("nan"), level_key(level): [float("nan")] * 2}


def interval_key(entry: Mapping[str, Any]) -> str:
    """Key of the interval beside a value of an artifact, whatever its level (ci95, ci90); empty where there is none."""
    return next((key for key in map(str, entry) if key.startswith("ci")), "")


def interval_of(entry: Mapping[str, Any]) -> tuple[float, float]:
    """(low, high) beside a value of an artifact: the interval of {value, ci95}, whatever its level."""
    low, high = entry[interval_key(entry)]
    return low, high


def is_measured(value: Any) -> bool:
    """Whether a value of an artifact is a number with an interval, {value, ci95}."""
    return isinstance(value, Mapping) and "value" in value and bool(interval_key(value))


def with_interval(statistic: Statistic, n: int, settings: Bootstrap, seed: int) -> dict[str, Any]:
    """{value, ci95} of a statistic of counts (B, n) → (B,); its value is the one at equal counts."""
    value = float(statistic(np.ones((1, n), dtype=np.float32))[0])
    replicates = np.concatenate([statistic(counts) for counts in resamples(n, settings, seed)])
    return {"value": value, level_key(settings.level): interval(replicates, settings.level)}


def r2(truth: np.ndarray, error: np.ndarray) -> Statistic:
    """Coefficient of determination of predictions truth + error, as a statistic of counts."""
    truth = truth - truth.mean()
    columns = np.stack([np.ones_like(truth), truth, truth**2, error**2], axis=1).astype(np.float64)

    def statistic(counts: np.ndarray) -> np.ndarray:
        n, first, second, squared = (counts @ columns).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - squared / (second - first**2 / n))

    return statistic


def mean(values: np.ndarray) -> Statistic:
    """Weighted mean as a statistic of counts."""
    values = np.asarray(values, dtype=np.float64)
    return lambda counts: counts @ values / counts.sum(axis=1)


def rms(values: np.ndarray) -> Statistic:
    """Root mean square as a statistic of counts."""
    square = mean(np.asarray(values, dtype=np.float64) ** 2)
    return lambda counts: np.sqrt(square(counts))


def median(values: np.ndarray) -> Statistic:
    """Weighted (lower) median as a statistic of counts."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, dtype=np.float64)[order]

    def statistic(counts: np.ndarray) -> np.ndarray:
        running = np.cumsum(counts[:, order], axis=1)
        half = running[:, -1:] / 2
        return np.asarray(ordered[np.argmax(running >= half, axis=1)])

    return statistic


def nmad(values: np.ndarray) -> Statistic:
    """1.4826 · median |values| as a statistic of counts."""
    middle = median(np.abs(values))
    return lambda counts: 1.4826 * middle(counts)


def r2_replicates(
    truth: np.ndarray, error: np.ndarray, settings: Bootstrap, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """R² of M predictors on the same N spectra, errors (M, N) in dex: values (M,), paired replicates (resamples, M)."""
    measure = _Means(truth, error)
    value = measure(np.ones((1, len(truth)), dtype=np.float32))["r2"][0]
    return value, np.concatenate([measure(counts)["r2"] for counts in resamples(len(truth), settings, seed)])


def median_with_interval(values: np.ndarray, level: float) -> dict[str, Any]:
    """{value, ci95} of the (lower) median of `values` (N,), as if it had been resampled without end.

    Of N draws Binomial(N, k/N) fall on the k smallest values, which gives the bootstrap distribution of the median in
    closed form (Efron 1979, Ann. Statist. 7, 1, section 3).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, half = len(ordered), math.ceil(len(ordered) / 2)
    tail = (1 - level) / 2
    ranks = [bisect_left(range(n), q, key=lambda k: bdtrc(half - 1, n, (k + 1) / n)) for q in (tail, 1 - tail)]
    return {"value": float(ordered[half - 1]), level_key(level): [float(ordered[k]) for k in ranks]}


class _Means:
    """All metrics of M models on one set of N spectra that are made of means, as functions of resampling counts.

    One matrix product gives every mean of every model.
    """

    def __init__(self, truth: np.ndarray, error: np.ndarray) -> None:
        """`truth` (N,), `error` (M, N) = prediction − truth, dex."""
        centred = truth - truth.mean()
        shared = np.stack([np.ones_like(centred), centred, centred**2])
        self.columns = np.concatenate([shared, error**2, np.abs(error), np.abs(error) > OUTLIER]).T

    def __call__(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Counts (B, N) → metric → (B, M)."""
        sums = counts @ self.columns
        n, first, second = (sums[:, k, None] for k in range(3))
        squared, absolute, outlying = np.split(sums[:, 3:], 3, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = 1 - squared / (second - first**2 / n)
        return {"r2": r2, "mae": absolute / n, "rmse": np.sqrt(squared / n), "outlier_rate": outlying / n}


def summaries(
    truth: np.ndarray,
    predicted: np.ndarray,
    settings: Bootstrap,
    seed: int,
) -> list[dict[str, Any]]:
    """Metrics of M models on one set of spectra, each {value, ci95}; counts are drawn once for all of them.

    Parameters
    ----------
    truth : (N,) dex
    predicted : (M, N) dex
    """
    truth = np.asarray(truth, dtype=np.float64)
    n = len(truth)
    error = np.asarray(predicted, dtype=np.float64) - truth
    measure = _Means(truth, error)
    values = measure(np.ones((1, n), dtype=np.float32))
    batches = [measure(counts) for counts in resamples(n, settings, seed)]
    drawn = {name: np.concatenate([batch[name] for batch in batches]) for name in values}
    key = level_key(settings.level)
    found = []
    for k, own in enumerate(error):
        row: dict[str, Any] = {
            name: {"value": float(values[name][0, k]), key: interval(drawn[name][:, k], settings.level)}
            for name in values
        }
        row["median_bias"] = median_with_interval(own, settings.level)
        row["nmad"] = median_with_interval(1.4826 * np.abs(own), settings.level)
        found.append({"n": n, **row})
    return found


def summary(truth: np.ndarray, predicted: np.ndarray, settings: Bootstrap, seed: int) -> dict[str, Any]:
    """All metrics of one model on one set of spectra, each {value, ci95}; truth and prediction (N,) in dex."""
    return summaries(truth, np.asarray(predicted)[None], settings, seed)[0]


def in_snr_bins(
    truth: np.ndarray, predicted: np.ndarray, snr: np.ndarray, settings: Bootstrap, seed: int, fewest: int = 20
) -> list[list[dict[str, Any]]]:
    """R² and MAE of each of M models, predicted (M, N), in bins of ‖flux‖/‖error‖ with at least `fewest` spectra."""
    rows: list[list[dict[str, Any]]] = [[] for _ in predicted]
    for low, high in pairwise(SNR_EDGES):
        inside = (snr >= low) & (snr < high)
        n = int(inside.sum())
        if n < fewest:
            continue
        about = {
            "snr_low": low,
            "snr_high": None if np.isinf(high) else high,
            "snr_median": float(np.median(snr[inside])),
            "n": n,
        }
        found = summaries(truth[inside], predicted[:, inside], settings, seed)
        for own, measured in zip(rows, found):
            own.append({**about, "r2": measured["r2"], "mae": measured["mae"]})
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
    return evaluate_all(truth, predicted[None], about, settings, seed)[0]


def evaluate_all(
    truth: np.ndarray, predicted: np.ndarray, about: pd.DataFrame, settings: Bootstrap, seed: int
) -> list[dict[str, Any]]:
    """`evaluate` for M models on the same spectra: truth (N,), predicted (M, N), dex; `about` their rows of members."""
    low = about["low_noise"].to_numpy(dtype=bool)
    nothing: list[Any] = [None] * len(predicted)
    low_noise = summaries(truth[low], predicted[:, low], settings, seed) if low.any() else nothing
    full = summaries(truth, predicted, settings, seed)
    bins = in_snr_bins(truth, predicted, about["snr"].to_numpy(), settings, seed)
    return [{"low_noise": a, "full": b, "snr_bins": c} for a, b, c in zip(low_noise, full, bins)]
