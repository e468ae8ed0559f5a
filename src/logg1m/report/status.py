"""Where a run stands, for the terminal: one line per MVP, from what lies in its folders (documents ask the graph)."""

import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.decisions.points import FILES, POINTS, RECIPES
from logg1m.jobs.progress import duration
from logg1m.report.decisions import decision, outcomes
from logg1m.report.roadmap import DONE, STATES
from logg1m.report.states import state
from logg1m.report.variants import run_folder
from logg1m.report.verdict_words import word
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
    word: str = ""  # the verdict for people
    left: str = ""  # of its live jobs: what they do and the time they have left


def cards(
    artifacts: Artifacts,
    experiments: Mapping[str, Experiment],
    paused: tuple[str, ...] = (),
    running: frozenset[str] = frozenset(),
    left: Mapping[str, str] | None = None,
) -> list[Card]:
    """Every experiment with its state."""
    made = outcomes(artifacts)
    found = []
    for key, experiment in experiments.items():
        standing, why = state(experiment, artifacts, made, paused, running)
        verdict = artifacts.json(f"{key}/verdict.json") if standing == DONE else None
        said = word(experiment, verdict, artifacts) if verdict else ""
        outcome, time = (verdict or {}).get("outcome", ""), (left or {}).get(key, "")
        found.append(Card(experiment.id, experiment.title, standing, outcome, why, said, time))
    return found


def on_disk(results: Path, experiments: Mapping[str, Experiment]) -> Artifacts:
    """What of the roadmap lies in a results folder, and what its verdicts say must lie there."""
    names = ["data/manifest.json", "mvp_0_a/members.parquet", "mvp_1_1/sensitivity.parquet"]
    names += [*FILES, *RECIPES.values()]
    names += [f"{key}/verdict.json" for key in experiments]
    names += [*filter(None, map(own_artifact, experiments.values()))]
    there = [name for name in names if (results / name).exists()]
    verdicts = Artifacts.of([results / name for name in there if name.endswith("/verdict.json")], results)
    with verdicts.understood():
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


def time_left(logs: Path, experiments: Mapping[str, Experiment]) -> dict[str, str]:
    """What the live jobs of an experiment say of themselves: how many there are, and the last progress of one."""
    found = {}
    for key in experiments:
        held = [log for log in sorted((logs / key).rglob("*.log")) if _is_held(log)]
        said = next(filter(None, map(_last_progress, held)), "")
        if held:
            more = f" and {len(held) - 1} more" if len(held) > 1 else ""
            job = _job(experiments[key], held[0].relative_to(logs / key))
            found[key] = f"{job}{more}{f', {said}' if said else ''}"
    return found


def _job(experiment: Experiment, log: Path) -> str:
    """What a job does, by its log: 'flux/seed_0.log' → 'A: flux, seed 0'."""
    first, *rest = log.with_suffix("").parts
    variant = experiment.variants.get(first)
    return ", ".join(part.replace("_", " ") for part in (variant.label if variant else first, *rest))


def _last_progress(log: Path) -> str:
    """'40 s left' from the end of a log; empty where it says nothing of it."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4000))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if line.startswith("{"):
            try:
                row = json.loads(line)
                return f"{row['done'] / max(row['total'], 1):.0%}, {duration(float(row['seconds_left']))} left"
            except (ValueError, KeyError, TypeError):
                continue
        if told := re.search(r"\((\d+)%\).*?, ([^,]+ left)", line):
            return f"{told[1]}%, {told[2]}"
    return ""


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # gone in between, or a file system without locks: nothing is known to run
        return False
    return False


_SIGNS = {"accepted": "✓", "refuted": "–", "inconclusive": "?"}


def board(
    found: list[Card], artifacts: Artifacts, experiments: Mapping[str, Experiment], width: int | None = None
) -> str:
    """Lines for a terminal: experiments by state, then the decisions that are made.

    width : of the terminal; lines are cut there. None: nothing is cut
    """
    names = max((len(card.title) for card in found), default=0)
    if width:
        names = min(names, max(width // 3, 12))
    lines = []
    for column in STATES:
        own = [card for card in found if card.state == column]
        if own:
            lines.append(f"{column.upper()} ({len(own)})")
            lines += [_line(card, names) for card in own]
    made = [d for d in (decision(name, artifacts, experiments) for name in POINTS) if d.outcome is not None]
    if made:
        lines.append(f"DECISIONS ({len(made)})")
    for d in made:
        lines.append(f"  {d.name.upper()}  {d.title}  {d.outcome}{f' ({d.manner})' if d.manner else ''}")
    return "\n".join(_cut(line, width) for line in lines)


def _line(card: Card, names: int) -> str:
    sign = f"{_SIGNS.get(card.outcome, ' ')} " if card.outcome else ""
    says = f"{sign}{card.word}: {card.why}" if card.word else card.left or card.why
    return f"  MVP-{card.id}  {_cut(card.title, names):<{names}}  {says}".rstrip()


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[: max(width - 1, 0)].rstrip()}…"
