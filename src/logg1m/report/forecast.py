"""What to do next: the forecast as documents show it."""

from collections.abc import Iterator

from logg1m.decisions.levers import next_step
from logg1m.report import tables
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Table

FORECAST = "forecast/forecast.json"


def _levers(title: str, subset: str) -> View:
    columns = {"lever": "words", "stars": "n", "Δσ, dex": "sigma", "ΔMSE, dex²": "mse", "ΔR²": "r2"}
    return View(
        title,
        f"levers/subsets/{subset}/rows/*",
        (),
        columns | {"same as exposure ×": "exposure"},
        note="Δσ is the change of the median Cramér–Rao bound, ΔMSE and ΔR² are by the prior-aware bound, an approximation; "
        "intervals are over stars, paired. An exposure factor of 512 is that or more; one below 1: as if the exposure were that much shorter.",
    )


_REWEIGHTED = {
    "knowing": "words",
    "stars": "n",
    "refused": "n_refused",
    "ESS, median": "ess_median",
    "ΔMSE, dex²": "mse",
}
VIEWS = (
    _levers("Levers, low-noise test stars", "low_noise"),
    _levers("Levers, test stars of any noise", "full"),
    View(
        "Priors by the posteriors themselves, reweighted",
        "posteriors/*/rows/*",
        ("stars of",),
        _REWEIGHTED | {"ΔR²": "r2"},
    ),
    View(
        "Exposure time to the goal",
        "needed/*",
        (),
        {
            "star": "star",
            "magnitude": "mag",
            "goal, dex": "goal",
            "hours": "bound/hours",
            "σ stays above, dex": "bound/floor",
        }
        | {"hours with the priors": "posterior/hours"},
        note="No hours: not reachable by exposure, since what sky subtraction leaves does not average down.",
    ),
    View(
        "σ(log g) as one condition is varied",
        "conditions/*",
        (),
        {"varied": "varied", "value": "value", "star": "star", "σ, dex": "bound", "with the priors": "posterior"},
        note="Seeing in arcsec (FWHM), zenith and field angle in degrees; sky_continuum: an assumption, the dark sky between "
        "its lines times this factor. Stars: population is the median star of the priors; a number behind a name is [M/H].",
    ),
)


def shown(artifacts: Artifacts) -> Iterator[Table]:
    """The tables; none without a forecast."""
    yield from tables.of(VIEWS, artifacts[FORECAST])


def next_words(artifacts: Artifacts) -> str:
    """What to do next, in a sentence; empty without a forecast."""
    return next_step(artifacts.json(FORECAST) or {})
