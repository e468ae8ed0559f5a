"""`logg1m status`: where a run stands, once or again and again."""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from logg1m.config import load
from logg1m.experiments import catalogue
from logg1m.files import InputError
from logg1m.report import status
from logg1m.report.ending import PAGE, ending
from logg1m.report.roadmap import CANCELLED, DONE, PAUSED


def show(results: Path, experiments: Path, configuration: list[Path], logs: Path, width: int | None = None) -> str:
    """The board as text.

    Parameters
    ----------
    configuration : the run's configuration and overlays, for what is paused; none: nothing is
    width : of the terminal, where lines are cut; None: nothing is cut

    Raises
    ------
    InputError
        If there is no results folder, or an artifact or the configuration is not readable.
    """
    return _shown(results, experiments, configuration, logs, width)[0]


def _shown(
    results: Path, experiments: Path, configuration: list[Path], logs: Path, width: int | None
) -> tuple[str, bool]:
    """The board, and whether nothing is left to do."""
    if not results.is_dir():
        raise InputError(
            f"{results} is no folder; name the folder of a run: logg1m status RUN. A run begins with: snakemake --cores "
            f"all --directory {results.parent}"
        )
    found = catalogue.load(experiments)
    paused = load(*configuration).experiments.paused if configuration else ()
    artifacts = status.on_disk(results, found)
    left = status.time_left(logs, found)
    with artifacts.understood():
        cards = status.cards(artifacts, found, paused, status.running(logs, found), left)
        said = status.board(cards, artifacts, found, width)
    over = all(card.state in (DONE, CANCELLED, PAUSED) for card in cards)
    page = ending(results.parent / PAGE)
    return f"{said}\n\n{page}" if page and over else said, over


def watch(
    results: Path,
    experiments: Path,
    configuration: list[Path],
    logs: Path,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show the board again and again until nothing is left to do, or Ctrl-C."""
    while True:
        width = terminal_width()
        said, over = _shown(results, experiments, configuration, logs, width)
        clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() else ""
        sys.stdout.write(f"{clear}{said}\n")
        if over:
            return
        sys.stdout.write(f"\nEvery {seconds:g} s; Ctrl-C ends watching, not the run.\n")
        sys.stdout.flush()
        sleep(seconds)


def terminal_width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
