"""The one place where documents read artifacts: from the files that the graph hands over to one `Roadmap`.

`collect(paths, experiments, context)` looks at no file but those it is given; what is not given, or is gone, has an
honest row. Every `Cursor` says from which file and place it was taken.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.config.report import Report
from logg1m.decisions.points import POINTS
from logg1m.figures import catalogue
from logg1m.report import confirmation, forecast, tables
from logg1m.report.answer import answer
from logg1m.report.checks import checks
from logg1m.report.decisions import decision, outcomes
from logg1m.report.foundations import OF_ARTIFACT, key_number
from logg1m.report.names import names_of
from logg1m.report.reproduction import reproduction
from logg1m.report.roadmap import (
    CANCELLED,
    DONE,
    MISSING,
    READY,
    RUNNING,
    STALE,
    Conclusion,
    Decision,
    FigureFiles,
    Mvp,
    Roadmap,
    require_plain,
)
from logg1m.report.scored import scored
from logg1m.report.states import cancellation, state
from logg1m.report.variants import read_variants
from logg1m.report.verdict_words import word
from logg1m.results.artifacts import Artifacts, own_artifact
from logg1m.results.conditions import NAME as CONDITIONS
from logg1m.results.conditions import conditions
from logg1m.results.numbers import Cursor, Table
from logg1m.results.origin import MANIFEST, PROTOCOL, Origin
from logg1m.results.run import PROVENANCE
from logg1m.results.words import METRIC, SUBSET

_HYPOTHESIS = {"supported": "is supported", "refuted": "is refuted", "open": "stays open"}


@dataclass(frozen=True)
class Context:
    """What the documents need besides artifacts.

    paused : ids of experiments that are not run for now
    command : the call of Snakemake with its configuration, to which a target is added
    records : experiment key → what its jobs recorded beside their logs
    scripts : experiment key → what its main jobs run, where that is not a variant's run
    identity : what run this is, in words: what → value, from the configuration
    level : of every interval
    origin : what every artifact must rest on; None: whatever they say
    """

    report: Report = field(default_factory=Report)
    paused: tuple[str, ...] = ()
    command: str = "snakemake --cores all"
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95
    origin: Origin | None = None

    @classmethod
    def of(cls, params: Any) -> "Context":
        """From the params of a rule."""
        return cls(
            report=Report.of(params.report),
            paused=tuple(params.paused),
            command=params.command,
            records={key: tuple(paths) for key, paths in params.records.items()},
            scripts=params.scripts,
            identity=params.identity,
            level=params.level,
            origin=Origin.of(params.origin),
        )


def collect(
    paths: Iterable[str | Path],
    experiments: Mapping[str, Experiment],
    context: Context,
    results: str | Path = "results",
) -> Roadmap:
    """Everything that documents show.

    Parameters
    ----------
    paths : the artifacts that the graph hands over
    experiments : every experiment of the roadmap, by key, in order
    results : the folder inside which artifacts are known by their names

    Raises
    ------
    InputError
        If an artifact is there and not readable, or does not hold what its rule writes, or the spectra or the protocol are
        of another configuration.
    """
    artifacts = Artifacts.of(paths, results)
    if context.origin:
        context.origin.require(artifacts.json(MANIFEST), artifacts.json(PROTOCOL))
    with artifacts.understood():
        return _collected(artifacts, experiments, context)


def _collected(artifacts: Artifacts, experiments: Mapping[str, Experiment], context: Context) -> Roadmap:
    made = outcomes(artifacts)
    mvps = tuple(_mvp(e, experiments, artifacts, made, context) for e in experiments.values())
    decisions = tuple(decision(name, artifacts, experiments) for name in POINTS)
    for part, file in _copied(mvps, decisions, artifacts):
        require_plain(part, file)
    recipes = {name: artifacts[f"decisions/{name}.json"].get("recipe") for name in ("recipe_phase2", "recipe_phase3")}
    return Roadmap(
        answer=answer(mvps, decisions, artifacts, experiments),
        mvps=mvps,
        decisions=decisions,
        conclusions=tuple(m.conclusion for m in mvps if m.conclusion),
        recipes={name: recipe for name, recipe in recipes.items() if recipe},
        artifacts=artifacts,
        scored=tuple(scored(artifacts)),
        forecast=tuple(forecast.shown(artifacts)),
        identity=tuple(_identity(artifacts, context, mvps)),
        level=context.level,
    )


def _copied(mvps: Iterable[Mvp], decisions: Iterable[Decision], artifacts: Artifacts) -> Iterable[tuple[object, str]]:
    """What holds values of artifacts, and which artifact."""
    for mvp in mvps:
        yield from (
            (part, mvp.verdict) for part in (mvp, *mvp.variants, *(c for v in mvp.variants for c in v.criteria))
        )
    for made in decisions:
        yield made, artifacts[f"decisions/{made.name}.evidence.json"].file


def _identity(artifacts: Artifacts, context: Context, mvps: Iterable[Mvp]) -> Iterable[tuple[str, str]]:
    """What run this is, for the head of the page: spectra, configuration, and when its last job ended."""
    manifest = artifacts["data/manifest.json"]
    if (n := manifest.get("n_spectra")) is not None:
        source = manifest.get("source", "kind")
        yield "spectra", f"{n:,}" + (f", {source} source" if source else "")
    if said := conditions(manifest.get("source") or {}):
        yield CONDITIONS, said
    yield from context.identity.items()
    ends = [m.reproduction.finished for m in mvps if m.reproduction.finished]
    if ends:
        yield "last job ended", f"{max(ends)[:16].replace('T', ' ')} UTC"


def _mvp(
    experiment: Experiment,
    experiments: Mapping[str, Experiment],
    artifacts: Artifacts,
    made: Mapping[str, Mapping[str, Any]],
    context: Context,
) -> Mvp:
    key = experiment.key
    standing, why = state(experiment, artifacts, made, context.paused)
    # A verdict that does not stand (abandoned, paused, made from what has changed) has no numbers in the documents.
    place = artifacts[f"{key}/verdict.json"]
    place = place if standing == DONE and place.raw else Cursor({}, place.file)
    verdict = place.raw
    variants = read_variants(experiment, place, artifacts)
    names = names_of(experiment, experiments, context.report)
    rule = experiment.acceptance or experiment.artifact
    assert rule is not None
    runs = [run.raw or {} for v in variants for run in artifacts.of_runs(v.runs, PROVENANCE, v.seeds)]
    closed = cancellation(experiment, made)
    own = artifacts[own_artifact(experiment)]
    told = OF_ARTIFACT.get(own_artifact(experiment)) if verdict and own.raw else None
    tested = told.tested(own) if told else (None, None)
    return Mvp(
        key=key,
        id=experiment.id,
        title=experiment.title,
        topic=experiment.name,
        phase=experiment.phase,
        question=experiment.question,
        hypothesis_id=experiment.hypothesis.id,
        hypothesis=experiment.hypothesis.text,
        hypothesis_outcome=verdict.get("hypothesis_outcome", "open"),
        criterion=rule.text,
        state=standing,
        why=why,
        outcome=verdict.get("outcome", ""),
        model=verdict.get("model"),
        reference=verdict.get("reference"),
        best=verdict.get("best_accepted"),
        n_test=verdict.get("n_test", tested[0]),
        n_test_low_noise=verdict.get("n_test_low_noise", tested[1]),
        variants=variants,
        checks=tuple(checks(experiment, place, artifacts)) if verdict else (),
        tables=tuple(_tables(experiment, experiments, place, artifacts)) if verdict else (),
        extra=verdict.get("extra") or {},
        figures=tuple(figures(experiment, artifacts)) if verdict else (),
        reproduction=reproduction(
            key,
            runs,
            context.records.get(key, ()) if verdict else (),
            artifacts,
            context.command,
            context.scripts.get(key, "workflow/scripts/run_variant.py"),
            max((v.seeds for v in variants), default=1),
        ),
        conclusion=_conclusion(experiment, place, why, artifacts, context.report) if verdict else None,
        experiment_id=names[0],
        report=names[1],
        verdict=place.file,
        priority=_priority(standing, verdict.get("outcome", "")),
        next_action=_next_action(standing, verdict.get("outcome", ""), closed, made, key),
        cancelled_by=closed[0] if closed else None,
        confirmed=confirmation.of_experiment(key, artifacts) if verdict.get("outcome") == "accepted" else "",
        word=word(experiment, verdict, artifacts) if verdict else "",
        scope=tuple(told.scope(own, artifacts)) if told else (),
    )


def _tables(
    experiment: Experiment, experiments: Mapping[str, Experiment], verdict: Cursor, artifacts: Artifacts
) -> Iterable[Table]:
    """Tables of an experiment's own artifact and of what else its folder holds, and further numbers of its verdict."""
    told = OF_ARTIFACT.get(own_artifact(experiment))
    for name, views in told.VIEWS.items() if told else ():
        yield from tables.of(views, artifacts[name], experiments)
    if extra := verdict.at("extra"):
        yield from tables.further(extra, names={name: v.label for name, v in experiment.variants.items()})


