"""What the spectrum viewer shows: a few test spectra of different signal-to-noise, the lines, the sky, the windows."""

from typing import Any

import numpy as np
import pandas as pd

from logg1m.figures.interactive import packed
from logg1m.observe.lines import FEATURES
from logg1m.protocol.pools import TEST, noisy_rows
from logg1m.results.numbers import Cursor
from logg1m.spectra.masks import has_masked
from logg1m.spectra.store import Store

_QUANTILES = (0.95, 0.5, 0.1)  # of the test spectra's signal-to-noise: low-noise, typical, poor
_GIANT = 3.0  # dex; the middle of the range of log g


def choose(members: pd.DataFrame, logg: np.ndarray) -> list[int]:
    """Ids of a dwarf and a giant of the test pool at each of a few levels of signal-to-noise.

    members : columns snr, pool, indexed by spectrum id; logg (N,) dex
    """
    test = members[members["pool"] == TEST]
    chosen: list[int] = []
    for quantile in _QUANTILES:
        level = float(test["snr"].quantile(quantile))
        for dwarf in (True, False):
            kind = test[(logg[test.index] >= _GIANT) == dwarf]
            for spectrum in (kind["snr"] - level).abs().sort_values(kind="stable").index:
                if spectrum not in chosen:
                    chosen.append(int(spectrum))
                    break
    return chosen


def viewer(
    store: Store,
    members: pd.DataFrame,
    pixels: pd.DataFrame,
    sensitivity: pd.DataFrame,
    windows: Cursor | None,
    seed: int,
    noise_level: float,
) -> dict[str, Any]:
    """Everything that the viewer needs, arrays packed.

    Parameters
    ----------
    members : columns snr, pool, low_noise, indexed by spectrum id
    pixels : columns wave (Å, vacuum) and error_mean per pixel, from the survey of the store
    sensitivity : mean |∂F/∂log g| / σ per pixel, of which the marginalised best estimate is shown
    windows : variants of MVP-1.4's verdict
    """
    labels = store.labels()
    ids = choose(members, labels["logg"].to_numpy())
    flux, error = _rows(store, "flux", ids), _rows(store, "error", ids)
    good = np.ones(flux.shape, dtype=bool) if not has_masked(store) else _rows(store, "mask", ids) == 0
    noisy = noisy_rows(flux, error, np.array(ids), seed, noise_level, draw=0)
    spectra = []
    for k, spectrum in enumerate(ids):
        about = labels.loc[spectrum]
        spectra.append(
            {
                "id": spectrum,
                "snr": float(members.loc[spectrum, "snr"]),
                "snr_pixel": float(np.median((flux[k] / error[k])[good[k]])),
                "low_noise": bool(members.loc[spectrum, "low_noise"]),
                **{name: float(about[name]) for name in ("teff", "logg", "m_h", "mag") if name in about},
                "flux": packed(flux[k]),
                "noisy": packed(noisy[k].astype(np.float32)),
                "error": packed(error[k]),
            }
        )
    curve = _sensitivity(sensitivity)
    return {
        "wave": packed(store.wave.astype(np.float32)),
        "spectra": spectra,
        "sky": packed(pixels["error_mean"].to_numpy().astype(np.float32)),
        "sensitivity": None if curve is None else packed(curve.astype(np.float32)),
        "lines": [{"name": f.name, "vacuum": f.vacuum, "half_width": f.half_width} for f in FEATURES if f.in_range],
        "out_of_range": [f.name for f in FEATURES if not f.in_range],
        "windows": _windows(windows),
    }


def _rows(store: Store, array: str, ids: list[int]) -> np.ndarray:
    """(len(ids), P) float32, every chunk read once."""
    out = np.empty((len(ids), len(store.wave)), dtype=np.float32)
    for chunk in range(store.n_chunks):
        start, stop = store.rows(chunk)
        wanted = [k for k, spectrum in enumerate(ids) if start <= spectrum < stop]
        if wanted:
            block = store.read(chunk, array)
            for k in wanted:
                out[k] = block[ids[k] - start]
    return out


def _sensitivity(table: pd.DataFrame) -> np.ndarray | None:
    columns = [c for c in ("exact_marginalised", "local_linear_marginalised") if c in table]
    return table[columns[0]].to_numpy() if columns else None


def _windows(variants: Cursor | None) -> list[dict[str, Any]]:
    sets = []
    for _, variant in variants.items() if variants else ():
        used = [w for w in variant.raw.get("windows", []) if w["status"] == "used"]
        if used:
            spans = [[w["vacuum"] - w["half_width"], w["vacuum"] + w["half_width"]] for w in used]
            sets.append({"label": variant.raw["label"], "spans": spans})
    return sets
