"""Whose residuals the page maps: the classical models at the largest scale, the reference, and accepted variants."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from logg1m.files import read_parquet
from logg1m.report.roadmap import DONE, Roadmap

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
        for name, rows in table[table["scale"] == scale].groupby("model", sort=False):
            if name in _CLASSICAL:
                found[f"{name}, MVP-0.B"] = (rows, file)
    wanted = dict(_wanted(roadmap))
    for file in dict.fromkeys(runs):
        folder = str(Path(file).parent)
        if folder in wanted and Path(file).exists():
            found[wanted[folder]] = (read_parquet(file, _COLUMNS), file)
    best = roadmap.answer
    first = [name for name in found if name.endswith(f"MVP-{best.mvp}") and name.split(", ")[0] in best.model]
    return {name: found[name] for name in [*first, *(n for n in found if n not in first)]}


def _wanted(roadmap: Roadmap) -> Iterator[tuple[str, str]]:
    """Folder of the first seed → name, of the variants that the page shows."""
    reference = False
    for mvp in roadmap.mvps:
        for variant in mvp.variants if mvp.state == DONE else ():
            first = variant.role == "reference" and not reference
            answered = mvp.id == roadmap.answer.mvp and roadmap.answer.model.endswith(f", {variant.label}")
            if variant.files and (first or answered or variant.name == mvp.best):
                reference |= first
                yield str(Path(variant.files[0]).parent), f"{variant.label}, MVP-{mvp.id}"
