"""The pictures that documents show, drawn from a finished run, and what they are drawn from, kept beside them.

    python -m logg1m.figures.pictures RUN [--as _1m] [NAME ...]

draws the figures of a run's folder that documents show, or those named, into docs/images/: `scaling.png`, its values
`scaling.csv`, and `scaling.json` with its kind and what else drawing reads. `--as` is put behind the names: pictures of
another run. `tests/figures/test_pictures.py` draws each of them again.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from logg1m.config.places import place
from logg1m.experiments import catalogue as experiments
from logg1m.figures import catalogue, given, style
from logg1m.files import InputError, read_csv, read_json, write_json

_HELD_IN = {
    "fisher": "mvp_1_1/bounds_and_models.json",
    "ridge": "mvp_0_b/ridge.json",
    "scaling": "mvp_0_b/scaling.json",
    "protocol": "mvp_0_a/protocol.json",
    "errors": "mvp_1_1/errors.json",
    "sweep": "mvp_1_1/magnitude_sweep.json",
    "requirements": "mvp_1_1/requirements.json",
    "forecast": "forecast/forecast.json",
}
_WIDE = 240  # pixels of the pictures that are compared: text of another font hardly counts


class Read(Mapping[str, Any]):
    """A mapping that remembers which of its keys were read, in itself and in the mappings in it."""

    def __init__(self, of: Mapping[str, Any]) -> None:
        self._of = {key: Read(value) if isinstance(value, Mapping) else value for key, value in of.items()}
        self._seen: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        found = self._of[key]
        self._seen.add(key)
        return found

    def __iter__(self) -> Iterator[str]:
        self._seen.update(self._of)
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def kept(self) -> dict[str, Any]:
        """What was read."""
        found = {key: value for key, value in self._of.items() if key in self._seen}
        return {key: value.kept() if isinstance(value, Read) else value for key, value in found.items()}


def referred(documents: list[Path]) -> list[str]:
    """Names of the pictures in images/ that documents show."""
    texts = (path.read_text(encoding="utf-8") for path in documents)
    return sorted({name for text in texts for name in re.findall(r"images/(\w+)\.png", text)})


def keep(run: Path, figure: str, path: Path) -> None:
    """Draw a figure of a run again, with its values and what else it is drawn from beside it.

    path : of the picture

    Raises
    ------
    InputError
        If no experiment has such a figure, the run has not drawn it, or it is drawn from more than can be kept.
    """
    found = experiments.load(place("experiments", run))
    owner = next((key for key, e in found.items() if figure in e.figures), None)
    if owner is None:
        raise InputError(f"no experiment of {run} has a figure {figure}")
    kind, results = found[owner].figures[figure], run / "results"
    asked = catalogue.asked_of(kind, "draw")
    files = {name: results / file for name, file in _HELD_IN.items()} | {"verdict": results / owner / "verdict.json"}
    if more := [name for name in asked if name not in {*files, "observation"}]:
        raise InputError(f"figures of the kind {kind} are drawn from {', '.join(more)}, which is too much to be kept")
    source = results / owner / f"{figure}.csv"
    held: dict[str, Any] = {name: Read(read_json(files[name])) for name in asked if name in files}
    if "observation" in asked:
        held["observation"] = read_json(results / "configuration.json", ("data",))["data"]["observation"]
    try:
        drawn = _draw(kind, source, held)
    except KeyError as error:
        raise InputError(
            f"{source} or what it is drawn from has no {error}: draw the figures of {run} again"
        ) from error
    style.save_picture(drawn, path)
    kept = {name: one.kept() if isinstance(one, Read) else one for name, one in held.items()}
    shutil.copyfile(source, path.with_suffix(".csv"))
    write_json(path.with_suffix(".json"), {"kind": kind, "drawn_from": kept})


def redrawn(path: Path) -> Figure:
    """A picture drawn again from what is kept beside it."""
    kept = read_json(path.with_suffix(".json"), ("kind", "drawn_from"))
    return _draw(kept["kind"], path.with_suffix(".csv"), kept["drawn_from"])


def _draw(kind: str, source: Path, held: Mapping[str, Any]) -> Figure:
    settings = {"observation": held["observation"]} if "observation" in held else {}
    table = read_csv(source)
    if "scale" in table:
        table["scale"] = table["scale"].astype(str)  # a name: 100k, or 2000
    return catalogue.module(kind).draw(table, **{**held, **given.read(settings, {}, settings)})


def unlike(first: Path, second: Path) -> float:
    """How much of the ink of two pictures lies elsewhere: 0 where they are alike, towards 2 where nothing is."""
    ink = []
    for path in (first, second):
        with Image.open(path) as opened:
            grey = opened.convert("L")
            size = _WIDE, max(1, round(_WIDE * grey.height / grey.width))
            ink.append(255.0 - np.asarray(grey.resize(size, Image.Resampling.BOX), dtype=np.float64))
    rows = min(len(one) for one in ink)
    beyond = sum(one[rows:].sum() for one in ink)
    total = sum(one.sum() for one in ink) / 2
    return float((np.abs(ink[0][:rows] - ink[1][:rows]).sum() + beyond) / max(total, 1e-9))


def _wanted(names: list[str], suffix: str) -> Iterator[tuple[str, str]]:
    """(picture, figure) of what was named; else of what documents show and experiments draw."""
    if names:
        yield from ((f"{name}{suffix}", name) for name in names)
        return
    drawn = {figure for e in experiments.load("config/experiments").values() for figure in e.figures}
    for picture in referred([Path("README.md"), *sorted(Path("docs").rglob("*.md"))]):
        figure = picture.removesuffix(suffix)
        if picture.endswith(suffix) and figure in drawn:
            yield picture, figure


def main(arguments: list[str] | None = None) -> int:
    """The command above, in the folder of a checkout."""
    parser = argparse.ArgumentParser(prog="python -m logg1m.figures.pictures", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("names", nargs="*", help="figures; default: those that documents show")
    parser.add_argument("--as", dest="suffix", default="", help="put behind the names of the pictures")
    options = parser.parse_args(arguments)
    try:
        for picture, figure in _wanted(options.names, options.suffix):
            keep(options.run, figure, Path("docs/images") / f"{picture}.png")
            print(f"docs/images/{picture}.png")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
