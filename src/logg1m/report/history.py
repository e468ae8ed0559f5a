"""The changelog: snapshots of the roadmap's state in results/.history/, and what changed from one to the next.

A snapshot is taken when documents are made and something has changed since the last one. The folder is no output of
Snakemake, so that nothing but a user ever deletes it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from logg1m.blame import understood
from logg1m.files import read_json, write_json
from logg1m.report.roadmap import Roadmap
from logg1m.results.numbers import Cursor


class Change(NamedTuple):
    """One line of the changelog."""

    date: str
    change: str
    sections: str


def snapshot(roadmap: Roadmap) -> dict[str, Any]:
    """What the changelog compares: states, outcomes and key numbers, as people read them."""
    return {
        "answer": {
            "best R²": _shown(roadmap.answer.best),
            "of": roadmap.answer.model,
            "Bayes-optimal R²": _shown(roadmap.answer.ceiling),
            "gap": _shown(roadmap.answer.gap),
        },
        "experiments": {
            m.id: {
                "state": m.state,
                "outcome": m.outcome,
                "hypothesis": m.hypothesis_outcome,
                "key metric": _shown(m.conclusion.number) if m.conclusion else "",
                "why": "" if m.outcome else m.why,
            }
            for m in roadmap.mvps
        },
        "decisions": {
            d.name.upper(): {
                "outcome": d.outcome or "",
                "override": d.override or "",
                "rule says": d.rule_verdict or "",
            }
            for d in roadmap.decisions
        },
    }


def _shown(number: Cursor | None) -> str:
    return number.text() if number else ""


def update(folder: Path, state: Mapping[str, Any], now: datetime | None = None) -> list[Change]:
    """Add a snapshot if the state differs from the last one, and return all changes, the newest first.

    Parameters
    ----------
    folder : holds 0001.json, 0002.json, …
    now : date of a new snapshot (default: this moment, UTC)
    """
    paths = sorted(folder.glob("[0-9]*.json"))
    taken = [read_json(path, ("date", "state")) for path in paths]
    if not taken or taken[-1]["state"] != state:
        entry: dict[str, Any] = {"date": (now or datetime.now(UTC)).date().isoformat(), "state": state}
        write_json(folder / f"{len(taken) + 1:04d}.json", entry)
        taken.append(entry)
        paths.append(folder / f"{len(taken):04d}.json")
    changes: list[Change] = []
    before: Mapping[str, Any] = {}
    for path, entry in zip(paths, taken, strict=True):
        with understood(path):
            found = [Change(entry["date"], text, sections) for text, sections in differences(before, entry["state"])]
        changes[:0] = found
        before = entry["state"]
    return changes


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(change in words, sections of the documents that it touches)."""
    if not before:
        done = sum(entry["state"] == "done" for entry in after["experiments"].values())
        yield f"first documents: {done} of {len(after['experiments'])} experiments are done", "all"
        return
    words = _words(before.get("answer", {}), after["answer"])
    if words:
        yield f"answer: {words}", "Answer"
    for kind, prefix, sections in (
        ("experiments", "MVP-", "Experiments, Verdicts, Key conclusions, Results summary"),
        ("decisions", "", "Decisions"),
    ):
        earlier = before.get(kind, {})
        for name, entry in after[kind].items():
            if name not in earlier:
                yield f"{prefix}{name} is new: {entry.get('state') or entry.get('outcome') or 'open'}", sections
            elif words := _words(earlier[name], entry):
                yield f"{prefix}{name}: {words}", sections
        for name in earlier:
            if name not in after[kind]:
                yield f"{prefix}{name} is gone", sections


def _words(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What differs between two entries: name, old and new value."""
    changed = [(key, before.get(key, ""), value) for key, value in after.items() if before.get(key, "") != value]
    return "; ".join(f"{key} {old or 'none'} → {new or 'none'}" for key, old, new in changed)