def figures(experiment: Experiment, artifacts: Artifacts) -> Iterable[FigureFiles]:
    """Figures of an experiment that lie on the disk, each with its CSV."""
    for name in artifacts.under(experiment.key, ".png"):
        table = f"{name.removesuffix('.png')}.csv"
        kind = experiment.figures.get(Path(name).stem)
        if kind and artifacts.there(name):
            title, shows = catalogue.title(kind), catalogue.caption(kind)
            vector = f"{name.removesuffix('.png')}.svg"
            drawing = artifacts.files[vector] if artifacts.there(vector) else ""
            values = artifacts.files.get(table, "")
            yield FigureFiles(Path(name).stem, title, artifacts.files[name], values, shows, drawing)


def _conclusion(experiment: Experiment, verdict: Cursor, why: str, artifacts: Artifacts, report: Report) -> Conclusion:
    """What the experiment came to; the mark is a fingerprint of its words and number."""
    own = own_artifact(experiment)
    what, measured = key_number(own, artifacts[own]) if own else _key_metric(verdict)
    label = f"{experiment.hypothesis.id} " if experiment.hypothesis.id else "Hypothesis "
    outcome = _HYPOTHESIS[verdict.get("hypothesis_outcome") or "open"]
    said = word(experiment, verdict.raw, artifacts)
    text = f"{said.capitalize()}: {why} {label}{outcome}: “{experiment.hypothesis.text}”"
    mark = hashlib.sha256(f"{text}|{what}|{measured.text() if measured else ''}".encode()).hexdigest()[:8]
    return Conclusion(experiment.id, text, what, measured, mark, report.synced.get(experiment.id) == mark)


