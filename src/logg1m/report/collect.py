"""The one place where documents read artifacts: from the files that the graph hands over to one `Roadmap`.

`collect(paths, experiments, setting)` looks at no file but those it is given; what is not given, or is gone, has an
honest row. Every `Number` says from which file and place it was taken.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.config.report import Report
from logg1m.report import tables
from logg1m.report.answer import answer
from logg1m.report.captions import caption
from logg1m.report.checks import checks
from logg1m.report.decisions import NAMES, decision, outcomes
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
    Figure,
    Mvp,
    Number,
    Roadmap,
    Table,
)
from logg1m.report.scope import scope, tests_of
from logg1m.report.scored import scored
from logg1m.report.states import cancellation, state
from logg1m.report.variants import read_variants
from logg1m.results.artifacts import Artifacts, at, number
from logg1m.results.origin import MANIFEST, PROTOCOL, Origin
from logg1m.results.words import METRIC, SUBSET

_KEPT = {"data/manifest.json": "manifest", "mvp_0_a/protocol.json": "protocol", "mvp_0_b/scaling.json": "scaling",
         "mvp_1_1/fisher.json": "fisher", "mvp_1_1/magnitude_sweep.json": "sweep"}  # fmt: skip
_HYPOTHESIS = {"supported": "is supported", "refuted": "is refuted", "open": "stays open"}


@dataclass(frozen=True)
class Setting:
    """What the documents need besides artifacts.

    paused : ids of experiments that are not run for now
    command : the call of Snakemake with its configuration, to which a target is added
    records : experiment key → what its jobs recorded beside their logs
    scripts : experiment key → what its main jobs run, where that is not a variant's run
    running : keys of experiments with a live job (for the terminal; a finished graph has none)
    identity : what run this is, in words: what → value, from the configuration
    level : of every interval
    origin : what every artifact must rest on; None: whatever they say (for the terminal)
    """

    report: Report = field(default_factory=Report)
    paused: tuple[str, ...] = ()
    command: str = "snakemake --cores 8"
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    running: frozenset[str] = frozenset()
    identity: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95
    origin: Origin | None = None


def collect(
    paths: Iterable[str | Path],
    experiments: Mapping[str, Experiment],
    setting: Setting,
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
        If an artifact is there and not readable, or the spectra or the protocol are of another configuration.
    """
    artifacts = Artifacts.of(paths, results)
    if setting.origin:
        setting.origin.require(artifacts.json(MANIFEST), artifacts.json(PROTOCOL))
    made = outcomes(artifacts)
    mvps = tuple(_mvp(e, experiments, artifacts, made, setting) for e in experiments.values())
    decisions = tuple(decision(name, artifacts, experiments) for name in NAMES)
    recipes = {name: artifacts.json(f"decisions/{name}.json") for name in ("recipe_phase2", "recipe_phase3")}
    return Roadmap(
        answer=answer(mvps, decisions, artifacts, experiments),
        mvps=mvps,
        decisions=decisions,
        conclusions=tuple(m.conclusion for m in mvps if m.conclusion),
        recipes={name: content["recipe"] for name, content in recipes.items() if content and "recipe" in content},
        files=artifacts.files,
        scored=tuple(scored(artifacts)),
        identity=tuple(_identity(artifacts, setting, mvps)),
        level=setting.level,
        **{field_name: artifacts.json(name) for name, field_name in _KEPT.items()},
    )


def _identity(artifacts: Artifacts, setting: Setting, mvps: Iterable[Mvp]) -> Iterable[tuple[str, str]]:
    """What run this is, for the head of the page: spectra, configuration, and when its last job ended."""
    manifest = artifacts.json("data/manifest.json") or {}
    if "n_spectra" in manifest:
        source = at(manifest, "source/kind")
        yield "spectra", f"{manifest['n_spectra']:,}" + (f", {source} source" if source else "")
    yield from setting.identity.items()
    ends = [m.reproduction.finished for m in mvps if m.reproduction.finished]
    if ends:
        yield "last job ended", f"{max(ends)[:16].replace('T', ' ')} UTC"


