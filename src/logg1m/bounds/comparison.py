"""fisher.json: bounds, their agreement, the ceiling, and how far each model's errors are from the bound."""

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds import fisher
from logg1m.bounds.choice import choose
from logg1m.bounds.efficiency import root_ratio
from logg1m.bounds.nodes import shared
from logg1m.bounds.statistics import STATISTIC_FIELD, statistic_of
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.protocol import scale_name
from logg1m.files import InputError
from logg1m.metrics import Statistic
from logg1m.observe import LABELS

GAUSSIAN_MEDIAN = 0.6745  # median |x| of a unit Gaussian: a median ratio of 1 is an efficient estimator


def compare(
    stars: pd.DataFrame,
    members: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    logg_variance: float,
    config: Bounds,
    bootstrap: Bootstrap,
    seed: int,
    selection: dict[str, pd.DataFrame],
) -> dict[str, Any]:
    """Lay model errors beside the bounds of the same spectra.

    Parameters
    ----------
    stars : bounds per star (see `compute_bounds`), with column id
    members : columns snr, low_noise, pool, indexed by spectrum id
    predictions : model → columns id, truth, predicted (dex) on test spectra
    logg_variance : variance of log g under the prior, dex²
    selection : model → the same on validation stars, where the best one is chosen
    """
    everyone, stars = stars, stars[members.loc[stars["id"], "low_noise"].to_numpy(dtype=bool)]
    present = [name for name in fisher.ESTIMATORS if f"{name}_sigma_5d" in stars]
    reference = present[0]  # the exact one where the source has derivatives, else the local regression
    sigma, prior = (stars.set_index("id")[f"{reference}_sigma_{dims}"] for dims in ("5d", "prior"))
    result: dict[str, Any] = {
        "n_spectra": len(stars),
        "n_test": int((members.loc[stars["id"], "pool"] == "test").sum()),
        "subset": "low-noise spectra: bounds use every one, model errors those in the test pool",
        "label_sets": fisher.label_sets(fisher.constant({name: stars[name] for name in LABELS if name in stars})),
        "reference_estimator": reference,
        "min_share": config.min_share,
        "estimators": {name: _estimator(stars, name) for name in present},
        "agreement_with_exact": {},
        "ceilings": ceilings(stars, everyone, members, reference, logg_variance, config.fewest_in_bin)
        | prior_aware(stars[f"{reference}_sigma_prior"].to_numpy(), logg_variance, bootstrap, seed),
        "models": {},
        "convergence": fisher.convergence(
            {name: stars[f"{name}_sigma_5d"].to_numpy() for name in present}, config.convergence
        ),
    }
    if "exact" in present:
        exact = stars["exact_sigma_5d"].to_numpy()
        for name in present:
            if name != "exact":
                result["agreement_with_exact"][name] = fisher.agreement(stars[f"{name}_sigma_5d"].to_numpy(), exact)
        result["trace_term_share"] = {
            "median": float(stars["exact_trace_share"].median()),
            "meaning": "share that a label-dependent error would add to the 1-D information on log g; left out",
        }
    else:
        result["exact_missing"] = "the source cannot compute derivatives; the local regression takes their place"
    why = result["estimators"][reference].get("why", "")
    for name, table in predictions.items():
        result["models"][name] = model_ratio(table, sigma, prior, bootstrap, seed, config.min_share, why)
    judge(result, selection, members["low_noise"], config, bootstrap, seed)
    return result


def judge(
    result: dict[str, Any],
    selection: dict[str, pd.DataFrame],
    low_noise: pd.Series,
    config: Bounds,
    bootstrap: Bootstrap,
    seed: int,
) -> None:
    """Choose the best honest model on validation stars, and put `choice` and `verdict` into fisher.json.

    Parameters
    ----------
    selection : model → columns id, truth, predicted (dex) on validation stars
    low_noise : whether a spectrum is a low-noise one, by id
    """
    leaks = [leak["model"] for leak in result.get("leaks", ())]
    of_seeds = {name: [table] for name, table in selection.items()}
    result["choice"] = choose(of_seeds, low_noise, bootstrap, seed, left_out=leaks)
    result["verdict"] = verdict(result["models"], config, result["choice"]["model"], leaks)


