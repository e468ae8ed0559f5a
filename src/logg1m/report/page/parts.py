"""What the templates of the page ask for: figures of every experiment, the ruler of the answer, states as boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.figures import catalogue, ceiling_vs_snr, convergence, scaling
from logg1m.figures.interactive import Plot, Shown
from logg1m.files import read_json
from logg1m.report.page.graph import Drawing, Item, lay_out
from logg1m.report.page.pictures import PACKINGS, Packing, Picture, picture
from logg1m.report.roadmap import DONE, STATES, Answer, Decision, Mvp, Roadmap, Variant
from logg1m.results.artifacts import number
from logg1m.results.numbers import Number, Traced
from logg1m.results.words import STATISTIC, model_name

_ALWAYS = ("planned", "ready", "done", "cancelled", "paused")  # columns that are shown even when empty
# Drawn once for the whole run, above the experiments.
_ELSEWHERE = {"scaling": "fig-scaling", "ceiling_vs_snr": "fig-r2-against-snr"}
_SHOWN_AT_FIRST = ("ridge_full", "lightgbm", "vit")


@dataclass(frozen=True)
class Part:
    """One experiment of the page."""

    mvp: Mvp
    figures: tuple[Plot | Picture, ...]
    elsewhere: tuple[tuple[str, str], ...] = ()  # (anchor, title) of its figures that stand above the experiments

    @property
    def failed_checks(self) -> bool:
        return any(check.passed is False for check in self.mvp.checks)


@dataclass(frozen=True)
class Measured:
    """What a decision was made by: the statistic of its rule and the threshold it was held against."""

    name: str
    number: Number
    threshold: Number | None


def part(mvp: Mvp, experiment: Experiment, roadmap: Roadmap, packing: Packing = PACKINGS[0]) -> Part:
    """An experiment with its figures: interactive where their kind has a plot."""
    if not mvp.figures:
        return Part(mvp, ())
    verdict = Traced(read_json(mvp.verdict), mvp.verdict)
    not_run = experiment.acceptance is not None and not verdict.raw.get("variants")
    figures: list[Plot | Picture] = []
    for given in mvp.figures:
        if given.name in _ELSEWHERE or not_run:
            continue
        key = f"{mvp.key}-{given.name}"
        shown = Shown(given.table, verdict, lambda name: _artifact(roadmap, name))
        drawn = _plot(experiment.figures.get(given.name), shown, key)
        figures.append(drawn or picture(key, given.title, given.shows, given.image, given.table, packing))
    if mvp.key == "mvp_1_1" and roadmap.fisher:
        settled = Traced(roadmap.fisher, roadmap.files["mvp_1_1/fisher.json"]).at("convergence")
        settling = convergence.plot(settled) if settled else None
        figures += [settling] if settling else []
    above = tuple((_ELSEWHERE[f.name], f.title) for f in mvp.figures if f.name in _ELSEWHERE)
    return Part(mvp, tuple(figures), above)


def _plot(kind: str | None, shown: Shown, key: str) -> Plot | None:
    """The figure drawn from its values, or None where it has no plot, or no values to draw it from."""
    if kind is None or not shown.table:
        return None
    module = catalogue.module(kind)
    plot: Plot | None = module.plot(shown, key) if hasattr(module, "plot") else None
    return plot


def _artifact(roadmap: Roadmap, name: str) -> Traced | None:
    """An artifact by its name inside results/, if the graph gave it and it is there."""
    file = roadmap.files.get(name)
    return Traced(read_json(file), file) if file and Path(file).exists() else None


def models(roadmap: Roadmap) -> list[ceiling_vs_snr.Model]:
    """Every model with R² per bin of signal-to-noise: classical ones at their largest scale, and every variant, once each
    where several experiments use the same runs."""
    found = []
    if roadmap.scaling:
        file = roadmap.files["mvp_0_b/scaling.json"]
        for name, entry in Traced(roadmap.scaling, file)["models"].items():
            scale = max(entry["scales"].raw, key=lambda s: entry["scales"].raw[s]["n_train"])
            bins = entry.at("scales", scale, "common_test", "snr_bins")
            if bins is not None:
                n = f"{entry['scales'].raw[scale]['n_train']:,}"
                words = f"{model_name(name)}, n = {n}"
                found.append(ceiling_vs_snr.Model(words, "MVP-0.B", bins, name in _SHOWN_AT_FIRST))
    networks = _networks(roadmap)
    seen = set()
    for _, row in networks.items() if networks else ():
        bins = row.at("snr_bins")
        if bins is not None and bins.raw:
            seen.add(row.raw["runs"])
            name = f"{row.raw['label']}, n = {row.raw['n_fit']:,}"
            found.append(ceiling_vs_snr.Model(name, "MVP-0.B", bins, row.raw["model"] in _SHOWN_AT_FIRST))
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            if variant.snr_bins and variant.files and variant.runs not in seen:
                seen.add(variant.runs)
                bins = Traced(list(variant.snr_bins), variant.files[0], ("snr_bins",))
                words = f"{variant.label}{' (leaky)' if variant.leaky else ''}"
                shown = variant.runs == roadmap.answer.runs
                found.append(ceiling_vs_snr.Model(words, f"MVP-{mvp.id} {mvp.title}", bins, shown))
    return found


def bins_of(variant: Variant) -> list[dict[str, Number | None]]:
    """Rows of a variant's bins of signal-to-noise, from its first seed."""
    content, rows = {"snr_bins": list(variant.snr_bins)}, []
    for k in range(len(variant.snr_bins) if variant.files else 0):
        places = {"low": "snr_low", "high": "snr_high", "n": "n", "r2": "r2", "mae": "mae"}
        rows.append({name: number(content, f"snr_bins/{k}/{p}", variant.files[0]) for name, p in places.items()})
    return rows


