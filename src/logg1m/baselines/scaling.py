"""The scaling table of MVP-0.B: every model at every scale, on its own and on the common test, and saturation."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit

from logg1m import metrics
from logg1m.baselines.averaging import LIGHTGBM_DRAWS, ONE_DRAW, PROJECTION, averaging, noise_of
from logg1m.baselines.reports import about_lightgbm, about_projection
from logg1m.config.baselines import Baselines
from logg1m.config.bounds import Bootstrap
from logg1m.config.protocol import Protocol, scale_name
from logg1m.files import InputError
from logg1m.jobs.progress import Progress

_REFITS = 200  # resamples of the test set to which the curve is fitted again
Facts = Mapping[tuple[str, int], dict[str, Any]]  # (model, scale) → what its report says of how it was fitted


def table(
    predictions: pd.DataFrame,
    members: pd.DataFrame,
    protocol: Protocol,
    baselines: Baselines,
    bootstrap: Bootstrap,
    seed: int,
    facts: Facts | None = None,
) -> dict[str, Any]:
    """scaling.json.

    Parameters
    ----------
    predictions : columns model, scale (spectra), id, truth, predicted; on the common test
    members : columns snr, low_noise, rank, indexed by spectrum id
    facts : what goes into a model's entry at a scale as `fit`: penalty, setting, whether an optimum lies on an edge
    """
    names = [str(name) for name in predictions["model"].unique()]
    sizes = sorted(int(size) for size in predictions["scale"].unique())
    scales: dict[str, dict[str, Any]] = {name: {} for name in names}
    progress = Progress("scaling", len(predictions[["model", "scale"]].drop_duplicates()), "models and scales")
    for size in sizes:
        wide = _side_by_side(predictions[predictions["scale"] == size])
        truth, about = wide.pop("truth").to_numpy(), members.loc[wide.index]
        predicted = wide.to_numpy().T
        n_train = round(protocol.train_fraction * size)
        own = about["rank"].to_numpy() < size - n_train
        common = metrics.evaluate_all(truth, predicted, about, bootstrap, seed)
        alone = common
        if not own.all():
            alone = metrics.evaluate_all(truth[own], predicted[:, own], about[own], bootstrap, seed)
        for name, own_test, common_test in zip(wide.columns, alone, common):
            entry: dict[str, Any] = {"n_train": n_train, "own_test": own_test, "common_test": common_test}
            known = (facts or {}).get((str(name), size))
            scales[str(name)][scale_name(size)] = entry | ({"fit": known} if known else {})
        progress.add(len(wide.columns))
    progress.finish()
    models = {
        name: {"noise": noise_of(name, baselines.lightgbm_draws), "scales": scales[name]}
        | _stops_below(predictions.loc[predictions["model"] == name, "scale"], protocol)
        | {
            "saturation": saturation(
                predictions[predictions["model"] == name], members, protocol, baselines, bootstrap, seed
            )
        }
        for name in names
    }
    leading = _leading({name: entry for name, entry in models.items() if entry["noise"] == ONE_DRAW})
    verdicts = [models[name]["saturation"]["verdict"] for name in leading]
    outcome = "still gaining" if "still gaining" in verdicts else "ceiling" if set(verdicts) == {"ceiling"} else "open"
    return {
        "verdict": {
            "outcome": outcome,
            "leading": leading,
            "by_model": {name: entry["saturation"]["verdict"] for name, entry in models.items()},
            "missing": {name: models[name]["saturation"]["missing"] for name in leading},
        },
        "question": "Do classical models hit a ceiling?",
        "noise_level": protocol.noise_level,
        "common_test": {"n": int(predictions["id"].nunique()), "scale": scale_name(protocol.scales[-1])},
        "models": models,
        "averaging": averaging(predictions, members, baselines.lightgbm_draws, bootstrap, seed),
    }


def _leading(models: Mapping[str, dict[str, Any]]) -> list[str]:
    """The best one-draw model of each kind, ridge and LightGBM, by R² at its largest scale.

    They alone decide whether there is a ceiling: next to a very small R² every gain is a large one.
    """
    kinds: dict[str, list[str]] = {}
    for name in models:
        kinds.setdefault(name.split("_")[0], []).append(name)
    return [max(names, key=lambda name: models[name]["saturation"]["r2_by_n_train"][-1][1]) for names in kinds.values()]


def facts_of(
    ridges: Iterable[dict[str, Any]],
    lightgbm: Mapping[int, dict[str, Any]],
    draws: Mapping[int, dict[str, Any]],
    projections: Mapping[int, dict[str, Any]] | None = None,
) -> Facts:
    """What the reports of the fits say that a reader of the table must know.

    Parameters
    ----------
    ridges : ridge.json and ridge_marginalised.json
    lightgbm, draws : scale (spectra) → lightgbm_<scale>.json and lightgbm_draws_<scale>.json
    projections : scale → projection_<scale>.json
    """
    facts: dict[tuple[str, int], dict[str, Any]] = {}
    for scale in (scale for ridge in ridges for scale in ridge["scales"].values()):
        for name, chosen in scale["chosen"].items():
            facts[name, int(scale["n"])] = {key: chosen[key] for key in ("alpha", "alpha_at_edge_of_grid")}
    for name, reports in (("lightgbm", lightgbm), (LIGHTGBM_DRAWS, draws)):
        facts |= {(name, size): about_lightgbm(report) for size, report in reports.items()}
    facts |= {(PROJECTION, size): about_projection(report) for size, report in (projections or {}).items()}
    return facts


def _side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per spectrum in the order of the ids: its truth, and the prediction of every model of one scale.

    Raises
    ------
    InputError
        If the models were tested on different spectra.
    """
    parts = {str(name): part.set_index("id").sort_index() for name, part in rows.groupby("model", sort=False)}
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if not part.index.equals(first.index):
            raise InputError(
                f"at {scale_name(int(rows['scale'].iloc[0]))} {name} was tested on other spectra than "
                f"{next(iter(parts))}: delete the predictions in results/mvp_0_b and run again"
            )
    return pd.DataFrame({"truth": first["truth"]} | {name: part["predicted"] for name, part in parts.items()})


