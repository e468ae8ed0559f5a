"""What is told of the experiments that have rules of their own (MVP-0.A, 0.B, 1.1): a module for each, by artifact."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from logg1m.report.foundations import fisher, protocol, scaling
from logg1m.report.roadmap import Check
from logg1m.report.tables import View
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import model_name


class Foundation(Protocol):
    """What a module has; `content` is always the top of its artifact."""

    VIEWS: Mapping[str, tuple[View, ...]]  # tables of the artifacts in its folder, by their names inside results/
    KEY_NUMBER: tuple[str, str]  # where the number that it is remembered by stands, and what it is

    def scope(self, content: Cursor, artifacts: Artifacts) -> Iterator[tuple[str, str]]:
        """Which models, at which scales, on which test sets, as rows (what, words)."""

    def tested(self, content: Cursor) -> tuple[int | None, int | None]:
        """Spectra of the full test and of the low-noise test that its numbers rest on."""

    def checks(self, content: Cursor, artifacts: Artifacts) -> Iterator[Check]:
        """Its sanity checks."""

    def why(self, content: Cursor) -> str:
        """Why its verdict is what it is; empty where there is nothing to make a sentence from."""


OF_ARTIFACT: dict[str, Foundation] = {
    "mvp_0_a/protocol.json": protocol,
    "mvp_0_b/scaling.json": scaling,
    "mvp_1_1/fisher.json": fisher,
}


def key_number(name: str, content: Cursor) -> tuple[str, Cursor | None]:
    """(what it is, the number) of an artifact; where several match, the largest, which decides about a ceiling."""
    if name not in OF_ARTIFACT:
        return "", None
    pattern, what = OF_ARTIFACT[name].KEY_NUMBER
    found = [(number, keys) for place, keys in content.matching(pattern) if (number := place.number())]
    best = max(found, key=lambda pair: pair[0].value or 0.0, default=None)
    return (what.format(*map(model_name, best[1])), best[0]) if best else ("", None)
