"""Whose residuals the page maps: the classical models at the largest scale, the reference, and accepted variants."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from logg1m.files import read_parquet
from logg1m.report.roadmap import DONE, Roadmap
from logg1m.results.words import model_name

_CLASSICAL = ("ridge_full", "lightgbm")
_COLUMNS = ("id", "truth", "predicted")


def predictions(
    roadmap: Roadmap, classical: Iterable[str], runs: Iterable[str], scale: int
) -> dict[str, tuple[pd.DataFrame, str]]:
    """Name → (columns id, truth, predicted; the file they came from), the best model first.

    Parameters
    ----------
    classical : predictions of MVP-0.B, columns model, scale beside the others
    runs : predictions of variants, <mvp>/<variant>/seed_<k>/predictions.parquet; the first seed is shown
    scale : the largest scale, in spectra
    """
    found: dict[str, tuple[pd.DataFrame, str]] = {}
    for file in classical:
        table = read_parquet(file, ("model", "scale", *_COLUMNS))
        # A model that stops below the largest scale shows its own largest one.
        largest = min(scale, int(table["scale"].max()))
        for name, rows in table[table["scale"] == largest].groupby("model", sort=False):
            if name in _CLASSICAL:
                found[f"{model_name(str(name))}, MVP-0.B"] = (rows, file)
    wanted = dict(_wanted(roadmap))
    for file in dict.fromkeys(runs):
        folder = str(Path(file).parent)
        if folder in wanted and Path(file).exists():
            found[wanted[folder]] = (read_parquet(file, _COLUMNS), file)
    best = roadmap.answer.runs
    first = [name for name, (_, file) in found.items() if best and f"/{best}/" in f"/{file}"]
    first += [name for name in found if name.startswith(f"{model_name(best.split('/')[0])}, MVP-0.B")]
    return {name: found[name] for name in [*first, *(n for n in found if n not in first)]}


def _wanted(roadmap: Roadmap) -> Iterator[tuple[str, str]]:
    """Folder of the first seed → name, of the variants that the page shows."""
    reference, seen = False, set()
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            first = variant.role == "reference" and not reference
            answered = variant.runs == roadmap.answer.runs
            if variant.files and variant.runs not in seen and (first or answered or variant.name == mvp.best):
                reference |= first
                seen.add(variant.runs)  # several experiments may use the same runs
                yield str(Path(variant.files[0]).parent), f"{variant.label}, MVP-{mvp.id}"