def _stops_below(sizes: pd.Series, protocol: Protocol) -> dict[str, Any]:
    """What to say of a model that was not trained at the largest scale (`baselines.lightgbm_largest`)."""
    largest, whole = int(sizes.max()), protocol.scales[-1]
    if largest >= whole:
        return {}
    return {"stops_at": scale_name(largest), "reason": f"not trained at {scale_name(whole)}: the machine's time"}


def saturation(
    rows: pd.DataFrame, members: pd.DataFrame, protocol: Protocol, baselines: Baselines, bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Relative gain of R² (common test) between the two scales of the test, and where the curve levels off.

    Where one of the two is not trained the gain is that over the scales there are, which decides nothing: the verdict
    is open and `missing` names what lacks. All intervals are of one paired bootstrap over the test spectra.
    """
    sizes = sorted(int(s) for s in rows["scale"].unique())
    asked = (baselines.saturation_from, baselines.saturation_to)
    missing = [scale_name(size) for size in asked if size not in sizes]
    first = asked[0] if asked[0] in sizes[:-1] else sizes[0]
    last = sizes[-1] if missing else asked[1]
    errors, truth = [], np.empty(0)
    for size in sizes:
        part = rows[rows["scale"] == size].sort_values("id")
        truth = part["truth"].to_numpy(dtype=np.float64)
        errors.append(part["predicted"].to_numpy(dtype=np.float64) - truth)
    value, drawn = metrics.r2_replicates(truth, np.stack(errors), bootstrap, seed)
    n_train = [round(protocol.train_fraction * s) for s in sizes]
    points = list(zip(n_train, value.tolist()))
    limit = baselines.saturation_gain
    result: dict[str, Any] = {
        "r2_by_n_train": points,
        "power_law": _with_interval(points, drawn, bootstrap.level),
        "criterion": f"ceiling if R² gains less than {limit:.0%} from {' to '.join(map(scale_name, asked))}",
        "missing": missing,
        "verdict": "open",
    }
    if missing:
        result["reason"] = f"not trained at {' and '.join(missing)}"
    if first == last:
        return result
    a, b = sizes.index(first), sizes.index(last)
    gains = (drawn[:, b] - drawn[:, a]) / np.abs(drawn[:, a])
    low, high = metrics.interval(gains, bootstrap.level)
    if not missing:
        result["verdict"] = "ceiling" if high < limit else "still gaining" if low > limit else "open"
    return result | {
        "from": scale_name(first),
        "to": scale_name(last),
        "relative_gain": {
            "value": float((value[b] - value[a]) / abs(value[a])),
            metrics.level_key(bootstrap.level): [low, high],
        },
    }


def _with_interval(points: list[tuple[int, float]], drawn: np.ndarray, level: float) -> dict[str, Any]:
    """`_power_law` with the bootstrap interval of its limit: refitted to R² replicates `drawn` (B, scales)."""
    law = _power_law(points)
    if not law["fitted"]:
        return law
    n = [size for size, _ in points]
    fits = [_power_law(list(zip(n, row.tolist()))) for row in drawn[:_REFITS]]
    limits = np.array([fit["limit"]["value"] for fit in fits if fit["fitted"]])
    if len(limits):
        law["limit"][metrics.level_key(level)] = metrics.interval(limits, level)
    return law | {"n_refits": len(limits)}


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
