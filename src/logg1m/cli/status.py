"""`logg1m status`: the kanban in the terminal."""

from pathlib import Path

from logg1m.config import load
from logg1m.experiments import catalogue
from logg1m.files import InputError
from logg1m.report import status


def show(results: Path, experiments: Path, configuration: list[Path], logs: Path) -> str:
    """The board as text.

    Parameters
    ----------
    configuration : the run's configuration and overlays, for what is paused; none: nothing is

    Raises
    ------
    InputError
        If there is no results folder, or an artifact or the configuration is not readable.
    """
    if not results.is_dir():
        raise InputError(f"{results} is no folder; name the folder of a run: logg1m status RUN")
    found = catalogue.load(experiments)
    paused = load(*configuration).experiments.paused if configuration else ()
    artifacts = status.on_disk(results, found)
    cards = status.cards(artifacts, found, paused, status.running(logs, found))
    return status.board(cards, artifacts, found)
