"""What of the scaling is averaging over noise: one-draw models beside the same ones that saw more of the noise.

A published training spectrum has one frozen draw of noise, so more spectra teach two things at once: more stars, and
the average over the noise. A model with the noise marginalised, or with several draws of every star, has most of the
second already; what its curve gains less than the one-draw curve is averaging over noise.
"""

from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import scale_name

ONE_DRAW = "one draw"
MARGINALISED = "ridge_marginalised"
LIGHTGBM_DRAWS = "lightgbm_draws"
PROJECTION = "projection"


def noise_of(model: str, draws: int) -> str:
    """What a model has seen of the noise of its training spectra, in words."""
    return {
        MARGINALISED: "marginalised",
        LIGHTGBM_DRAWS: f"{draws} draws",
        PROJECTION: "fresh noise in every epoch",
    }.get(model, ONE_DRAW)


def averaging(
    predictions: pd.DataFrame, members: pd.DataFrame, draws: int, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Every one-draw model that has a counterpart, on the common test, by the name of the counterpart.

    Parameters
    ----------
    predictions, members : see `scaling.table`

    Returns
    -------
    beside : the one-draw model
    scales : scale → gain of R² over it at that scale, full and low_noise, paired
    share : per test, 1 − (gain of the averaged curve) / (gain of the one-draw curve) between the smallest and the
        largest scale that both have; None where there is one scale, or where the one-draw curve does not surely rise
    """
    pairs = {MARGINALISED: "ridge_full", LIGHTGBM_DRAWS: "lightgbm"}
    found = {}
    for name, beside in pairs.items():
        rows = {model: predictions[predictions["model"] == model] for model in (name, beside)}
        sizes = sorted(set(rows[name]["scale"]) & set(rows[beside]["scale"]))
        if sizes:
            about = {"beside": beside, "noise": noise_of(name, draws)}
            found[name] = about | _compared(rows[name], rows[beside], members, [int(s) for s in sizes], bootstrap, seed)
    return found


def _compared(
    averaged: pd.DataFrame,
    one_draw: pd.DataFrame,
    members: pd.DataFrame,
    sizes: list[int],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    scales: dict[str, dict[str, Any]] = {scale_name(size): {} for size in sizes}
    share: dict[str, Any] = {}
    parts = [rows[rows["scale"] == size].sort_values("id") for rows in (averaged, one_draw) for size in sizes]
    low_noise = members.loc[parts[0]["id"], "low_noise"].to_numpy(dtype=bool)
    for subset, chosen in (("full", np.ones_like(low_noise)), ("low_noise", low_noise)):
        if not chosen.any():
            continue
        truth = parts[0]["truth"].to_numpy(dtype=np.float64)[chosen]
        errors = np.stack([part["predicted"].to_numpy(dtype=np.float64)[chosen] - truth for part in parts])
        value, drawn = metrics.r2_replicates(truth, errors, bootstrap, seed)
        r2 = np.concatenate([value[None], drawn]).reshape(-1, 2, len(sizes))  # (1 + B, averaged or one draw, scales)
        for k, entry in enumerate(scales.values()):
            entry[subset] = _measured(r2[:, 0, k] - r2[:, 1, k], bootstrap)
        gains = r2[:, :, -1] - r2[:, :, 0]
        rises = len(sizes) > 1 and metrics.interval(gains[1:, 1], bootstrap.level)[0] > 0
        share[subset] = _measured(1 - gains[:, 0] / gains[:, 1], bootstrap) if rises else None
    return {"from": scale_name(sizes[0]), "to": scale_name(sizes[-1]), "scales": scales, "share": share}


def _measured(values: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    """{value, ci95} of a value and its replicates behind it (1 + B,)."""
    return {
        "value": float(values[0]),
        metrics.level_key(bootstrap.level): metrics.interval(values[1:], bootstrap.level),
    }
