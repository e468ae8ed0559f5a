"""What an estimate of log g is worth: its predictive standard deviation and quantiles, from stars whose log g is known.

Around every estimate the truth has a distribution that depends on the signal-to-noise and on the estimate itself (near
the edge of the prior it leans inwards). Both are taken from simulated stars: at knots of (snr, log g), root mean square
and quantiles of truth − estimate over near stars, and between the knots bilinear. Mean ± σ of a truncated posterior does
not hold the truth in 68 % of cases even if it is exact; so quantiles are calibrated by themselves (conformal prediction:
Vovk, Gammerman & Shafer 2005; with weights by nearness: Tibshirani et al. 2019, arXiv 1904.06019).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import InputError

LEVELS = {"p2_5": 0.025, "p16": 0.16, "p50": 0.5, "p84": 0.84, "p97_5": 0.975}
_KNOTS_SNR, _KNOTS_LOGG = 14, 14
_NEAR = 250  # stars within one kernel width of a knot, about
_ROUNDS = 4  # of correction of the root mean square
_BEYOND = 2.0  # factor in S/N beyond the stars of the calibration that its outermost knots still serve
_LEAST = 200  # stars that a calibration needs
PER_BIN = 3_000


@dataclass(frozen=True)
class Asked:
    """What is known of N stars that were asked about: log g and estimate (dex), S/N, the model's own sigma (or ones)."""

    truth: np.ndarray
    estimate: np.ndarray
    snr: np.ndarray
    scale: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """truth − estimate, in units of the model's own sigma where it has one."""
        return (self.truth - self.estimate) / self.scale

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Calibration:
    """Values at knots: snr (S,) and log_g (L,) rising, and columns of `table` as (S, L)."""

    snr: np.ndarray
    log_g: np.ndarray
    values: dict[str, np.ndarray]
    inflation: float = 1.0

    @classmethod
    def of(cls, table: pd.DataFrame, inflation: float = 1.0) -> "Calibration | None":
        """From the table of a model folder; None for an empty one."""
        if not len(table):
            return None
        snr, log_g = np.unique(table["snr"]), np.unique(table["log_g"])
        ordered = table.sort_values(["snr", "log_g"])
        if len(ordered) != len(snr) * len(log_g):
            raise InputError("calibration.parquet is no full table of snr and log_g; copy the model folder anew")
        shape = len(snr), len(log_g)
        names = ("bias", "rms", *LEVELS)
        return cls(snr, log_g, {name: ordered[name].to_numpy().reshape(shape) for name in names}, inflation)

    @property
    def table(self) -> pd.DataFrame:
        """One row per knot."""
        snr, log_g = np.meshgrid(self.snr, self.log_g, indexing="ij")
        return pd.DataFrame(
            {"snr": snr.ravel(), "log_g": log_g.ravel()} | {name: v.ravel() for name, v in self.values.items()}
        )

    def covers(self, snr: np.ndarray) -> np.ndarray:
        """Whether stars of this signal-to-noise were looked at, or nearly, (N,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray((snr >= self.snr[0] / _BEYOND) & (snr <= self.snr[-1] * _BEYOND))

    def __call__(
        self, estimate: np.ndarray, snr: np.ndarray, scale: np.ndarray, wider: np.ndarray | float = 1.0
    ) -> dict[str, np.ndarray]:
        """Predictive standard deviation `err` and quantiles, dex, (N,) each.

        Parameters
        ----------
        wider : factors (N,) by which errors grow, as for masked pixels
        """
        at_snr = np.interp(np.log(np.where(snr > 0, snr, self.snr[0])), np.log(self.snr), np.arange(len(self.snr)))
        at_log_g = np.interp(estimate, self.log_g, np.arange(len(self.log_g)))
        low_s, low_g = (
            at.astype(np.int64).clip(0, top)
            for at, top in ((at_snr, len(self.snr) - 2), (at_log_g, len(self.log_g) - 2))
        )
        share_s, share_g = at_snr - low_s, at_log_g - low_g

        def between(name: str) -> np.ndarray:
            v = self.values[name]
            return np.asarray(
                (1 - share_s) * ((1 - share_g) * v[low_s, low_g] + share_g * v[low_s, low_g + 1])
                + share_s * ((1 - share_g) * v[low_s + 1, low_g] + share_g * v[low_s + 1, low_g + 1])
            )

        spread = scale * self.inflation * wider
        found = {"err": between("rms") * spread}
        return found | {name: estimate + between(name) * spread for name in LEVELS}


def fit(asked: Asked) -> Calibration:
    """A calibration from stars that nothing was fitted to.

    Raises
    ------
    InputError
        If there are too few of them.
    """
    finite = np.isfinite(asked.estimate) & np.isfinite(asked.snr) & (asked.snr > 0)
    if finite.sum() < _LEAST:
        raise InputError(
            f"a calibration needs {_LEAST} stars at least, got {int(finite.sum())}; raise predict.calibration_size"
        )
    estimate, snr, error = asked.estimate[finite], asked.snr[finite], asked.error[finite]
    n = len(estimate)
    side = int(np.clip(np.sqrt(n / _NEAR), 2, None))
    knots_s, knots_g = min(_KNOTS_SNR, side + 1), min(_KNOTS_LOGG, side + 1)
    ranks = [np.argsort(np.argsort(v, kind="stable"), kind="stable") / (n - 1) for v in (snr, estimate)]
    places = [np.linspace(0, 1, k) for k in (knots_s, knots_g)]
    where = [np.quantile(v, p) for v, p in zip((snr, estimate), places)]
    width = 0.5 / max(side, 2)  # of the kernel, in ranks
    near_s = np.exp(-0.5 * ((ranks[0] - places[0][:, None]) / width) ** 2)  # (S, N)
    near_g = np.exp(-0.5 * ((ranks[1] - places[1][:, None]) / width) ** 2)
    total = near_s @ near_g.T
    axes = _rising(where[0]), _rising(where[1])
    ones = np.ones((knots_s, knots_g))
    values = {"bias": (near_s * error) @ near_g.T / total, "rms": ones * np.sqrt(np.mean(error**2))}
    values |= dict.fromkeys(LEVELS, ones)
    # A kernel flattens what changes over its width: so it is asked for corrections of what it said before.
    for _ in range(_ROUNDS):
        z = error / Calibration(*axes, values)(estimate, snr, np.ones(n))["err"]
        values["rms"] = values["rms"] * np.sqrt((near_s * z**2) @ near_g.T / total)
    z = error / Calibration(*axes, values)(estimate, snr, np.ones(n))["err"]
    order = np.argsort(z, kind="stable")
    quantiles = {name: np.empty((knots_s, knots_g)) for name in LEVELS}
    for i, j in np.ndindex(knots_s, knots_g):
        weight = (near_s[i] * near_g[j])[order] / total[i, j]
        cumulative = np.cumsum(weight) - weight / 2
        for name, level in LEVELS.items():
            quantiles[name][i, j] = np.interp(level, cumulative, z[order])
    values |= {name: quantiles[name] * values["rms"] for name in LEVELS}
    return Calibration(*axes, values)


def _rising(knots: np.ndarray) -> np.ndarray:
    """Knots that rise strictly, where many stars share a value."""
    return np.asarray(
        np.maximum.accumulate(knots + 1e-9 * np.arange(len(knots)) * max(1.0, float(np.abs(knots).max())))
    )


def judge(calibration: Calibration, asked: Asked) -> dict[str, Any]:
    """Whether errors and quantiles hold on other stars, in bins of S/N and of the estimate with ≥ 3,000 stars each.

    Returns
    -------
    n, rms_z, coverage_68, coverage_95 of all; bins: the same of each, with their ranges; worst: the largest departures;
    tolerance: two binomial standard errors of a bin's coverage, in points
    """
    found = calibration(asked.estimate, asked.snr, asked.scale)
    z = (asked.truth - asked.estimate) / found["err"]
    in_68 = (asked.truth >= found["p16"]) & (asked.truth <= found["p84"])
    in_95 = (asked.truth >= found["p2_5"]) & (asked.truth <= found["p97_5"])

    def of(rows: np.ndarray) -> dict[str, Any]:
        return {
            "n": int(rows.sum()),
            "rms_z": float(np.sqrt(np.mean(z[rows] ** 2))),
            "coverage_68": float(in_68[rows].mean()),
            "coverage_95": float(in_95[rows].mean()),
        }

    whole = np.ones(len(asked), dtype=bool)
    per_side = max(int(np.sqrt(len(asked) / PER_BIN)), 1)
    parts = []
    s_edges = np.quantile(asked.snr, np.linspace(0, 1, per_side + 1))
    for i in range(per_side):
        in_s = (asked.snr >= s_edges[i]) & ((asked.snr < s_edges[i + 1]) | (i == per_side - 1))
        g_edges = np.quantile(asked.estimate[in_s], np.linspace(0, 1, per_side + 1))
        for j in range(per_side):
            rows = in_s & (asked.estimate >= g_edges[j]) & ((asked.estimate < g_edges[j + 1]) | (j == per_side - 1))
            ranges = {
                "snr": [float(s_edges[i]), float(s_edges[i + 1])],
                "log_g": [float(g_edges[j]), float(g_edges[j + 1])],
            }
            parts.append(ranges | of(rows))
    smallest = min(part["n"] for part in parts)
    return {
        **of(whole),
        "bins": parts,
        "worst": {
            "rms_z": max(abs(part["rms_z"] - 1) for part in parts),
            "coverage_68": max(abs(part["coverage_68"] - 0.68) for part in parts),
            "coverage_95": max(abs(part["coverage_95"] - 0.95) for part in parts),
        },
        "tolerance": {
            "coverage_68": float(2 * np.sqrt(0.68 * 0.32 / smallest)),
            "coverage_95": float(2 * np.sqrt(0.95 * 0.05 / smallest)),
        },
    }
