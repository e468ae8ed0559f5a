"""The workflow's graph as Mermaid text, drawn by Snakemake itself, put between the markers of a document."""

import re
import subprocess
import sys
from pathlib import Path

from logg1m.files import InputError, write_text

_BEGIN, _END = "<!-- graph -->", "<!-- /graph -->"


def draw(*arguments: str) -> str:
    """Rule graph as a Mermaid flowchart, left to right, without Snakemake's colours."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"snakemake --rulegraph failed:\n{done.stderr}")
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", done.stdout, flags=re.MULTILINE))
    edges = reduced({(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", done.stdout)})
    return "\n".join(["```mermaid", "flowchart LR", *(f"    {a} --> {b}" for a, b in edges), "```"])


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


def insert(path: Path, graph: str) -> None:
    """Replace what stands between the graph markers of a document."""
    text = path.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise InputError(f"{path} lacks the markers {_BEGIN} … {_END}")
    head, rest = text.split(_BEGIN, 1)
    tail = rest.split(_END, 1)[1]
    write_text(path, f"{head}{_BEGIN}\n{graph}\n{_END}{tail}")


if __name__ == "__main__":
    insert(Path("docs/graph.md"), draw())
