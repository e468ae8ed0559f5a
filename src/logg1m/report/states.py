"""The state of an experiment: done, cancelled, paused, missing, stale, running, ready or planned; and why."""

from collections.abc import Mapping
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.decisions.points import POINTS, closed_by, made_first
from logg1m.experiments import catalogue
from logg1m.experiments.judging.verdict import from_artifact
from logg1m.report.roadmap import CANCELLED, DONE, MISSING, PAUSED, PLANNED, READY, RUNNING, STALE
from logg1m.report.variants import run_folder
from logg1m.report.verdict_words import why
from logg1m.results.artifacts import Artifacts, at, own_artifact

# What the jobs of every experiment of a phase read; later phases wait for what is decided, which waits for these.
_READ = {0: ["data/manifest.json"], 1: ["data/manifest.json", "mvp_0_a/members.parquet"]}


def cancellation(experiment: Experiment, decisions: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """(decision, why) of what cancels an experiment, or None; decisions that are not made yet cancel nothing.

    decisions : see `decisions.outcomes`; `grounds` says how the outcome came about
    """
    for name, closing in closed_by(experiment).items():
        made = decisions.get(name, {})
        if made.get("outcome") == closing:
            grounds = f" ({made['grounds']})" if made.get("grounds") else ""
            phases = POINTS[name].closing
            what = f", so {phases.words}" if phases else ""
            return name, f"{name.upper()} = {closing}{grounds}{what}"
    return None


def state(
    experiment: Experiment,
    artifacts: Artifacts,
    decisions: Mapping[str, Mapping[str, Any]],
    paused: tuple[str, ...] = (),
    running: frozenset[str] = frozenset(),
) -> tuple[str, str]:
    """(state, why) of one experiment.

    A cancelled experiment is cancelled whatever an abandoned branch left on disk. `running` holds the keys of
    experiments with a live job.
    """
    cancelled = cancellation(experiment, decisions)
    if cancelled:
        return CANCELLED, cancelled[1]
    if experiment.id in paused:
        return PAUSED, "paused in the configuration"
    if experiment.key in running:
        return RUNNING, "a job of it is running"
    name = f"{experiment.key}/verdict.json"
    verdict = artifacts.json(name)
    if verdict is None:
        if artifacts.given(name):
            return MISSING, f"{artifacts.files[name]} is gone"
        waits = waiting_for(experiment, artifacts)
        return (PLANNED, f"waits for {', '.join(waits)}") if waits else (READY, "all inputs exist")
    gone = [path for name, path in artifacts.files.items() if _belongs(name, experiment) and not artifacts.there(name)]
    if gone:
        return MISSING, f"{_some(gone)} {'is' if len(gone) == 1 else 'are'} gone"
    old = outdated(experiment, verdict, artifacts)
    return (STALE, old) if old else (DONE, why(experiment, verdict, artifacts))


def waiting_for(experiment: Experiment, artifacts: Artifacts) -> list[str]:
    """Inputs of an experiment that do not exist yet."""
    needed = _READ.get(experiment.phase, []) + made_first(experiment)
    if any(catalogue.needs_sensitivity(variant.change) for variant in experiment.variants.values()):
        needed.append("mvp_1_1/sensitivity.parquet")
    return [name for name in needed if not artifacts.there(name)]


def outdated(experiment: Experiment, verdict: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Why a verdict is not that of the experiment as it is written now or of the runs beside it; empty if it is."""
    rule = experiment.acceptance or experiment.artifact
    assert rule is not None
    for what, said, now in (
        ("question", verdict.get("question"), experiment.question),
        ("hypothesis", at(verdict, "hypothesis/text"), experiment.hypothesis.text),
        ("criterion", verdict.get("criterion"), rule.text),
    ):
        if said is not None and said != now:
            return f"the {what} has changed since the verdict"
    if experiment.artifact:
        content = artifacts.json(own_artifact(experiment))
        if content is not None and from_artifact(experiment, content)["outcome"] != verdict.get("outcome"):
            return f"{experiment.artifact.file} has changed since the verdict"
    for name, entry in verdict.get("variants", {}).items():
        if name not in experiment.variants:
            return f"variant {name} is no longer in the experiment"
        if entry.get("change", {}) != experiment.variants[name].change:
            return f"variant {name} has changed since the verdict"
        said = at(entry, "metrics/full/r2/value")
        runs = artifacts.of_runs(run_folder(experiment, name), seeds=entry.get("seeds"))
        found = [run.get("full", "r2", "value") for run in runs]
        if said is not None and found and None not in found and abs(sum(found) / len(found) - said) > 1e-9:
            return f"the runs of variant {name} have changed since the verdict"
    return ""


def _belongs(name: str, experiment: Experiment) -> bool:
    """Whether a file is part of an experiment's results, or of runs that it uses."""
    own = own_artifact(experiment)
    folders = (experiment.key, *(v.same_as for v in experiment.variants.values() if v.same_as and not own))
    return name == own or name.startswith(tuple(f"{folder}/" for folder in folders))


def _some(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
