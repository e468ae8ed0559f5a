"""Which pixels a model may see: windows on sensitive features, and masks of the noisiest pixels."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import noise
from logg1m.files import InputError
from logg1m.observe.lines import FEATURES
from logg1m.observe.pfs import PIXEL_SIZE

_PEAK_HALF_WIDTH = 15.0  # Å either side of a sensitivity peak: the core and the inner wings of Ca II
_SMOOTHING = 5  # pixels: about the line spread


def line_windows(wave: np.ndarray) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Pixels near the listed features, (P,) bool, and one row per feature that says whether it is in range."""
    inside = np.zeros(len(wave), dtype=bool)
    rows = []
    for feature in FEATURES:
        if feature.in_range:
            inside |= np.abs(wave - feature.vacuum) <= feature.half_width
        rows.append(
            {
                "name": feature.name,
                "air": feature.air,
                "vacuum": round(feature.vacuum, 2),
                "half_width": feature.half_width,
                "status": "used" if feature.in_range else f"out of range ({wave[0]:.0f}–{wave[-1]:.0f} Å)",
            }
        )
    return inside, rows


def peak_windows(wave: np.ndarray, sensitivity: np.ndarray, count: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Windows of ±15 Å around the `count` highest separate peaks of a sensitivity curve (P,)."""
    smoothed = np.convolve(sensitivity, np.ones(_SMOOTHING) / _SMOOTHING, mode="same")
    inside = np.zeros(len(wave), dtype=bool)
    rows: list[dict[str, Any]] = []
    for pixel in np.argsort(-smoothed, kind="stable"):
        if len(rows) == count:
            break
        if all(abs(wave[pixel] - row["vacuum"]) > _PEAK_HALF_WIDTH for row in rows):
            rows.append(
                {
                    "name": _nearest_feature(wave[pixel]),
                    "vacuum": round(float(wave[pixel]), 2),
                    "half_width": _PEAK_HALF_WIDTH,
                    "sensitivity": float(smoothed[pixel]),
                    "status": "used",
                }
            )
            inside |= np.abs(wave - wave[pixel]) <= _PEAK_HALF_WIDTH
    return inside, rows


def _nearest_feature(wavelength: float) -> str:
    near = min((f for f in FEATURES if f.in_range), key=lambda f: abs(f.vacuum - wavelength))
    return near.name if abs(near.vacuum - wavelength) <= near.half_width else f"{wavelength:.0f} Å"


def windows(name: str, wave: np.ndarray, sensitivity: pd.DataFrame | None) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Visible pixels (P,) of a window setting: full, lines, or top_K peaks of MVP-1.1's sensitivity."""
    if name == "full":
        return np.ones(len(wave), dtype=bool), []
    if name == "lines":
        return line_windows(wave)
    if sensitivity is None:
        raise InputError(f"windows = {name!r} needs the sensitivity curve of MVP-1.1")
    return peak_windows(wave, sensitivity_curve(sensitivity), int(name.removeprefix("top_")))


def sensitivity_curve(sensitivity: pd.DataFrame) -> np.ndarray:
    """The curve (P,) that peaks are taken from: marginalised over the other labels, exact where there is one."""
    curve = next(c for c in ("exact_marginalised", "local_linear_marginalised") if c in sensitivity)
    return np.asarray(sensitivity[curve].to_numpy())


def pixel_mask(name: str, error_median: np.ndarray, seed: int) -> np.ndarray:
    """Hidden pixels (P,) of a mask setting: none, error_N (top N % of `error_median`), or random_N of that size."""
    hidden = np.zeros(len(error_median), dtype=bool)
    if name == "none":
        return hidden
    kind, percent = name.split("_")
    count = round(len(error_median) * int(percent) / 100)
    order = np.argsort(-error_median, kind="stable") if kind == "error" else noise.permutation(seed, len(error_median))
    hidden[order[:count]] = True
    return hidden


def width_angstrom(visible: np.ndarray) -> float:
    """Total width of the visible pixels, Å."""
    return float(visible.sum() * PIXEL_SIZE)
