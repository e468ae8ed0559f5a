"""The scaling table of MVP-0.B: every model at every scale, on its own and on the common test, and saturation."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit

from logg1m import metrics
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import Protocol, scale_name


def table(
    predictions: pd.DataFrame,
    members: pd.DataFrame,
    protocol: Protocol,
    baselines: Baselines,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """scaling.json.

    Parameters
    ----------
    predictions : columns model, scale (spectra), id, truth, predicted; on the common test
    members : columns snr, low_noise, rank, indexed by spectrum id
    """
    models: dict[str, Any] = {}
    for (name, size), rows in predictions.groupby(["model", "scale"], sort=False):
        n_train = round(protocol.train_fraction * int(size))
        own = rows[members.loc[rows["id"], "rank"].to_numpy() < int(size) - n_train]
        common = metrics.evaluate(rows, members, bootstrap, seed)
        models.setdefault(str(name), {"scales": {}})["scales"][scale_name(int(size))] = {
            "n_train": n_train,
            "own_test": common if len(own) == len(rows) else metrics.evaluate(own, members, bootstrap, seed),
            "common_test": common,
        }
    for name, entry in models.items():
        entry["saturation"] = saturation(
            predictions[predictions["model"] == name], members, protocol, baselines, bootstrap, seed
        )
    verdicts = [entry["saturation"]["verdict"] for entry in models.values()]
    outcome = "still gaining" if "still gaining" in verdicts else "ceiling" if set(verdicts) == {"ceiling"} else "open"
    return {
        "verdict": {"outcome": outcome, "by_model": {n: e["saturation"]["verdict"] for n, e in models.items()}},
        "question": "Do classical models hit a ceiling?",
        "noise_level": protocol.noise_level,
        "common_test": {"n": int(predictions["id"].nunique()), "scale": scale_name(protocol.scales[-1])},
        "models": models,
    }


def saturation(
    rows: pd.DataFrame, members: pd.DataFrame, protocol: Protocol, baselines: Baselines, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Relative gain of R² (common test) from the reference to the largest scale, and where the curve levels off."""
    sizes = sorted(int(s) for s in rows["scale"].unique())
    last = sizes[-1]
    first = baselines.saturation_from if baselines.saturation_from in sizes[:-1] else sizes[0]
    errors, truth = {}, np.empty(0)
    for size in sizes:
        part = rows[rows["scale"] == size].sort_values("id")
        truth = part["truth"].to_numpy(dtype=np.float64)
        errors[size] = part["predicted"].to_numpy(dtype=np.float64) - truth
    r2 = {size: metrics.r2(truth, error) for size, error in errors.items()}
    one = np.ones((1, len(truth)), dtype=np.float32)
    points = [(round(protocol.train_fraction * s), float(r2[s](one)[0])) for s in sizes]
    result: dict[str, Any] = {"r2_by_n_train": points, "power_law": _power_law(points)}
    if first == last:
        return result | {"verdict": "open", "reason": "one scale only"}
    gain = metrics.with_interval(
        lambda counts: (r2[last](counts) - r2[first](counts)) / np.abs(r2[first](counts)), len(truth), bootstrap, seed
    )
    low, high = next(v for k, v in gain.items() if k.startswith("ci"))
    limit = baselines.saturation_gain
    verdict = "ceiling" if high < limit else "still gaining" if low > limit else "open"
    return result | {
        "from": scale_name(first),
        "to": scale_name(last),
        "relative_gain": gain,
        "criterion": f"ceiling if R² gains less than {limit:.0%}",
        "verdict": verdict,
    }


def _power_law(points: list[tuple[int, float]]) -> dict[str, Any]:
    """R²(n) = limit − a·(n/n₀)^(−b) through at least four scales, with standard errors; else the reason why not."""
    if len(points) < 4:
        return {
            "fitted": False,
            "reason": f"a curve with three parameters needs at least four scales, got {len(points)}",
        }
    n, r2 = np.array(points, dtype=np.float64).T

    def curve(x: np.ndarray, limit: float, a: float, b: float) -> np.ndarray:
        return np.asarray(limit - a * (x / n[0]) ** -b)

    bounds = np.array([(-1, 0, 0.01), (1, 2, 5)])
    start = np.clip((r2[-1], r2[-1] - r2[0], 0.5), *bounds)  # a curve that falls would start outside
    try:
        best, covariance = curve_fit(curve, n, r2, p0=start, bounds=bounds, maxfev=20_000)
    except RuntimeError as error:
        return {"fitted": False, "reason": str(error)}
    spread = np.sqrt(np.diag(covariance))
    return {
        "fitted": True,
        "limit": {"value": float(best[0]), "standard_error": float(spread[0])},
        "amplitude": float(best[1]),
        "exponent": {"value": float(best[2]), "standard_error": float(spread[2])},
    }
