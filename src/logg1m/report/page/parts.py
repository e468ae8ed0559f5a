"""What the templates of the page ask for: figures of every experiment, the ruler of the answer, states as boxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.figures import catalogue, ceiling_vs_snr, convergence, empty, scaling, training
from logg1m.figures.ceiling_vs_snr import PerPixel, TestedModel
from logg1m.figures.interactive import Plot, Shown
from logg1m.figures.training import Training
from logg1m.report import forecast
from logg1m.report.foundations.fisher import FISHER
from logg1m.report.foundations.scaling import NETWORKS, SCALING
from logg1m.report.page.graph import Drawing, Item, lay_out
from logg1m.report.page.numbers import point
from logg1m.report.page.pictures import PACKINGS, Packing, Picture, picture
from logg1m.report.roadmap import CANCELLED, DONE, Answer, Decision, Mvp, Roadmap, VariantResult
from logg1m.results.numbers import Cursor
from logg1m.results.run import PROVENANCE
from logg1m.results.words import STATISTIC, model_name

# Drawn once for the whole run, above the experiments.
_MAIN = ("predicted_true", "error_snr", "error_mag", "kiel")  # kinds of MVP-1.1
_ELSEWHERE: dict[str | None, str] = {"scaling": "fig-scaling", "ceiling_vs_snr": "fig-r2-against-snr"}
_ELSEWHERE |= {kind: f"fig-mvp_1_1-{kind}" for kind in (*_MAIN, *forecast.FIGURES)}
_OF_FORECAST = "mvp_1_1"  # the experiment whose file names its figures
_SHOWN_AT_FIRST = ("ridge_full", "lightgbm", "projection", "vit")


@dataclass(frozen=True)
class Part:
    """One experiment of the page."""

    mvp: Mvp
    figures: tuple[Plot | Picture, ...]
    elsewhere: tuple[tuple[str, str], ...] = ()  # (anchor, title) of its figures that stand above the experiments

    @property
    def shown(self) -> tuple[Plot | Picture, ...]:
        """What stands in view: the first plot of an experiment that has neither a table of variants nor a plot above."""
        alone = not self.mvp.variants and not self.elsewhere
        return tuple(f for f in self.figures if isinstance(f, Plot))[:1] if alone else ()

    @property
    def folded(self) -> tuple[Plot | Picture, ...]:
        """All others."""
        return tuple(f for f in self.figures if f not in self.shown)

    @property
    def failed_checks(self) -> bool:
        return any(check.passed is False for check in self.mvp.checks)


@dataclass(frozen=True)
class Measured:
    """What a decision was made by: the statistic of its rule and the thresholds it was held against."""

    name: str
    number: Cursor
    thresholds: tuple[Cursor, ...] = ()


def part(mvp: Mvp, experiments: Mapping[str, Experiment], roadmap: Roadmap, packing: Packing = PACKINGS[0]) -> Part:
    """An experiment with its figures: interactive where their kind has a plot."""
    experiment = experiments[mvp.key]
    if not mvp.figures:
        return Part(mvp, ())
    verdict = roadmap.artifacts[f"{mvp.key}/verdict.json"]
    not_run = experiment.acceptance is not None and not verdict.get("variants")
    figures: list[Plot | Picture] = []
    kinds = {f.name: experiment.figures.get(f.name) for f in mvp.figures}
    above = {k for k in kinds.values() if k in _ELSEWHERE and (k not in _MAIN or _main(k, roadmap, experiments))}
    above -= set() if roadmap.forecast else {*forecast.FIGURES}
    for given in mvp.figures:
        if experiment.figures.get(given.name) in above or not_run:
            continue
        key = f"{mvp.key}-{given.name}"
        shown = Shown(given.table, verdict, lambda name: roadmap.artifacts[name].at())
        drawn = _plot(experiment.figures.get(given.name), shown, key)
        figures.append(
            drawn or picture(key, given.title, given.shows, given.image, given.table, packing, given.drawing)
        )
    if mvp.key == "mvp_1_1" and (settling := convergence.plot(roadmap.artifacts[FISHER])):
        figures.append(settling)
    elsewhere = tuple((_ELSEWHERE[kinds[f.name]], f.title) for f in mvp.figures if kinds[f.name] in above)
    return Part(mvp, tuple(figures), elsewhere)


def _plot(kind: str | None, shown: Shown, key: str) -> Plot | None:
    """The figure drawn from its values, or None where it has no plot, or no values to draw it from."""
    if kind is None or not shown.table or empty.is_empty(shown.table):
        return None
    plot = getattr(catalogue.module(kind), "plot", None)
    return plot(shown, key) if plot else None


def models(roadmap: Roadmap) -> list[TestedModel]:
    """Every model with R² per bin of signal-to-noise: classical ones at their largest scale, and every variant, once
    each where several experiments use the same runs."""
    found = []
    for entry, (name,) in roadmap.artifacts[SCALING].matching("models/*"):
        largest = max(entry["scales"], key=lambda scale: int(scale.raw["n_train"]))
        bins = largest.at("common_test", "snr_bins")
        if bins is not None:
            words = f"{model_name(name)}, n = {largest.raw['n_train']:,}"
            found.append(TestedModel(words, "MVP-0.B", bins, name in _SHOWN_AT_FIRST))
    seen = set()
    for row, _ in roadmap.artifacts[NETWORKS].matching("rows/*"):
        bins = row.at("snr_bins")
        if bins is not None and bins.raw:
            seen.add(row.raw["runs"])
            name = f"{row.raw['label']}, n = {row.raw['n_fit']:,}"
            found.append(TestedModel(name, "MVP-0.B", bins, row.raw["model"] in _SHOWN_AT_FIRST))
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            if variant.snr_bins and variant.runs not in seen:
                seen.add(variant.runs)
                words = f"{variant.label}{' (leaky)' if variant.leaky else ''}"
                shown = variant.runs == roadmap.answer.runs
                found.append(TestedModel(words, f"MVP-{mvp.id} {mvp.title}", variant.snr_bins, shown))
    return found


def bins_of(variant: VariantResult) -> list[dict[str, Cursor | None]]:
    """Rows of a variant's bins of signal-to-noise, from its first seed."""
    places = {"low": "snr_low", "high": "snr_high", "n": "n", "r2": "r2", "mae": "mae"}
    return [{name: row.number(place) for name, place in places.items()} for row in variant.snr_bins or ()]