def largest_of_each(table: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Predictions of every model at the largest scale it was trained at, and that scale (spectra).

    Parameters
    ----------
    table : columns model, scale, id, truth, predicted
    """
    scales = {str(name): int(sizes.max()) for name, sizes in table.groupby("model", sort=False)["scale"]}
    predictions = {name: table[(table["model"] == name) & (table["scale"] == size)] for name, size in scales.items()}
    return predictions, scales


def note_training(
    fisher: dict[str, Any], scales: dict[str, int], largest: int, train_fraction: float, reports: dict[str, Any]
) -> None:
    """Write into fisher.json on how many spectra each model was trained, and what its report says of it (`reports`)."""
    for name, size in scales.items():
        entry = fisher["models"][name]
        entry |= {"scale": scale_name(size), "n_train": round(train_fraction * size)}
        if size < largest:
            entry["below_largest_scale"] = f"trained at {scale_name(size)}, not at {scale_name(largest)}"
        if name in reports:
            entry |= reports[name]


def _of(stars: pd.DataFrame, name: str) -> pd.DataFrame:
    prefix = f"{name}_"
    columns = [c for c in stars if str(c).startswith(prefix)]
    return stars[columns].rename(columns=lambda c: str(c).removeprefix(prefix))


def _estimator(stars: pd.DataFrame, name: str) -> dict[str, Any]:
    """Bounds of one estimator summed up, and how many stars have none: no derivative, or a degenerate matrix."""
    table = _of(stars, name)
    sigma_logg = fisher.summarise(table)
    missing = int(table["sigma_prior"].isna().sum())
    counts = {key: sigma_logg["5d"][key] for key in ("n", "n_failed", "share_failed")}
    why = {"why": f"{missing:,} of {len(table):,} stars have no derivative: {_why_none(stars)}"} if missing else {}
    return {"sigma_logg": sigma_logg, **counts, "n_no_derivative": missing, **why}


def _why_none(stars: pd.DataFrame) -> str:
    """Why a derivative from the spectra themselves may not exist, as far as the labels tell."""
    on_nodes = [name for name in LABELS if name in stars and len(shared(stars[name].to_numpy())) > 1]
    if on_nodes:
        return (
            f"the spectra near them do not span the labels, since many share their values of {', '.join(on_nodes)} "
            "(nodes of a grid); more spectra on the same nodes do not help, spectra between the nodes do"
        )
    return "the spectra near them do not span the labels (two that vary together, or one that is constant there)"


def ceilings(
    low_noise: pd.DataFrame,
    everyone: pd.DataFrame,
    members: pd.DataFrame,
    estimator: str,
    variance: float,
    fewest: int = 10,
) -> dict[str, Any]:
    """R² by the CRLB: overall for the low-noise stars, per SNR bin of at least `fewest` stars.

    A star whose information is degenerate counts as R²max = 0; one without a derivative, of which nothing is known, is
    left out and counted (`n_no_derivative`).
    """
    overall = _ceiling(low_noise, estimator, variance)
    snr = members.loc[everyone["id"], "snr"].to_numpy()
    bins = []
    for low, high in pairwise(metrics.SNR_EDGES):
        inside = (snr >= low) & (snr < high)
        if inside.sum() >= fewest:
            bins.append(
                {
                    "snr_low": float(low),
                    "snr_high": None if np.isinf(high) else float(high),
                    "snr_median": float(np.median(snr[inside])),
                    "n": int(inside.sum()),
                    **_ceiling(everyone[inside], estimator, variance),
                }
            )
    return {**overall, "logg_variance": variance, "snr_bins": bins}


def _ceiling(stars: pd.DataFrame, estimator: str, variance: float) -> dict[str, Any]:
    missing = stars[f"{estimator}_sigma_prior"].isna().to_numpy()
    found = fisher.crlb_ceilings(stars[f"{estimator}_sigma_5d"].to_numpy()[~missing], variance)
    return {**found, "n_no_derivative": int(missing.sum())}


def prior_aware(sigma: np.ndarray, variance: float, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """R² and RMSE (dex) that the prior-aware bound σ (N,) implies on the low-noise stars: an approximation of the
    Bayes-optimal ceiling from derivatives alone, and a check on it where both exist."""
    known = sigma[np.isfinite(sigma)]
    if not len(known):
        return {}
    about = {
        "approximation": True,
        "meaning": "Gaussian prior of the same variance, likelihood linearised at the true labels",
        "n": len(known),
        "n_no_derivative": len(sigma) - len(known),
    }
    rmse = metrics.rms(known)
    statistics = {"prior_aware_r2": lambda counts: 1 - rmse(counts) ** 2 / variance, "prior_aware_rmse": rmse}
    return {
        name: metrics.with_interval(statistic, len(known), bootstrap, seed) | about
        for name, statistic in statistics.items()
    }


def model_ratio(
    table: pd.DataFrame,
    sigma: pd.Series,
    prior: pd.Series,
    bootstrap: Bootstrap,
    seed: int,
    min_share: float = 0.0,
    why: str = "",
) -> dict[str, Any]:
    """Metrics and error-to-bound ratios of one model with their intervals; see `ratios`."""
    counts, n, found = ratios(table, sigma, prior, min_share, why)
    return counts | {name: metrics.with_interval(f, n, bootstrap, seed) for name, f in found.items()}


def ratios(
    table: pd.DataFrame, sigma: pd.Series, prior: pd.Series, min_share: float = 0.0, why: str = ""
) -> tuple[dict[str, Any], int, dict[str, Statistic]]:
    """Metrics and error-to-bound ratios of one model on the test spectra that have a bound, as statistics of counts.

    Where fewer than `min_share` of them have one the ratios would be those of a selection: there are none, `refused`
    says so, and the metrics are those of all.

    Parameters
    ----------
    sigma, prior : spectrum id → bound and prior-aware bound (dex) of the low-noise spectra, NaN where there is none
    why : what is known of the cause where there is none

    Returns
    -------
    n, how many have a bound, of n_test, with n_failed and share_failed; the stars behind the statistics; and mae, rmse,
    r2, ratio_median, ratio_rms, rmse_over_prior_aware
    """
    joined = table[table["id"].isin(sigma.index)]
    if not len(joined):
        raise InputError(
            f"none of the {len(table)} test spectra of a model is among the {len(sigma)} low-noise spectra whose "
            "bounds were computed: enlarge data.n_spectra, protocol.scales or bounds.max_spectra"
        )
    bound = sigma.loc[joined["id"]].to_numpy()
    good = np.isfinite(bound)
    n, n_test = int(good.sum()), len(joined)
    counts: dict[str, Any] = {"n": n, "n_test": n_test, "n_failed": n_test - n, "share_failed": 1 - n / n_test}
    refused = n == 0 or n < min_share * n_test
    if refused:
        about = f"only {n:,} of {n_test:,} low-noise test stars have a bound, bounds.min_share asks for {min_share:.0%}"
        counts["refused"] = f"{about}: {why}" if why else about
    used = np.ones_like(good) if refused else good
    truth = joined["truth"].to_numpy(dtype=np.float64)[used]
    error = joined["predicted"].to_numpy(dtype=np.float64)[used] - truth
    statistics = {"mae": metrics.mean(np.abs(error)), "rmse": metrics.rms(error), "r2": metrics.r2(truth, error)}
    if not refused:
        ratio, with_prior = error / bound[good], prior.loc[joined["id"]].to_numpy()[good]
        statistics |= {
            "ratio_median": _scaled(metrics.median(np.abs(ratio))),
            "ratio_rms": metrics.rms(ratio),
            "rmse_over_prior_aware": root_ratio(error**2, with_prior**2),
        }
    return counts, len(error), statistics


def _scaled(statistic: Any) -> Any:
    return lambda counts: statistic(counts) / GAUSSIAN_MEDIAN


def verdict(models: dict[str, Any], config: Bounds, best: str | None, leaking: Collection[str] = ()) -> dict[str, Any]:
    """MVP-1.1's verdict on the best honest model: whole interval above one threshold, below the other, or in between.

    Models in `leaking`, which are better than any estimator can be, have no say. If all of them are, or too few stars
    have a bound, nothing is concluded, and `reason` says why.

    Parameters
    ----------
    best : chosen on validation stars (`bounds.choice`); None where nothing could be chosen
    """
    model: dict[str, Any] = models[best] if best else {}
    statistic, measured = statistic_of(model, config.statistic)
    above, below = config.headroom_above, config.near_bound_below
    outcome = "inconclusive"
    if measured is not None:
        low, high = metrics.interval_of(measured)
        outcome = "headroom" if low > above else "near_bound" if high < below else "inconclusive"
    why = model.get("refused") if measured is None else None
    if best is None:
        every = models and all(name in leaking for name in models)
        why = "every model is flagged as a leak" if every else "no validation star that no model trained on"
    return {
        "criterion": f"{statistic} > {above:g}: headroom, keep optimising; < {below:g}: near the bound",
        "statistic": statistic,
        "thresholds": {"headroom_above": above, "near_bound_below": below},
        "model": best,
        "ratio": measured,
        "all_statistics": {name: model.get(key) for name, key in STATISTIC_FIELD.items()},
        "outcome": outcome,
        "n": model.get("n"),
        "n_test": model.get("n_test"),
        "excluded_as_leaks": [name for name in models if name in leaking],
        **({"reason": why} if why else {}),
    }
