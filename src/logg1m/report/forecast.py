"""What to do next: the forecast as documents show it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from logg1m.decisions.levers import next_step
from logg1m.report import tables
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cell, Cursor, Table

FORECAST = "forecast/forecast.json"
FIGURES = ("forecast_levers", "forecast_exposure", "forecast_windows")  # kinds of its own part of the page
_BY = (
    "Δσ is the change of the median Cramér–Rao bound, ΔMSE and ΔR² are by the prior-aware bound, an approximation; intervals "
    "are over stars, paired. The last two columns: the factor in exposure time that brings the same MSE (512: that or more; "
    "below 1: as if the exposure were that much shorter), and whether no exposure time brings it. The instrument's tables have "
    "the sky lines half a pixel too red against the star; the row that moves them says what that does, and is no lever."
)


_GAINS = {"Δσ, dex": 2, "ΔMSE, dex²": 2, "ΔR²": 2}


def _levers(title: str, subset: str) -> View:
    exposure = "same as exposure ×"
    columns = {"lever": "words", "stars": "n", "Δσ, dex": "sigma", "ΔMSE, dex²": "mse", "ΔR²": "r2"}
    columns |= {exposure: "exposure", "more than any exposure": "beyond"}
    return View(title, f"levers/subsets/{subset}/rows/*", (), columns, _BY, {exposure: 3} | _GAINS)


VIEWS = (
    _levers("Levers, low-noise test stars", "low_noise"),
    _levers("Levers, test stars of any noise", "full"),
    View(
        "Priors by the posteriors themselves, reweighted",
        "posteriors/*/rows/*",
        ("stars of",),
        {"knowing": "words", "stars": "n", "refused": "n_refused", "ESS, median": "ess_median", "ΔMSE, dex²": "mse"}
        | {"ΔR²": "r2", "why nothing is said": "refused"},
        note="ESS: the effective sample size that is left of each star's posterior, of which too few are refused.",
        figures={"ESS, median": 3} | _GAINS,
    ),
    View(
        "Exposure time to the goal",
        "needed/*",
        (),
        {"star": "star", "magnitude": "mag", "goal, dex": "goal", "hours": "bound/hours"}
        | {"σ stays above, dex": "bound/floor", "hours with the priors": "posterior/hours"},
        note="No hours: not reachable by exposure, since what sky subtraction leaves does not average down.",
        figures={"magnitude": 4, "goal, dex": 2, "hours": 2, "σ stays above, dex": 2, "hours with the priors": 2},
    ),
    View(
        "Other arms, for every kind of star",
        "levers/arms/*",
        (),
        {"star": "star", "magnitude": "mag", "hours": "hours", "arms": "words", "σ, dex": "bound"}
        | {"σ before, dex": "bound_before", "with the priors": "posterior", "before": "posterior_before"},
        note="For the same exposure time, over what the grid of stars covers; of arms that it does not reach nothing is said.",
        figures={"magnitude": 4, "hours": 3, "σ, dex": 3, "σ before, dex": 3, "with the priors": 3, "before": 3},
    ),
    View(
        "σ(log g) as one condition is varied",
        "conditions/*",
        (),
        {"varied": "varied", "value": "value", "star": "star", "σ, dex": "bound", "with the priors": "posterior"},
        note="The sky between its lines is the dark one times a factor: an assumption, no model of moonlight.",
        figures={"value": 4, "σ, dex": 3, "with the priors": 3},
    ),
)
_WORDS = {
    "star": {"population": "median star of the priors"},
    "stars of": {"photometry": "the low-noise test", "population": "the population's table"},
    "varied": {
        "seeing": "seeing (FWHM), arcsec",
        "zenith_angle": "zenith angle, degrees",
        "field_angle": "field angle, degrees",
        "sky_continuum": "sky between its lines, × the dark one",
    },
}


def shown(artifacts: Artifacts) -> Iterator[Table]:
    """The tables, with words for what the artifact calls by keys; none without a forecast."""
    content = artifacts[FORECAST]
    names = {star.raw["name"]: star.raw["words"] for star, _ in content.matching("stars/*")}
    words = _WORDS | {"star": _WORDS["star"] | names}
    for table in tables.of(VIEWS, content):
        rows = tuple(
            tuple(_said(cell, words.get(name, {})) for name, cell in zip(table.columns, row)) for row in table.rows
        )
        yield replace(table, rows=rows)


def _said(cell: Cell, words: Mapping[str, str]) -> Cell:
    return cell if cell is None or isinstance(cell, Cursor) else words.get(cell, cell)


def next_words(artifacts: Artifacts) -> str:
    """What to do next, in a sentence; empty without a forecast."""
    return next_step(artifacts.json(FORECAST) or {})