def _mvp(
    experiment: Experiment,
    experiments: Mapping[str, Experiment],
    artifacts: Artifacts,
    made: Mapping[str, Mapping[str, Any]],
    setting: Setting,
) -> Mvp:
    key = experiment.key
    standing, why = state(experiment, artifacts, made, setting.paused, setting.running)
    # A verdict that does not stand (abandoned, paused, made from what has changed) has no numbers in the documents.
    verdict = (artifacts.json(f"{key}/verdict.json") if standing == DONE else None) or {}
    file = artifacts.files.get(f"{key}/verdict.json", f"results/{key}/verdict.json")
    variants = read_variants(experiment, verdict, file, artifacts)
    names = names_of(experiment, experiments, setting.report)
    rule = experiment.acceptance or experiment.artifact
    assert rule is not None
    runs = [artifacts.json(name) or {} for v in variants for name in artifacts.under(v.runs, "/provenance.json")]
    closed = cancellation(experiment, made)
    own = experiment.artifact.file.removeprefix("results/") if experiment.artifact and verdict else ""
    tested = tests_of(own, artifacts) if own else (None, None)
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
        checks=tuple(checks(experiment, verdict, artifacts)) if verdict else (),
        tables=tuple(_tables(experiment, experiments, verdict, file, artifacts)) if verdict else (),
        extra=verdict.get("extra") or {},
        figures=tuple(figures(experiment, artifacts)) if verdict else (),
        reproduction=reproduction(
            key,
            runs,
            setting.records.get(key, ()) if verdict else (),
            artifacts,
            setting.command,
            setting.scripts.get(key, "workflow/scripts/run_variant.py"),
            max((v.seeds for v in variants), default=1),
        ),
        conclusion=_conclusion(experiment, verdict, why, file, artifacts, setting.report) if verdict else None,
        experiment_id=names[0],
        report=names[1],
        verdict=file,
        priority=_priority(standing, verdict.get("outcome", "")),
        next_action=_next_action(standing, verdict.get("outcome", ""), closed, made, key),
        cancelled_by=closed[0] if closed else None,
        scope=scope(own, artifacts) if own else (),
    )


def _tables(
    experiment: Experiment,
    experiments: Mapping[str, Experiment],
    verdict: Mapping[str, Any],
    file: str,
    artifacts: Artifacts,
) -> Iterable[Table]:
    """Tables of an experiment's own artifact and of what else lies in its folder, and further numbers of its verdict."""
    for name in dict.fromkeys([*_own(experiment), *tables.VIEWS]):
        content = artifacts.json(name) if name.startswith(f"{experiment.key}/") else None
        if content is not None:
            yield from tables.of(name, content, artifacts.files[name], experiments)
    if verdict.get("extra"):
        yield from tables.further(verdict, "extra", file)


def _own(experiment: Experiment) -> list[str]:
    return [experiment.artifact.file.removeprefix("results/")] if experiment.artifact else []


def figures(experiment: Experiment, artifacts: Artifacts) -> Iterable[Figure]:
    """Figures of an experiment that lie on the disk, each with its CSV."""
    for name in artifacts.under(experiment.key, ".png"):
        table = f"{name.removesuffix('.png')}.csv"
        if artifacts.there(name):
            stem = Path(name).stem
            title, shows = caption(stem, experiment)
            yield Figure(stem, title, artifacts.files[name], artifacts.files.get(table, ""), shows)


def _conclusion(
    experiment: Experiment, verdict: Mapping[str, Any], why: str, file: str, artifacts: Artifacts, report: Report
) -> Conclusion:
    """What the experiment came to; the mark is a fingerprint of its words and number."""
    what, measured = _key_metric(experiment, verdict, file, artifacts)
    label = f"{experiment.hypothesis.id}: " if experiment.hypothesis.id else ""
    outcome = _HYPOTHESIS[verdict.get("hypothesis_outcome", "open")]
    text = f"{label}“{experiment.hypothesis.text}” {outcome} ({verdict.get('outcome')}). {why}"
    mark = hashlib.sha256(f"{text}|{what}|{measured.text() if measured else ''}".encode()).hexdigest()[:8]
    return Conclusion(experiment.id, text, what, measured, mark, report.synced.get(experiment.id) == mark)


def _key_metric(
    experiment: Experiment, verdict: Mapping[str, Any], file: str, artifacts: Artifacts
) -> tuple[str, Number | None]:
    """The number that an experiment is remembered by: the first criterion of its best candidate, or its artifact's."""
    if experiment.artifact:
        name = experiment.artifact.file.removeprefix("results/")
        return tables.key_number(name, artifacts.json(name) or {}, artifacts.files.get(name, ""))
    variants = verdict.get("variants", {})
    candidates = {k: v for k, v in variants.items() if v.get("criteria") and v.get("role") == "candidate"}
    best = verdict.get("best_accepted")
    chosen = best if best in candidates else max(
        candidates, key=lambda k: at(candidates[k], "criteria/0/improvement/value") or float("-inf"), default=None
    )  # fmt: skip
    if chosen is None:
        return "", None
    rule = candidates[chosen]["criteria"][0]
    share = ", as a share" if rule.get("relative") else ""
    name, subset = METRIC.get(rule["metric"], rule["metric"]), SUBSET.get(rule["subset"], rule["subset"])
    what = f"gain in {name} ({subset}{share}) of “{candidates[chosen].get('label', chosen)}”"
    return what, number(verdict, f"variants/{chosen}/criteria/0/improvement", file)


def _priority(standing: str, outcome: str) -> str:
    """What needs somebody first."""
    if standing in (MISSING, STALE, READY, RUNNING):
        return "high"
    return "medium" if standing == DONE and outcome == "inconclusive" else "low"


def _next_action(
    standing: str,
    outcome: str,
    closed: tuple[str, str] | None,
    made: Mapping[str, Mapping[str, Any]],
    key: str,
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
