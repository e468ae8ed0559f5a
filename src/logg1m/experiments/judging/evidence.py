"""The artifacts of an experiment's runs, read once for its verdict, its further reports and its figures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.fitted import EXAMPLE_COLUMNS
from logg1m.experiments.judging import epochs
from logg1m.experiments.judging.errors import Runs
from logg1m.experiments.kinds import EXTRAS, FIGURES
from logg1m.files import read_csv, read_json, read_parquet
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth
from logg1m.spectra.store import Store


@dataclass(frozen=True)
class Evidence:
    """The artifacts of an experiment's runs, and what they are compared with.

    predictions, histories, gradients, robustness, attention, reconstructions, metrics : variant → one per seed
    times : variant → provenance.json per seed, where a figure shows seconds; nothing that is decided may read it
    denoisers : kind → folder of the first seed of the denoisers that variants use
    members : columns snr, low_noise, pool, rank, by spectrum id
    labels : labels of every spectrum, by spectrum id
    stars : bounds per low-noise star (bounds.parquet); pixels : per-pixel statistics (pixels.parquet)
    sensitivity : MVP-1.1's curve
    """

    experiment: Experiment
    store: Store
    members: pd.DataFrame
    labels: pd.DataFrame
    stars: pd.DataFrame
    pixels: pd.DataFrame
    sensitivity: pd.DataFrame
    predictions: dict[str, list[pd.DataFrame]]
    histories: dict[str, list[pd.DataFrame]]
    gradients: dict[str, list[pd.DataFrame]]
    robustness: dict[str, list[pd.DataFrame]]
    attention: dict[str, list[pd.DataFrame]]
    reconstructions: dict[str, list[pd.DataFrame]]
    metrics: dict[str, list[dict[str, Any]]]
    times: dict[str, list[dict[str, Any]]]
    denoisers: dict[str, Path]
    bootstrap: Bootstrap
    seed: int

    @property
    def runs(self) -> Runs:
        """The errors of every variant on the same spectra."""
        found = Runs.of(self.predictions, self.members, self.labels, self.robustness)
        return replace(found, scores=epochs.scores(self.histories))


def read(
    experiment: Experiment, variants: list[str], folders: list[str], given: Any, bootstrap: Bootstrap, seed: int
) -> Evidence:
    """Read the runs of an experiment.

    Parameters
    ----------
    variants, folders : the variant of every run, and its folder
    given : the other inputs of the rule: manifest, members, snr, stars, pixels, sensitivity, times (files in the
        order of the runs, or none), and denoisers (any of their files, or none)
    """
    predictions: dict[str, list[pd.DataFrame]] = {}
    histories: dict[str, list[pd.DataFrame]] = {}
    gradients: dict[str, list[pd.DataFrame]] = {}
    robustness: dict[str, list[pd.DataFrame]] = {}
    attention: dict[str, list[pd.DataFrame]] = {}
    reconstructions: dict[str, list[pd.DataFrame]] = {}
    metrics: dict[str, list[dict[str, Any]]] = {}
    times: dict[str, list[dict[str, Any]]] = {}
    for name, path in zip(variants, given.times):
        times.setdefault(name, []).append(read_json(path, ("seconds",)))
    for name, folder in zip(variants, map(Path, folders)):
        table = read_parquet(folder / "predictions.parquet", ("id", "truth", "predicted"))
        predictions.setdefault(name, []).append(table)
        histories.setdefault(name, []).append(read_csv(folder / "history.csv"))
        gradients.setdefault(name, []).append(read_csv(folder / "gradient.csv", ("wave", "visible", "gradient")))
        robustness.setdefault(name, []).append(read_parquet(folder / "robustness.parquet", ("id",)))
        attention.setdefault(name, []).append(read_csv(folder / "attention.csv", ("layer", "low", "high", "attention")))
        reconstructions.setdefault(name, []).append(read_csv(folder / "reconstruction.csv", EXAMPLE_COLUMNS))
        metrics.setdefault(name, []).append(read_json(folder / "metrics.json", ("low_noise", "full")))
    store = Store(given.manifest)
    labels = store.labels()
    truth = pd.DataFrame({"id": np.arange(store.n_spectra), "truth": labels["logg"].to_numpy()})
    of_runs = [table for tables in predictions.values() for table in tables]
    require_one_truth({str(given.manifest): truth} | dict(zip(map(str, folders), of_runs)))
    return Evidence(
        experiment,
        store,
        read_members(given.members, given.snr),
        labels,
        read_parquet(given.stars, ("id",)),
        read_parquet(given.pixels),
        read_parquet(given.sensitivity),
        predictions,
        histories,
        gradients,
        robustness,
        attention,
        reconstructions,
        metrics,
        times,
        {Path(path).parents[1].name: Path(path).parent for path in given.denoisers},
        bootstrap,
        seed,
    )


def extra(name: str, evidence: Evidence) -> Any:
    """One further report of an experiment, plain JSON."""
    return import_module(EXTRAS[name]).extra(evidence)


def draw(kind: str, verdict: dict[str, Any], evidence: Evidence, path: Path) -> None:
    """One figure of an experiment and its CSV."""
    drawer: Callable[[str, dict[str, Any], Evidence, Path], None] = import_module(FIGURES[kind]).draw
    drawer(kind, verdict, evidence, path)
