"""Two results folders side by side: `python benchmarks/compare_results.py BEFORE AFTER`.

Every artifact must be there in both and hold the same bytes, but for what is listed here: times and provenance, how a store
and a training went, documents (they hold times), and fields that a release has dropped, added or moved. It is how a
change of the code's structure shows that it has changed no result. Exits with 1 if anything else differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNCOMPARED = (".state", ".history", "report", "data/journal")  # how it went, and documents with times in them
TIMED = ("provenance.json",)
SECONDS = ("learning_curves.csv",)  # but for their column of that name
TENSORS = (".safetensors",)  # by their tensors: settings in the header follow what rules declare
PICTURES = (".png",)  # compared by the values beside them
DROPPED = {
    "mvp_1_1/fisher.json": ("library_convergence",),  # nothing read it
    "data/manifest.json": ("store_id",),  # now also covers the checksums
    "decisions/d1.evidence.json": ("rule", "would_flip"),  # now in words
}
ADDED = {
    "mvp_1_1/bounds_and_models.json",  # what fisher.json is a copy of
    "configuration.json",  # what the results were made with
}


def files(folder: Path) -> dict[str, Path]:
    """Artifacts by their names inside a results folder."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if not _left_out(name)}


def _left_out(name: str) -> bool:
    within = any(name == place or name.startswith(f"{place}/") for place in UNCOMPARED)
    hidden = any(part.startswith(".") for part in name.split("/"))
    return within or hidden or name.endswith((*TIMED, *PICTURES))


def content(name: str, path: Path) -> Any:
    """What is compared of an artifact: its bytes, or, where fields were dropped, the others in their order."""
    if name.endswith(TENSORS):
        return _tensors(path.read_bytes())
    if name.endswith(SECONDS):
        rows = [line.split(",") for line in path.read_text().splitlines()]
        at = rows[0].index("seconds")
        return [row[:at] + row[at + 1 :] for row in rows]
    if name not in DROPPED:
        return path.read_bytes()
    return json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key not in DROPPED[name]})


def _tensors(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Names, shapes and values of a safetensors file, without what else its header says."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])
    header.pop("__metadata__", None)
    return header, file[8 + size :]


def differences(before: Path, after: Path) -> Iterator[str]:
    """One line for every artifact that is not the same in both folders."""
    old, new = files(before), files(after)
    for name in sorted({*old, *new} - ADDED):
        if name not in new:
            yield f"{name}: missing after"
        elif name not in old:
            yield f"{name}: new"
        elif content(name, old[name]) != content(name, new[name]):
            yield f"{name}: differs"


def main(before: str, after: str) -> int:
    found = list(differences(Path(before), Path(after)))
    print("\n".join(found) or f"{len(files(Path(after)))} artifacts, all the same")
    return int(bool(found))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python benchmarks/compare_results.py BEFORE AFTER")
    sys.exit(main(*sys.argv[1:]))