def _key_metric(verdict: Cursor) -> tuple[str, Cursor | None]:
    """The number that an experiment is remembered by: the first criterion of its best candidate."""
    places = {name: v for v, (name,) in verdict.matching("variants/*")}
    candidates = {name: v for name, v in places.items() if v.get("criteria") and v.get("role") == "candidate"}
    best = verdict.get("best_accepted")
    if not candidates:
        return "", None
    gains = {name: v.get("criteria", 0, "improvement", "value") or float("-inf") for name, v in candidates.items()}
    chosen = best if best in candidates else max(gains, key=lambda name: gains[name])
    rule = candidates[chosen]["criteria"][0]
    share = ", as a share" if rule.get("relative") else ""
    subset = SUBSET.get(rule.raw["subset"], rule.raw["subset"])
    label = candidates[chosen].raw.get("label", chosen)
    name = METRIC.get(rule.raw["metric"], rule.raw["metric"])
    return f"improvement in {name} ({subset}{share}) of “{label}”", rule.number("improvement")


def _priority(standing: str, outcome: str) -> str:
    """What needs somebody first."""
    if standing in (MISSING, STALE, READY, RUNNING):
        return "high"
    return "medium" if standing == DONE and outcome == "inconclusive" else "low"


def _next_action(
    standing: str, outcome: str, closed: tuple[str, str] | None, made: Mapping[str, Mapping[str, Any]], key: str
) -> str:
    if standing == CANCELLED and closed:
        return f"none; decisions.override for {closed[0]} runs it all the same"
    if standing in (MISSING, STALE, READY):
        return f"snakemake results/{key}/verdict.json"
    if standing != DONE:
        return {"paused": "take it out of experiments.paused", "running": "wait"}.get(standing, "none yet")
    if any(member["mvp"] == key for member in made.get("d4", {}).get("members", [])):
        return "none; part of the recipe of Phase 2"
    if key in made.get("d4", {}).get("closed", []):
        return "none; closed by D4" if outcome != "inconclusive" else "closed by D4; more seeds or spectra would decide"
    return "more seeds or spectra would decide" if outcome == "inconclusive" else "none"
