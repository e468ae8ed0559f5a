"""What an unknown flux calibration, reddening or velocity costs: bound, ceiling, and estimators that err about it.

One unknown at a time, on the same low-noise stars with the same noise; beside it the amplitude is unknown in every row.
Three posteriors of every star: the right one, whose mean no estimator beats (the ceiling); that of an estimator that
ignores the unknown though it is there; and that of one that allows for it though it is not.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from logg1m import metrics
from logg1m.bounds import fisher
from logg1m.bounds.bayes.model import Library, model_of
from logg1m.bounds.bayes.posterior import Stars, posterior
from logg1m.bounds.efficiency import ratio
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.conditions import Nuisances
from logg1m.config.requirements import Requirements
from logg1m.observe.survey import Columns, bad_pixels
from logg1m.sources.embedded import EmbeddedSource

_WORDS = {"calibration": "of the flux calibration per order", "ebv": "of E(B−V)", "velocity_km_s": "of the velocity"}
_UNITS = {"calibration": "%", "ebv": "mag", "velocity_km_s": "km/s"}


def unknowns(config: Requirements) -> Iterator[tuple[str, float, Nuisances]]:
    """(what, its 1σ error, nuisances) of every row; the first knows all but the amplitude."""
    yield "amplitude", 0.0, Nuisances(amplitude="free")
    for value in config.calibration:
        yield "calibration", value, Nuisances(amplitude="free", calibration=(value,) * config.orders)
    for value in config.ebv:
        yield "ebv", value, Nuisances(amplitude="free", ebv=value)
    for value in config.velocity_km_s:
        yield "velocity_km_s", value, Nuisances(amplitude="free", velocity_km_s=value)


def requirements(
    source: EmbeddedSource,
    ids: np.ndarray,
    config: Requirements,
    bayes: BayesConfig,
    bootstrap: Bootstrap,
    compute: Compute,
    noise_level: float,
    max_condition: float,
) -> dict[str, Any]:
    """Rows of the table, and what they say in a sentence.

    Parameters
    ----------
    source : whose priors, seeing, sky and bad pixels all rows share; its own nuisances are replaced
    ids : low-noise test stars

    Returns
    -------
    rows: unknown, error (fraction, mag or km/s), n; sigma_median (dex, 5-D), sigma_factor (median over stars of the ratio
    to the first row), prior_aware_r2; ceiling {r2, mae}, ignored {r2, mae, excess}, needless {r2, mae, excess}, with
    intervals; ceiling r2 is what the posteriors expect; says: one sentence for every unknown
    """
    ids, seed = ids[: config.stars], source.seed
    ranges = fisher.prior_ranges(source.data.priors.model_dump())
    model = model_of(source)
    assert model is not None
    library = Library.simulated(model, config.library, seed)
    settings = bayes.model_copy(update={"library_max": config.library})

    def of(stars: Stars, columns: Columns) -> pd.DataFrame:
        return posterior(stars, model, library, settings, seed, compute, columns)

    rows: list[dict[str, Any]] = []
    known: tuple[Stars, Columns, np.ndarray] | None = None
    for name, error, nuisances in unknowns(config):
        columns = Columns(nuisances, source.wave)
        stars, table = _seen(source, ids, nuisances, columns, ranges, noise_level, max_condition)
        sigma = table["sigma_5d"].to_numpy()
        if known is None:
            known = stars, columns, sigma
        exact = of(stars, columns)
        measured = {"ceiling": exact}
        if name != "amplitude":
            measured |= {"ignored": of(stars, known[1]), "needless": of(known[0], columns)}
        best = {"ceiling": exact, "ignored": exact, "needless": rows[0]["_exact"] if rows else exact}
        rows.append(
            {
                "unknown": name,
                "error": error,
                "n": len(ids),
                "sigma_median": _median(sigma),
                "sigma_factor": _median(sigma / known[2]),
                "prior_aware_r2": 1 - float((table["sigma_prior"] ** 2).mean()) / (ranges["logg"] ** 2 / 12),
                **{kind: _scores(t, best[kind], kind, bootstrap, seed) for kind, t in measured.items()},
                "_exact": exact,
            }
        )
    for row in rows:
        del row["_exact"]
    return {"rows": rows, "orders": config.orders, "says": [*sentences(rows, config.close)]}


def _seen(
    source: EmbeddedSource,
    ids: np.ndarray,
    nuisances: Nuisances,
    columns: Columns,
    ranges: dict[str, float],
    noise_level: float,
    max_condition: float,
) -> tuple[Stars, pd.DataFrame]:
    """The stars as they are observed with these nuisances, and their bounds."""
    observation = source.data.observation.model_copy(update={"nuisances": nuisances})
    data = source.data.model_copy(update={"observation": observation})
    disturbed = EmbeddedSource(data, source.seed, source.observer.device.type, source.grid)
    labels, conditions = disturbed.draw(ids)
    jacobian = disturbed.observer.jacobian(labels, conditions)
    flux, error = jacobian.flux.cpu().numpy(), jacobian.error.cpu().numpy()
    if observation.masks:
        error = np.where(bad_pixels(observation, source.seed, ids, source.wave), np.float32(np.inf), error)
    d_flux = fisher.with_nuisances(jacobian.d_flux.cpu().numpy(), flux, columns)
    information = fisher.marginalised(fisher.fisher_information(d_flux, error * noise_level), columns)
    stars = Stars.observed(ids, labels[:, 1], flux, error, noise_level, source.seed, free=True)
    return stars, fisher.bounds(information, ranges, max_condition)


def _scores(table: pd.DataFrame, exact: pd.DataFrame, kind: str, bootstrap: Bootstrap, seed: int) -> dict[str, Any]:
    """R² and MAE of posterior means, and their excess over the exact ones."""
    truth, mean = table["truth"].to_numpy(), table["mean"].to_numpy()
    variance = exact["var"].to_numpy()
    found = {
        "r2": metrics.r2(truth, np.sqrt(variance) if kind == "ceiling" else mean - truth),
        "mae": metrics.mean(np.abs(mean - truth)),
    }
    if kind != "ceiling":
        found["excess"] = ratio((mean - exact["mean"].to_numpy()) ** 2, variance)
    return {name: metrics.with_interval(f, len(table), bootstrap, seed) for name, f in found.items()}


def sentences(rows: list[dict[str, Any]], close: float) -> Iterator[str]:
    """For every unknown the largest error that costs the ceiling at most `close` in R²: what a survey can act on."""
    best = rows[0]["ceiling"]["r2"]["value"]
    for name in dict.fromkeys(row["unknown"] for row in rows[1:]):
        tried = sorted((row["error"], best - row["ceiling"]["r2"]["value"]) for row in rows if row["unknown"] == name)
        fine = [error for error, lost in tried if all(other <= close for e, other in tried if e <= error)]
        at_most = f"costs at most {close:g} of R² of the ceiling"
        if fine:
            yield f"An error {_WORDS[name]} of up to {_said(name, fine[-1])} {at_most}: below it nothing is gained."
        else:
            error, lost = tried[0]
            yield f"No error {_WORDS[name]} that was tried {at_most}: {_said(name, error)} costs {lost:.3f}."


def _said(name: str, error: float) -> str:
    return f"{100 * error:g} %" if name == "calibration" else f"{error:g} {_UNITS[name]}"


def _median(values: np.ndarray) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if len(good) else float("nan")