def main_figures(roadmap: Roadmap, experiments: Mapping[str, Experiment], per_pixel: PerPixel = ()) -> list[Plot]:
    """The figures of the whole run, those that everyone looks for first at the top."""
    figures = [ceiling_vs_snr.plot(roadmap.artifacts[FISHER].at(), models(roadmap), per_pixel)]
    figures += [_main(kind, roadmap, experiments) for kind in _MAIN]
    if table := roadmap.artifacts[SCALING].at():
        figures.append(scaling.plot(table, roadmap.artifacts[NETWORKS].at("rows")))
    trained = trainings(roadmap)
    figures += [training.curves(trained), training.accuracy(trained)]
    return [figure for figure in figures if figure]


def _main(kind: str, roadmap: Roadmap, experiments: Mapping[str, Experiment]) -> Plot | None:
    """A figure of MVP-1.1 that stands above the experiments, or None where there is none."""
    key = "mvp_1_1"
    mvp = next((m for m in roadmap.mvps if m.key == key), None)
    for given in mvp.figures if mvp else ():
        if experiments[key].figures.get(given.name) == kind:
            shown = Shown(
                given.table, roadmap.artifacts[f"{key}/verdict.json"], lambda name: roadmap.artifacts[name].at()
            )
            return _plot(kind, shown, f"{key}-{kind}")
    return None


def of_forecast(roadmap: Roadmap, experiments: Mapping[str, Experiment], packing: Packing) -> list[Picture]:
    """The figures of the forecast, in the order of its part of the page."""
    if not roadmap.forecast:
        return []
    mvp = next((m for m in roadmap.mvps if m.key == _OF_FORECAST), None)
    drawn = {experiments[_OF_FORECAST].figures.get(f.name): f for f in (mvp.figures if mvp else ())}
    return [
        picture(f"{_OF_FORECAST}-{kind}", f.title, f.shows, f.image, f.table, packing, f.drawing)
        for kind in forecast.FIGURES
        if (f := drawn.get(kind))
    ]


