"""The kanban in the terminal, from what lies in a results folder (documents take theirs from the graph)."""

import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.decisions.points import FILES, POINTS, RECIPES
from logg1m.report.decisions import decision, outcomes
from logg1m.report.roadmap import DONE, STATES
from logg1m.report.states import state
from logg1m.report.variants import run_folder
from logg1m.results.artifacts import Artifacts, own_artifact
from logg1m.results.run import METRICS


@dataclass(frozen=True)
class Card:
    """One experiment on the board."""

    id: str
    title: str
    state: str
    outcome: str
    why: str


def cards(
    artifacts: Artifacts,
    experiments: Mapping[str, Experiment],
    paused: tuple[str, ...] = (),
    running: frozenset[str] = frozenset(),
) -> list[Card]:
    """Every experiment with its state."""
    made = outcomes(artifacts)
    found = []
    for key, experiment in experiments.items():
        standing, why = state(experiment, artifacts, made, paused, running)
        verdict = artifacts.json(f"{key}/verdict.json") if standing == DONE else None
        found.append(Card(experiment.id, experiment.title, standing, (verdict or {}).get("outcome", ""), why))
    return found


def on_disk(results: Path, experiments: Mapping[str, Experiment]) -> Artifacts:
    """What of the roadmap lies in a results folder, and what its verdicts say must lie there."""
    names = ["data/manifest.json", "mvp_0_a/members.parquet", "mvp_1_1/sensitivity.parquet"]
    names += [*FILES, *RECIPES.values()]
    names += [f"{key}/verdict.json" for key in experiments]
    names += [*filter(None, map(own_artifact, experiments.values()))]
    there = [name for name in names if (results / name).exists()]
    verdicts = Artifacts.of([results / name for name in there if name.endswith("/verdict.json")], results)
    for key in experiments:
        there += _made_from(experiments[key], verdicts)
    return Artifacts.of([results / name for name in there], results)


def _made_from(experiment: Experiment, verdicts: Artifacts) -> Iterator[str]:
    """Runs that a verdict was made from."""
    verdict = verdicts.json(f"{experiment.key}/verdict.json") or {}
    for name, variant in verdict.get("variants", {}).items():
        for seed in range(int(variant.get("seeds", 0)) if name in experiment.variants else 0):
            yield f"{run_folder(experiment, name)}/seed_{seed}/{METRICS}"


def running(logs: Path, experiments: Mapping[str, Experiment]) -> frozenset[str]:
    """Experiments with a live job: every job holds a lock on its log, which ends with its process, however it ends."""
    return frozenset(key for key in experiments if any(_is_held(log) for log in sorted((logs / key).rglob("*.log"))))


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # gone in between, or a file system without locks: nothing is known to run
        return False
    return False


def board(found: list[Card], artifacts: Artifacts, experiments: Mapping[str, Experiment]) -> str:
    """The kanban as lines for a terminal: experiments by state, then the decisions that are made."""
    width = max((len(card.title) for card in found), default=0)
    lines = []
    for column in STATES:
        own = [card for card in found if card.state == column]
        if own:
            lines.append(f"{column.upper()} ({len(own)})")
            lines += [
                f"  MVP-{c.id}  {c.title:<{width}}  {f'{c.outcome}: ' if c.outcome else ''}{c.why}".rstrip()
                for c in own
            ]
    made = [d for d in (decision(name, artifacts, experiments) for name in POINTS) if d.outcome is not None]
    if made:
        lines.append(f"DECISIONS ({len(made)})")
    for d in made:
        lines.append(f"  {d.name.upper()}  {d.title}  {d.outcome}{f' ({d.manner})' if d.manner else ''}")
    return "\n".join(lines)
