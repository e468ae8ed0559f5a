"""What an estimate of log g is worth: its predictive standard deviation and quantiles, from stars whose log g is known.

Around every estimate the truth has a distribution that depends on the signal-to-noise and on the estimate itself (near
the edge of the prior it leans inwards). Both are taken from simulated stars: at knots of (snr, log g), root mean square
and quantiles of truth − estimate over near stars, and between the knots bilinear. Mean ± σ of a truncated posterior does
not hold the truth in 68 % of cases even if it is exact; so quantiles are calibrated by themselves (conformal prediction:
Vovk, Gammerman & Shafer 2005; with weights by nearness: Tibshirani et al. 2019, arXiv 1904.06019).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from logg1m.files import InputError

LEVELS = {"p2_5": 0.025, "p16": 0.16, "p50": 0.5, "p84": 0.84, "p97_5": 0.975}
_KNOTS_SNR, _KNOTS_LOGG = 14, 14
_NEAR = 400  # stars within one kernel width of a knot, about
_ROUNDS = 6  # of correction
_BEYOND = 2.0  # factor in S/N beyond the stars of the calibration that its outermost knots still serve
_LEAST = 200  # stars that a calibration needs
PER_BIN = 3_000
_FURTHER = "rms_"  # begins the columns of further labels


@dataclass(frozen=True)
class Asked:
    """What is known of N stars that were asked about: log g and estimate (dex), S/N, the model's own sigma (or ones), and
    truth − estimate of further labels that the model infers (name → (N,), in their units, as if no pixel were masked)."""

    truth: np.ndarray
    estimate: np.ndarray
    snr: np.ndarray
    scale: np.ndarray
    further: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def error(self) -> np.ndarray:
        """truth − estimate, in units of the model's own sigma where it has one."""
        return np.asarray((self.truth - self.estimate) / self.scale)

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Calibration:
    """Values at knots: snr (S,) rising, log_g (S, L) rising along L, and columns of `table` as (S, L).

    At every S/N the knots in log g are quantiles of the estimates there: of faint stars they lie closer together. Of further
    labels there is the root mean square alone, at the same knots: `rms_teff`, K.
    """

    snr: np.ndarray
    log_g: np.ndarray
    values: dict[str, np.ndarray]
    inflation: float = 1.0

    @classmethod
    def of(cls, table: pd.DataFrame, inflation: float = 1.0) -> "Calibration | None":
        """From the table of a model folder; None for an empty one."""
        if not len(table):
            return None
        ordered = table.sort_values(["snr", "log_g"], kind="stable")
        snr, counts = np.unique(ordered["snr"], return_counts=True)
        if len(snr) < 2 or np.ptp(counts) or counts[0] < 2:
            raise InputError("calibration.parquet is no full table of snr and log_g; copy the model folder anew")
        shape = len(snr), int(counts[0])
        names = ("bias", "rms", *LEVELS, *(name for name in table if name.startswith(_FURTHER)))
        values = {name: ordered[name].to_numpy().reshape(shape) for name in names}
        if not all(np.isfinite(value).all() for value in values.values()):
            raise InputError("calibration.parquet holds what is no number; copy the model folder anew")
        return cls(snr, ordered["log_g"].to_numpy().reshape(shape), values, inflation)

    @property
    def table(self) -> pd.DataFrame:
        """One row per knot."""
        snr = np.repeat(self.snr, self.log_g.shape[1])
        return pd.DataFrame(
            {"snr": snr, "log_g": self.log_g.ravel()} | {name: v.ravel() for name, v in self.values.items()}
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
        place = self._places(estimate, snr)
        spread = scale * self.inflation * wider
        found = {"err": self._between("rms", *place) * spread}
        # every level is calibrated by itself, so that neighbours can cross where they lie close together
        levels = np.sort([estimate + self._between(name, *place) * spread for name in LEVELS], axis=0)
        return found | dict(zip(LEVELS, levels, strict=True))

    def further(self, estimate: np.ndarray, snr: np.ndarray, wider: np.ndarray | float = 1.0) -> dict[str, np.ndarray]:
        """Predictive standard deviations (N,) of further labels, by label, in their units; `estimate` is that of log g."""
        place = self._places(estimate, snr)
        names = [name for name in self.values if name.startswith(_FURTHER)]
        return {n.removeprefix(_FURTHER): self._between(n, *place) * self.inflation * wider for n in names}

    def _places(self, estimate: np.ndarray, snr: np.ndarray) -> tuple[np.ndarray, ...]:
        """Knots below (N,) each in S/N and log g, and how far it is to the next, 0 … 1."""
        at = np.interp(np.log(np.where(snr > 0, snr, self.snr[0])), np.log(self.snr), np.arange(len(self.snr)))
        low_s = at.astype(np.int64).clip(0, len(self.snr) - 2)
        share_s = at - low_s
        knots = (1 - share_s)[:, None] * self.log_g[low_s] + share_s[:, None] * self.log_g[low_s + 1]  # (N, L)
        low_g = ((knots <= estimate[:, None]).sum(axis=1) - 1).clip(0, knots.shape[1] - 2)
        rows = np.arange(len(estimate))
        below, above = knots[rows, low_g], knots[rows, low_g + 1]
        share_g = ((estimate - below) / np.maximum(above - below, 1e-12)).clip(0, 1)
        return low_s, share_s, low_g, share_g

    def _between(
        self, name: str, low_s: np.ndarray, share_s: np.ndarray, low_g: np.ndarray, share_g: np.ndarray
    ) -> np.ndarray:
        """A value (N,) between its four knots."""
        v = self.values[name]
        return np.asarray(
            (1 - share_s) * ((1 - share_g) * v[low_s, low_g] + share_g * v[low_s, low_g + 1])
            + share_s * ((1 - share_g) * v[low_s + 1, low_g] + share_g * v[low_s + 1, low_g + 1])
        )


def fit(asked: Asked) -> Calibration:
    """A calibration from stars that nothing was fitted to.

    Raises
    ------
    InputError
        If there are too few of them.
    """
    finite = np.isfinite(asked.estimate) & np.isfinite(asked.snr) & (asked.snr > 0)
    for label_error in asked.further.values():
        finite &= np.isfinite(label_error)
    if finite.sum() < _LEAST:
        raise InputError(
            f"a calibration needs {_LEAST} stars at least, got {int(finite.sum())}; raise predict.calibration_size"
        )
    estimate, snr, error = asked.estimate[finite], asked.snr[finite], asked.error[finite]
    n = len(estimate)
    side = int(np.clip(np.sqrt(n / _NEAR), 2, None))
    knots_s, knots_g = min(_KNOTS_SNR, side + 1), min(_KNOTS_LOGG, side + 1)
    places_s, places_g = np.linspace(0, 1, knots_s), np.linspace(0, 1, knots_g)
    width = 0.5 / max(side, 2)  # of the kernel, in ranks
    rank = np.argsort(np.argsort(snr, kind="stable"), kind="stable") / (n - 1)
    near_s = np.exp(-0.5 * ((rank - places_s[:, None]) / width) ** 2)  # (S, N)
    log_g = np.stack([_rising(_quantiles(estimate, weight, places_g)) for weight in near_s])
    flat = np.ones((knots_s, knots_g))
    axes = _rising(np.quantile(snr, places_s)), log_g
    errors = {"rms": error} | {_FURTHER + n: each[finite] for n, each in asked.further.items() if each[finite].any()}
    values = {"bias": 0 * flat, **dict.fromkeys(LEVELS, flat)}
    values |= {name: flat * np.sqrt(np.mean(each**2)) for name, each in errors.items()}
    place = Calibration(*axes, values)._places(estimate, snr)
    rank_g = (place[2] + place[3]) / (knots_g - 1)
    near_g = np.exp(-0.5 * ((rank_g - places_g[:, None]) / width) ** 2)
    total = near_s @ near_g.T
    values["bias"] = (near_s * error) @ near_g.T / total
    # A kernel flattens what changes over its width: so it is asked for corrections of what was said before.
    for name, each in errors.items():
        for _ in range(_ROUNDS):
            z = each / Calibration(*axes, values)._between(name, *place)
            values[name] = values[name] * np.sqrt((near_s * z**2) @ near_g.T / total)
    rms = Calibration(*axes, values)._between("rms", *place)
    for name, level in LEVELS.items():
        values[name] = values["rms"] * float(np.quantile(error / rms, level))
        for _ in range(_ROUNDS - 1):
            left = (error - Calibration(*axes, values)._between(name, *place)) / rms
            order = np.argsort(left, kind="stable")
            further = [
                [_quantile(left[order], (near_s[i] * near_g[j])[order], level) for j in range(knots_g)]
                for i in range(knots_s)
            ]
            values[name] = values[name] + np.array(further) * values["rms"]
    return Calibration(*axes, values)


def _quantile(ordered: np.ndarray, weight: np.ndarray, level: float) -> float:
    """A quantile of values in rising order with weights."""
    cumulative = np.cumsum(weight)
    return float(np.interp(level * cumulative[-1], cumulative - weight / 2, ordered))


def _quantiles(values: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles (L,) of values with weights, outermost ones those of the stars that weigh anything."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    inner = np.clip(levels, 0.002, 0.998)
    return np.asarray(np.interp(inner * cumulative[-1], cumulative, values[order]))


def _rising(knots: np.ndarray) -> np.ndarray:
    """Knots that rise strictly, where many stars share a value."""
    return np.asarray(
        np.maximum.accumulate(knots + 1e-9 * np.arange(len(knots)) * max(1.0, float(np.abs(knots).max())))
    )


def judge(calibration: Calibration, asked: Asked, per_side: int | None = None) -> dict[str, Any]:
    """Whether errors and quantiles hold on other stars, in bins of S/N and of the estimate with ≥ 3,000 stars each.

    Parameters
    ----------
    per_side : bins of S/N, and of the estimate in each, where their number is given

    Returns
    -------
    n, rms_z, coverage_68, coverage_95 of all; further: rms_z by further label; bins: the same of each, with their ranges;
    worst: the largest departures; tolerance: two binomial standard errors of a bin's coverage, in points
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
    per_side = per_side or max(int(np.sqrt(len(asked) / PER_BIN)), 1)
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
    sigma = calibration.further(asked.estimate, asked.snr)
    return {
        **of(whole),
        "further": {name: float(np.sqrt(np.nanmean((asked.further[name] / sigma[name]) ** 2))) for name in sigma},
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
