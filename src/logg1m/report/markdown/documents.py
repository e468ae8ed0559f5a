"""Markdown and CSV documents of the roadmap, from one `Roadmap`; texts alone, and one function that writes them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from logg1m.files import write_text
from logg1m.report import history
from logg1m.report.history import Change
from logg1m.report.markdown import cards, overview
from logg1m.report.markdown.text import Markdown, link, table, text
from logg1m.report.roadmap import Mvp, Roadmap
from logg1m.results.conditions import NAME as CONDITIONS

# Whatever a template puts in is escaped on its way out, unless it is Markdown by type.
_TEMPLATES = Environment(
    loader=PackageLoader("logg1m.report.templates", "markdown"),
    finalize=text,
    undefined=StrictUndefined,
    trim_blocks=False,
    keep_trailing_newline=True,
)


def roadmap_text(roadmap: Roadmap) -> str:
    """roadmap.md."""
    tables = {part.__name__: part(roadmap) for part in overview.PARTS}
    identity = table(("what", "value"), roadmap.identity)
    about = {"roadmap": roadmap, "answer": roadmap.answer, "identity": identity, "conditions": _conditions(roadmap)}
    return _filled("roadmap", **about, **tables)


def kanban_text(roadmap: Roadmap) -> str:
    """kanban.md."""

    def report_link(mvp: Mvp) -> Markdown:
        return link("report", mvp.report)

    columns = list(roadmap.columns().items())
    return _filled("kanban", columns=columns, report_link=report_link, conditions=_conditions(roadmap))


def _conditions(roadmap: Roadmap) -> str:
    return dict(roadmap.identity).get(CONDITIONS, "not recorded")


def report_text(mvp: Mvp, conditions: str = "not recorded") -> str:
    """The report of one experiment, verdict first; `conditions`: under which its spectra were observed."""
    return _filled(
        "report",
        conditions=conditions,
        mvp=mvp,
        scope=cards.scope(mvp, conditions),
        reproduction=cards.reproduction(mvp),
        checks=cards.checks(mvp),
        criteria=cards.criteria(mvp),
        low_noise=cards.metrics(mvp, "low_noise"),
        full=cards.metrics(mvp, "full"),
        snr_bins=cards.snr_bins(mvp),
        efficiency=cards.efficiency(mvp),
        times=cards.times(mvp),
        tables=list(cards.own_tables(mvp)),
        figures=list(cards.figures(mvp)),
    )


def changelog_text(changes: Sequence[Change]) -> str:
    """changelog.md."""
    return _filled("changelog", changes=table(("date", "change", "sections"), changes))


def index_text(roadmap: Roadmap, project: str) -> str:
    """index.csv; a value that a spreadsheet would take for a formula gets an apostrophe, as spreadsheets do."""
    stream = io.StringIO()
    rows = overview.index_rows(roadmap, project)
    writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: f"'{value}" if value[:1] in tuple("=+-@\t") else value for name, value in row.items()})
    return stream.getvalue()


def _filled(name: str, **values: Any) -> str:
    return _TEMPLATES.get_template(f"{name}.md.j2").render(**values).rstrip("\n") + "\n"


def write(roadmap: Roadmap, folder: Path, project: str, remembered: Path) -> None:
    """Write every document into a folder; `remembered` is where the changelog's history lies."""
    changes = history.update(remembered, history.snapshot(roadmap))
    write_text(folder / "roadmap.md", roadmap_text(roadmap))
    write_text(folder / "kanban.md", kanban_text(roadmap))
    write_text(folder / "index.csv", index_text(roadmap, project))
    write_text(folder / "changelog.md", changelog_text(changes))
    for mvp in roadmap.mvps:
        write_text(folder / mvp.report, report_text(mvp, _conditions(roadmap)))