def trainings(roadmap: Roadmap) -> list[Training]:
    """Every variant that was trained, once where several experiments use the same runs."""
    found, seen = [], set()
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            if not variant.files or variant.runs in seen:
                continue
            seen.add(variant.runs)
            first = f"{variant.runs}/{PurePosixPath(variant.files[0]).parent.name}"
            history = roadmap.artifacts.files.get(f"{first}/history.csv", "")
            at_first = variant.role == "reference" or variant.runs == roadmap.answer.runs
            seconds = roadmap.artifacts[f"{first}/{PROVENANCE}"].number("seconds")
            mae = variant.low_noise.get("mae")
            name = f"{variant.label}{' (leaky)' if variant.leaky else ''}"
            counts = not variant.leaky and variant.role != "control"
            found.append(Training(name, f"MVP-{mvp.id} {mvp.title}", history, seconds, mae, at_first, counts))
    return found


def ruler(answer: Answer) -> dict[str, Any]:
    """Places of the best R², the ceiling and their intervals on a bar from 0 to 1, in percent of its width."""

    def place(value: float | None) -> float:
        return round(100 * min(max(value or 0.0, 0.0), 1.0), 3)

    spans = []
    reached = answer.paired or answer.best  # on the stars of the ceiling, where there is one
    for shown, kind in ((reached, "best"), (answer.ceiling, "ceiling")):
        if shown and shown.low is not None and shown.high is not None:
            left = place(shown.low)
            spans.append({"kind": kind, "left": left, "width": round(place(shown.high) - left, 3)})
    best = place(reached.value if reached else None)
    ceiling = place(answer.ceiling.value) if answer.ceiling else None
    gap = round(max(ceiling - best, 0.0), 3) if ceiling is not None else 0.0
    words = {"best_words": point(reached, 2), "ceiling_words": point(answer.ceiling, 2)}
    return {"best": best, "ceiling": ceiling, "gap": gap, "spans": spans} | words


def drawing(roadmap: Roadmap, experiments: Mapping[str, Experiment]) -> Drawing:
    """The roadmap as boxes and lines."""
    boxes = [
        Item(m.key, f"MVP-{m.id}", m.title, m.outcome or m.state, m.word or m.state, m.phase) for m in roadmap.mvps
    ]
    gates = [Item(d.name, d.name.upper(), d.title, d.outcome or "open", _gate_words(d)) for d in roadmap.decisions]
    gated = {key: tuple({**e.cancelled_by, **e.first_if}) for key, e in experiments.items()}
    return lay_out(boxes, gates, {key: names for key, names in gated.items() if names})


def _gate_words(decision: Decision) -> str:
    if decision.outcome is None:
        return "open"
    if decision.name == "d4":
        return "recipe settled"
    return decision.outcome + (" (override)" if decision.override else "")


def kanban(roadmap: Roadmap) -> list[tuple[str, list[Mvp]]]:
    """(state, experiments in it) of what is neither done nor cancelled; empty once the roadmap is done."""
    return [(state, found) for state, found in roadmap.columns().items() if found and state not in (DONE, CANCELLED)]


def low_noise(roadmap: Roadmap) -> dict[str, Cursor | None]:
    """Where low noise begins: ‖flux‖/‖error‖ and, for the same share of spectra, the median S/N per pixel."""
    protocol = roadmap.artifacts["mvp_0_a/protocol.json"]
    share = protocol.get("low_noise", "fraction")
    per_pixel = protocol.number("snr_definitions", "snr_median", "thresholds", f"top_{share:g}") if share else None
    return {"threshold": protocol.number("low_noise", "threshold"), "per_pixel": per_pixel}


def words(roadmap: Roadmap) -> list[str]:
    """Verdicts that a reader can ask for."""
    return list(dict.fromkeys(m.word or m.state for m in roadmap.mvps))


def measured_of(decision: Decision, roadmap: Roadmap) -> Measured | None:
    """The number that a decision was made by, with its thresholds."""
    for _, found in decision.numbers:
        if found.path[-1] in ("measured", "mae_improvement_over_best_member"):
            model = decision.evidence.get("model")
            evidence = roadmap.artifacts[f"decisions/{decision.name}.evidence.json"]
            limits = tuple(filter(None, (evidence.number("evidence", n) for n in ("continue_above", "stop_below"))))
            statistic = STATISTIC.get(str(decision.evidence.get("statistic")), "gain in MAE over the best member")
            return Measured(f"{statistic} of {model_name(str(model))}" if model else statistic, found, limits)
    return None
