"""How good a denoiser is: signal-to-noise gained in and out of sky lines, and the two ways in which it can fail.

A denoiser that copies its input keeps the noise; one that returns the mean spectrum keeps no signal. Both are measured,
and so is what becomes of the strength of lines. Whoever measures knows the noise-free spectra; no denoiser does.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.observe.lines import FEATURES, Feature
from logg1m.observe.pfs import PIXEL_SIZE

_KEPT_TOO_LITTLE = 0.5  # of the variation of a line's strength among stars: over-smoothed
_KEPT_TOO_MUCH = 0.5  # of the noise: no better than a copy
_EXAMPLE_QUANTILES = (0.95, 0.5, 0.05)  # of the signal-to-noise ratio of the test


@dataclass(frozen=True)
class Trial:
    """Test spectra: noise-free flux, error (infinite at masked pixels) and noisy flux (N, P), the mean spectrum (P,), low-noise flags and ids (N,),
    vacuum wavelengths in Å (P,), and the regions, name → (P,)."""

    flux: np.ndarray
    error: np.ndarray
    noisy: np.ndarray
    mean: np.ndarray
    low_noise: np.ndarray
    ids: np.ndarray
    wave: np.ndarray
    regions: dict[str, np.ndarray]


def measure(denoised: np.ndarray, trial: Trial, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """regions: rows per subset and region; lines: rows per line; failures: which of the two ways are met.

    snr_gain : error before over error after, both root mean squares in units of each pixel's 1σ, {value, ci95}
    snr_gain_of_mean : the same for the mean spectrum of the training in place of the denoised one
    noise_kept : share of the noise that is left, by projection (1 = a copy of the input)
    signal_kept : share of the difference from the mean spectrum that is left (1 = all, 0 = the mean spectrum)
    """
    rows: list[dict[str, Any]] = []
    for subset, chosen in (("low_noise", trial.low_noise), ("full", np.ones(len(trial.ids), dtype=bool))):
        if chosen.any():
            for name, mask in trial.regions.items():
                row: dict[str, Any] = {"subset": subset, "region": name, "n": int(chosen.sum())}
                rows.append(row | _gains(denoised, trial, chosen, mask, bootstrap, seed))
    chosen = trial.low_noise if trial.low_noise.any() else np.ones(len(trial.ids), dtype=bool)
    lines = [_line(denoised, trial, chosen, feature) for feature in FEATURES if _is_line(feature)]
    kept = [row["strength_kept"] for row in lines]
    return {
        "regions": rows,
        "lines": lines,
        "failures": {
            "copies_its_input": any(row["noise_kept"] > _KEPT_TOO_MUCH for row in rows),
            "smooths_lines_away": any(value < _KEPT_TOO_LITTLE for value in kept),
            "least_strength_kept": min(kept),
            "most_noise_kept": max(row["noise_kept"] for row in rows),
        },
    }


def _gains(
    denoised: np.ndarray, trial: Trial, chosen: np.ndarray, mask: np.ndarray, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    part = np.ix_(chosen, mask)
    sigma, truth = trial.error[part].astype(np.float64), trial.flux[part].astype(np.float64)
    before, after = (trial.noisy[part] - truth) / sigma, (denoised[part] - truth) / sigma
    signal = (truth - trial.mean[mask]) / sigma
    sigma = np.where(np.isinf(sigma), 0.0, sigma)  # a masked pixel has no error that counts
    noise, left, variation = ((x**2).sum(axis=1) for x in (before, after, signal))  # (n,) each

    def ratio(above: np.ndarray, below: np.ndarray) -> dict[str, Any]:
        return metrics.with_interval(
            lambda counts: np.sqrt((counts @ above) / (counts @ below)), len(above), bootstrap, seed
        )

    return {
        "snr_gain": ratio(noise, left),
        "snr_gain_of_mean": ratio(noise, variation)["value"],
        "noise_kept": float((before * after).sum() / noise.sum()),
        "signal_kept": float((signal * (signal + after)).sum() / variation.sum()),
        "rms_error_before": float(np.sqrt(np.mean((before * sigma) ** 2))),
        "rms_error_after": float(np.sqrt(np.mean((after * sigma) ** 2))),
    }


def _is_line(feature: Feature) -> bool:
    return feature.in_range and not feature.name.startswith("TiO")


def _line(denoised: np.ndarray, trial: Trial, chosen: np.ndarray, feature: Feature) -> dict[str, Any]:
    """Equivalent widths (Å) of one line before and after, against those of the noise-free spectra.

    strength_kept : slope of the denoised width on the true one among stars (1 = all of the variation, 0 = every star
    has the mean line)
    """
    true, noisy, made = (
        equivalent_width(values[chosen], trial.wave, feature) for values in (trial.flux, trial.noisy, denoised)
    )
    centred = true - true.mean()
    return {
        "line": feature.name,
        "n": int(chosen.sum()),
        "mean_width": float(true.mean()),
        "bias": float((made - true).mean()),
        "scatter_noisy": float((noisy - true).std()),
        "scatter_denoised": float((made - true).std()),
        "strength_kept": float((centred * made).sum() / np.maximum((centred**2).sum(), 1e-12)),
    }


def equivalent_width(flux: np.ndarray, wave: np.ndarray, feature: Feature) -> np.ndarray:
    """Å (N,): ∫(1 − F/F_c) dλ over the inner half of a feature's window, F_c the mean flux of its outer half.

    Wings and blends reach into the outer half, so this is a measure of strength and no absolute width.
    """
    distance = np.abs(wave - feature.vacuum)
    inner = distance <= feature.half_width / 2
    outer = ~inner & (distance <= feature.half_width)
    level = flux[:, outer].mean(axis=1, dtype=np.float64)
    return np.asarray((1 - flux[:, inner].astype(np.float64) / level[:, None]).sum(axis=1) * PIXEL_SIZE)


def profile(denoised: np.ndarray, trial: Trial) -> pd.DataFrame:
    """Per pixel over the low-noise test (over all where there is none): root mean square error before and after, and of
    the mean spectrum."""
    chosen = trial.low_noise if trial.low_noise.any() else np.ones(len(trial.ids), dtype=bool)

    def rms(difference: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(np.mean(difference[chosen].astype(np.float64) ** 2, axis=0)))

    return pd.DataFrame(
        {
            "wave": trial.wave,
            "before": rms(trial.noisy - trial.flux),
            "after": rms(denoised - trial.flux),
            "of_mean": rms(trial.mean - trial.flux),
        }
    )


def examples(denoised: np.ndarray, trial: Trial, snr: np.ndarray) -> pd.DataFrame:
    """A bright, a median and a faint test spectrum: columns id, snr, wave, noisy, denoised, noise_free."""
    order = np.argsort(snr, kind="stable")
    tables = []
    for quantile in _EXAMPLE_QUANTILES:
        row = int(order[round(quantile * (len(order) - 1))])
        columns = {"noisy": trial.noisy[row], "denoised": denoised[row], "noise_free": trial.flux[row]}
        table = pd.DataFrame({"wave": trial.wave, **columns})
        tables.append(table.assign(id=int(trial.ids[row]), snr=float(snr[row])))
    return pd.concat(tables, ignore_index=True)
