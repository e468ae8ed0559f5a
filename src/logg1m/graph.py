"""Graphs as Mermaid text, put between the markers of a document: the roadmap's, and the workflow's by Snakemake itself."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.decisions.points import POINTS, closed_by
from logg1m.experiments import catalogue
from logg1m.files import InputError, write_text


def draw(*arguments: str) -> str:
    """Rule graph as a Mermaid flowchart, left to right, without Snakemake's colours."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"snakemake --rulegraph failed:\n{done.stderr}")
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", done.stdout, flags=re.MULTILINE))
    edges = reduced({(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", done.stdout)})
    return _flowchart(f"{a} --> {b}" for a, b in edges)


def roadmap(experiments: Iterable[Experiment]) -> str:
    """Which experiments every decision reads, and (dotted) which ones it may cancel or put first."""
    found = list(experiments)
    lines = [f'{e.key}["MVP-{e.id} {e.title}"]' for e in found if e.phase]
    lines += [f'{d}{{{{"{d.upper()}"}}}}' for d in POINTS]
    lines += [f"{e.key} --> {d}" for d, point in POINTS.items() for e in found if point.reads(e.key, e.phase)]
    lines += [f"{d} --> d4" for d in POINTS if d != "d4"]
    lines += [f"{d} -.-> {e.key}" for e in found for d in [*closed_by(e), *e.first_if]]
    return _flowchart(lines)


def _flowchart(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "flowchart LR", *(f"    {line}" for line in lines), "```"])


def reduced(edges: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges of an acyclic graph without those that a longer path implies, so that a reader can follow it."""
    after: dict[str, set[str]] = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reachable(node: str) -> set[str]:
        found: set[str] = set()
        waiting = [node]
        while waiting:
            for following in after.get(waiting.pop(), set()) - found:
                found.add(following)
                waiting.append(following)
        return found

    implied = {(a, c) for a in after for b in after[a] for c in reachable(b)}
    return sorted(edges - implied)


def insert(path: Path, graph: str, name: str = "graph") -> None:
    """Replace what stands between the markers of a graph in a document."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = path.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise InputError(f"{path} lacks the markers {begin} … {end}")
    head, rest = text.split(begin, 1)
    tail = rest.split(end, 1)[1]
    write_text(path, f"{head}{begin}\n{graph}\n{end}{tail}")


if __name__ == "__main__":
    insert(Path("docs/graph.md"), roadmap(catalogue.load("config/experiments").values()), "roadmap")
    insert(Path("docs/graph.md"), draw())
