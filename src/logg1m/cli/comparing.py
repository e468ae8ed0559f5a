"""`logg1m compare`: two or more runs side by side."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any


def add(add: Any) -> None:
    """The command's place on the command line."""
    command = add(
        "compare",
        run,
        "two or more runs side by side",
        "The answer of every run, the verdicts and decisions that differ, and the settings that differ. The first run\n"
        "is the one that the others are compared with.",
    )
    command.add_argument("folders", metavar="RUN", nargs="+", help="folders of runs")
    command.add_argument("--page", metavar="FILE", help="write it as a page (HTML), too")


def run(options: argparse.Namespace) -> int:
    from logg1m.cli.status import terminal_width
    from logg1m.files import InputError, write_text
    from logg1m.report import compare

    folders = [Path(folder) for folder in options.folders]
    if len(folders) < 2:
        raise InputError("compare needs two runs or more: logg1m compare RUN RUN")
    runs = [compare.read(folder) for folder in folders]
    with ExitStack() as stack:
        for each in runs:
            stack.enter_context(each.roadmap.artifacts.understood())
        tables = compare.tables(runs)
    print(compare.text(tables, terminal_width()))
    if options.page:
        write_text(Path(options.page), compare.page(tables))
        print(f"\nThe page: {Path(options.page).resolve()}")
    return 0
