"""One variant with one seed: train, evaluate, and write what verdicts and reports read."""

import time
from pathlib import Path

import pandas as pd

from logg1m.config.compute import Compute
from logg1m.config.experiments import Recipe
from logg1m.experiments.evaluate import evaluate
from logg1m.experiments.task import Given, RunSetting, Task, fitter
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.provenance import versions
from logg1m.results import run as files


def run(
    given: Given,
    recipe: Recipe,
    setting: RunSetting,
    compute: Compute,
    folder: Path,
    state: Path,
    posteriors: pd.DataFrame | None = None,
) -> files.Run:
    """Train and evaluate; writes the files of a run.

    Parameters
    ----------
    folder : where they go, <mvp>/<variant>/seed_<k>
    state : folder for the resumable state of a training
    posteriors : Bayes posteriors of low-noise test spectra (see `bounds.bayes`), for the efficiency
    """
    started = time.monotonic()
    task = Task.of(given, recipe, setting, compute, state, f"{folder.parent.parent.name} {folder.parent.name}")
    fitted = fitter(recipe.model)(task)
    found = evaluate(task, fitted, given.members, posteriors)
    provenance = {
        "seconds": time.monotonic() - started,
        "threads": min(compute.threads, usable_cores()),
        **fitted.timings,
        "versions": versions(),
    }
    files.write(found, fitted.tensors, provenance, folder)
    return found