def best_candidate(mvp: Mvp) -> Variant | None:
    """The accepted variant, else the candidate with the highest R² over the reference."""
    candidates = [v for v in mvp.variants if v.role == "candidate" and "r2_low_noise" in v.differences]
    accepted = next((v for v in candidates if v.name == mvp.best), None)
    return accepted or max(candidates, key=lambda v: v.differences["r2_low_noise"].value or 0.0, default=None)


def _networks(roadmap: Roadmap) -> Traced | None:
    """The networks that stand beside the classical models, where there are any."""
    found = _artifact(roadmap, "mvp_0_b/networks.json")
    return found.at("rows") if found else None


def main_figures(roadmap: Roadmap) -> list[Plot]:
    """The figures of the whole run."""
    fisher = Traced(roadmap.fisher, roadmap.files["mvp_1_1/fisher.json"]) if roadmap.fisher else None
    figures = [ceiling_vs_snr.plot(fisher, models(roadmap))]
    if roadmap.scaling:
        table = Traced(roadmap.scaling, roadmap.files["mvp_0_b/scaling.json"])
        figures.append(scaling.plot(table, _networks(roadmap)))
    return [figure for figure in figures if figure]


def ruler(answer: Answer) -> dict[str, Any]:
    """Places of the best R², the ceiling and their intervals on a bar from 0 to 1, in percent of its width."""

    def place(value: float | None) -> float:
        return round(100 * min(max(value or 0.0, 0.0), 1.0), 3)

    spans = []
    for shown, kind in ((answer.best, "best"), (answer.ceiling, "ceiling")):
        if shown and shown.low is not None and shown.high is not None:
            left = place(shown.low)
            spans.append({"kind": kind, "left": left, "width": round(place(shown.high) - left, 3)})
    best = place(answer.best.value if answer.best else None)
    ceiling = place(answer.ceiling.value) if answer.ceiling else None
    gap = round(abs(ceiling - best), 3) if ceiling is not None else 0.0
    over = ceiling is not None and best > ceiling  # a model above the ceiling: shown as what it is, not as no gap
    left = min(best, ceiling) if ceiling is not None else best
    return {"best": best, "ceiling": ceiling, "gap": gap, "left": left, "over": over, "spans": spans}


def drawing(roadmap: Roadmap, experiments: Mapping[str, Experiment]) -> Drawing:
    """The roadmap as boxes and lines."""
    boxes = [
        Item(m.key, f"MVP-{m.id}", m.title, m.outcome or m.state, m.outcome or m.state, m.phase) for m in roadmap.mvps
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


def kanban(mvps: Sequence[Mvp]) -> list[tuple[str, list[Mvp]]]:
    """(state, experiments in it); the columns of the roadmap always, others where something is in them."""
    columns = {state: [m for m in mvps if m.state == state] for state in STATES}
    return [(state, found) for state, found in columns.items() if found or state in _ALWAYS]


def measured_of(decision: Decision, roadmap: Roadmap) -> Measured | None:
    """The number that a decision was made by, with its threshold."""
    file = roadmap.files.get(f"decisions/{decision.name}.evidence.json", "")
    for _, found in decision.numbers:
        if found.path.endswith(("evidence/measured", "mae_improvement_over_best_member")):
            threshold, model = decision.evidence.get("threshold"), decision.evidence.get("model")
            statistic = STATISTIC.get(str(decision.evidence.get("statistic")), "gain in MAE over the best member")
            limit = None if threshold is None else Number(float(threshold), None, None, file, "evidence/threshold")
            return Measured(f"{statistic} of {model_name(str(model))}" if model else statistic, found, limit)
    return None
