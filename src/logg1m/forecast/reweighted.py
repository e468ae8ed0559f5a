"""The posteriors of the forecast: sampled once under the box, then reweighted by what else is known."""

from typing import Any

import numpy as np
from scipy.special import ndtri

from logg1m import ids as reserved
from logg1m.bounds import fisher
from logg1m.bounds.bayes.model import Library, model_of
from logg1m.bounds.bayes.posterior import Stars
from logg1m.config.bayes import BayesConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.forecast import Forecast
from logg1m.files import InputError
from logg1m.forecast.population import LABELS_OF_TABLE, Population
from logg1m.forecast.posteriors import compared, drawn, expected, factors_of_photometry
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, Conditions
from logg1m.observe.survey import Columns, bad_pixels
from logg1m.sources.embedded import EmbeddedSource

_LARGER = 4  # times the effective samples of other posteriors
_PHOTOMETRY = 6100  # draw of Stream.BOUNDS: errors of what photometry measures


def observed(
    source: EmbeddedSource, ids: np.ndarray, labels: np.ndarray, conditions: Conditions, noise_level: float
) -> Stars:
    """Noisy spectra of stars, as the store has those of its ids."""
    observation = source.data.observation
    seen = source.observer.observe(labels, conditions)
    flux, error = seen.flux.cpu().numpy(), seen.error.cpu().numpy()
    if observation.masks:
        error = np.where(bad_pixels(observation, source.seed, ids, source.wave), np.float32(np.inf), error)
    free = observation.nuisances.amplitude == "free"
    return Stars.observed(ids, labels[:, 1], flux, error, noise_level, source.seed, free)


def posteriors_part(
    source: EmbeddedSource,
    ids: np.ndarray,
    config: Forecast,
    bayes: BayesConfig,
    bootstrap: Bootstrap,
    compute: Compute,
    noise_level: float,
) -> dict[str, Any]:
    """What priors bring to the posteriors themselves, no approximation but the sample's own.

    Parameters
    ----------
    ids : low-noise test stars

    Returns
    -------
    photometry {n, base, rows} on those stars; population {table rows, kernel, n, base, rows} on stars drawn from it, where
    there is one; rows of `posteriors.compared` with lever and words
    """
    ids = ids[: config.posterior_stars]
    if not len(ids):
        return {}
    seed, model = source.seed, model_of(source)
    assert model is not None
    library = Library.simulated(model, config.library, seed)
    columns = Columns(source.data.observation.nuisances, source.wave)
    variance = fisher.prior_ranges(source.data.priors.model_dump())["logg"] ** 2 / 12
    how = model, library, bayes, seed, compute, columns
    judged = config.min_ess, variance, bootstrap, seed

    labels, conditions = source.draw(ids)
    posteriors = drawn(observed(source, ids, labels, conditions, noise_level), *how)
    noise = ndtri(uniform(seed, Stream.BOUNDS, ids, len(LABELS), _PHOTOMETRY))
    rows = []
    for key, words, known in _photometry(config, model.names):
        factors = list(factors_of_photometry(posteriors, labels, known, model.names, noise))
        rows.append({"lever": key, "words": words} | compared(posteriors, factors, model.names, *judged))
    base = expected(posteriors, model.names, variance, bootstrap, seed)
    found: dict[str, Any] = {"photometry": {"n": len(ids), "base": base, "rows": rows}}
    if config.population:
        found["population"] = _population(source, config, bootstrap, variance, noise_level, how)
    return found


def _photometry(config: Forecast, names: tuple[str, ...]) -> list[tuple[str, str, dict[str, float]]]:
    teff = [(f"teff_{s:g}", f"Teff known to ± {s:g} K", {"teff": s}) for s in config.teff_priors]
    m_h = [(f"m_h_{s:g}", f"[M/H] known to ± {s:g} dex", {"m_h": s}) for s in config.m_h_priors]
    return [row for row in teff + m_h if set(row[2]) <= set(names)]


def _population(
    source: EmbeddedSource,
    config: Forecast,
    bootstrap: Bootstrap,
    variance: float,
    noise_level: float,
    how: tuple[Any, ...],
) -> dict[str, Any]:
    """The prior of a population, on stars that are drawn from it and observed as the run observes.

    Raises
    ------
    InputError
        If the table is not readable, or has no star inside the priors of the run.
    """
    assert config.population is not None
    population = Population.read(config.population, config.population_kernel)
    ids = reserved.first(config.posterior_stars, reserved.FORECAST)
    labels, conditions = source.draw(ids)
    box = np.array([getattr(source.data.priors, name) for name in LABELS_OF_TABLE])
    labels, inside = population.draw(labels, box[:, 0], box[:, 1], source.seed)
    if not inside.any():
        raise InputError(
            f"{config.population}: no star of it lies inside the priors of the run; expected Teff, log g, [M/H] in "
            f"{box.tolist()}"
        )
    ids, labels, conditions = ids[inside], labels[inside], conditions[inside]
    model, library, bayes, *rest = how  # a population is narrower than what spectra say: it leaves few of the samples
    larger = bayes.model_copy(update={"target_ess": _LARGER * bayes.target_ess})
    stars = observed(source, ids, labels, conditions, noise_level)
    posteriors = drawn(stars, model, library, larger, *rest)
    factors = [population.factor(model.names)] * len(posteriors)
    row = compared(posteriors, factors, model.names, config.min_ess, variance, bootstrap, source.seed)
    words = "log g, Teff and [M/H] of a known population"
    return {
        "table_rows": len(population.places),
        "kernel": config.population_kernel,
        "n": len(ids),
        "base": expected(posteriors, model.names, variance, bootstrap, source.seed),
        "rows": [{"lever": "population", "words": words} | row],
    }
