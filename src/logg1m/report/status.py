"""The state of the roadmap: what is done, cancelled by a decision, paused, ready, or planned, and why."""

from pathlib import Path
from typing import Any

from logg1m.config.experiments import Experiment
from logg1m.files import read_json

DONE, CANCELLED, PAUSED, READY, PLANNED = "done", "cancelled", "paused", "ready", "planned"


def cancellation(experiment: Experiment, decisions: dict[str, dict[str, Any]]) -> str | None:
    """Why a decision cancels an experiment, or None; decisions that are not made yet cancel nothing."""
    if experiment.phase >= 2 and decisions.get("d1", {}).get("outcome") == "stop":
        return "D1: models are near the bound, so Phases 2 and 3 are cancelled"
    for name, closing in experiment.cancelled_by.items():
        if decisions.get(name, {}).get("outcome") == closing:
            return f"{name.upper()}: {closing}"
    return None


def rows(
    experiments: dict[str, Experiment],
    verdicts: dict[str, dict[str, Any]],
    decisions: dict[str, dict[str, Any]],
    paused: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """One row per MVP: id, title, phase, status, outcome, hypothesis and why.

    A cancelled experiment is cancelled whatever an abandoned branch left on disk.
    """
    table = []
    for key, experiment in experiments.items():
        verdict, reason = verdicts.get(key), cancellation(experiment, decisions)
        row: dict[str, Any] = {"key": key, "id": experiment.id, "title": experiment.title, "phase": experiment.phase}
        if reason:
            row |= {"status": CANCELLED, "outcome": "", "hypothesis": "open", "why": reason}
        elif experiment.id in paused:
            row |= {"status": PAUSED, "outcome": "", "hypothesis": "open", "why": "paused in the configuration"}
        elif verdict:
            row |= {
                "status": DONE,
                "outcome": verdict["outcome"],
                "hypothesis": verdict["hypothesis_outcome"],
                "why": verdict["reason"],
            }
        else:
            ready = experiment.phase <= 1 or "d4" in decisions
            row |= {"status": READY if ready else PLANNED, "outcome": "", "hypothesis": "open", "why": ""}
        table.append(row)
    return table


def read(results: Path, experiments: dict[str, Experiment]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verdicts and decisions that lie in a results folder (for the terminal; documents take theirs from the graph)."""
    verdicts = {k: results / k / "verdict.json" for k in experiments}
    decisions = {d: results / "decisions" / f"{d}.json" for d in ("d1", "d2", "d3", "d4")}
    found_verdicts = {
        k: read_json(p, ("outcome", "hypothesis_outcome", "reason")) for k, p in verdicts.items() if p.exists()
    }
    return found_verdicts, {d: read_json(p) for d, p in decisions.items() if p.exists()}


def as_text(table: list[dict[str, Any]], decisions: dict[str, Any]) -> str:
    """The state as lines for a terminal."""
    lines = []
    for row in table:
        state = row["status"] if row["status"] != DONE else f"{DONE}: {row['outcome']}"
        lines.append(f"MVP-{row['id']}  {row['title']:<42} {state:<22} {row['why']}".rstrip())
    for name, decision in decisions.items():
        what = decision.get("outcome") or f"combination {decision.get('combination', 'none')}"
        lines.append(f"{name.upper():<8} {what}")
    return "\n".join(lines)


def as_markdown(table: list[dict[str, Any]], decisions: dict[str, Any]) -> str:
    """The state as the roadmap document, by phase, with the decisions."""
    lines = ["# Roadmap", "", "Generated from the results; do not edit.", ""]
    for phase in sorted({row["phase"] for row in table}):
        lines += [
            f"## Phase {phase}",
            "",
            "| MVP | name | status | outcome | hypothesis | why |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['id']} | {_cell(row['title'])} | {row['status']} | {row['outcome'] or '–'} | {row['hypothesis']} "
            f"| {_cell(row['why']) or '–'} |"
            for row in table
            if row["phase"] == phase
        ]
        lines.append("")
    lines += ["## Decisions", "", "| point | outcome |", "|---|---|"]
    for name, decision in decisions.items():
        members = ", ".join(f"{m['mvp']}/{m['variant']}" for m in decision.get("members", []))
        what = decision.get("outcome") or f"members: {members or 'none'}; combination {decision.get('combination')}"
        lines.append(f"| {name.upper()} | {what} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
