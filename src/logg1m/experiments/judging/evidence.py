"""The artifacts of an experiment's runs, read once for its verdict, its further reports and its figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging import epochs
from logg1m.experiments.judging.errors import Runs
from logg1m.files import read_parquet
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth
from logg1m.results import run as files
from logg1m.spectra.store import Store


@dataclass(frozen=True)
class Evidence:
    """The artifacts of an experiment's runs, and what they are compared with.

    predictions, histories, validations, gradients, robustness, attention, reconstructions, metrics : variant → one per seed
    times : variant → provenance.json per seed, where a figure shows seconds; nothing that is decided may read it
    denoisers : kind → folder of the first seed of the denoisers that variants use
    members : columns snr, low_noise, pool, rank, by spectrum id
    labels : labels of every spectrum, by spectrum id
    stars : bounds per low-noise star (bounds.parquet); pixels : per-pixel statistics (pixels.parquet)
    sensitivity : MVP-1.1's curve
    seed_scatter : metric → scatter between seeds that is assumed, where differences are reported
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
    validations: dict[str, list[pd.DataFrame]]
    gradients: dict[str, list[pd.DataFrame]]
    robustness: dict[str, list[pd.DataFrame]]
    attention: dict[str, list[pd.DataFrame]]
    reconstructions: dict[str, list[pd.DataFrame]]
    metrics: dict[str, list[dict[str, Any]]]
    times: dict[str, list[dict[str, Any]]]
    denoisers: dict[str, Path]
    bootstrap: Bootstrap
    seed: int
    seed_scatter: Mapping[str, float] = field(default_factory=dict)

    @property
    def runs(self) -> Runs:
        """The errors of every variant on the same spectra."""
        found = Runs.of(self.predictions, self.members, self.labels, self.robustness)
        leaky = frozenset(name for name in self.predictions if self.experiment.variants[name].leaky)
        work = {name: (float(m[0]["n_fit"]), pretraining_passes(m[0])) for name, m in self.metrics.items()}
        scores = epochs.scores(self.histories)
        drawn = epochs.resampled(self.validations, self.bootstrap, self.seed)
        return replace(found, scores=scores, resampled=drawn, work=work, seed_scatter=self.seed_scatter, leaky=leaky)

    def tests(self, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Predictions on the low-noise test and on the full test, by the name of the test."""
        low = self.members.loc[predictions["id"], "low_noise"].to_numpy(dtype=bool)
        return {"low_noise": predictions[low], "full": predictions}


def pretraining_passes(metrics: Mapping[str, Any]) -> float:
    """Operations of a run's pretraining, in passes of one spectrum through its supervised training."""
    report = metrics.get("pretraining")
    return float(report["equivalent_spectra"]) if report else 0.0


def read(
    experiment: Experiment,
    variants: list[str],
    folders: list[str],
    given: Any,
    bootstrap: Bootstrap,
    seed: int,
    seed_scatter: Mapping[str, float] | None = None,
) -> Evidence:
    """Read the runs of an experiment.

    Parameters
    ----------
    variants, folders : the variant of every run, and its folder
    given : the other inputs of the rule: manifest, members, snr, stars, pixels, sensitivity, times (files in the
        order of the runs, or none), and denoisers (any of their files, or none)
    """
    runs: dict[str, list[files.Run]] = {}
    times: dict[str, list[dict[str, Any]]] = {}
    for name, folder in zip(variants, folders):
        runs.setdefault(name, []).append(files.read(Path(folder)))
    for name, path in zip(variants, given.times):
        times.setdefault(name, []).append(files.read_provenance(Path(path).parent))

    def every(table: str) -> dict[str, list[Any]]:
        """Variant → one table of a run, or its metrics, per seed."""
        return {name: [getattr(run, table) for run in of_seeds] for name, of_seeds in runs.items()}

    store = Store(given.manifest)
    labels = store.labels()
    truth = pd.DataFrame({"id": np.arange(store.n_spectra), "truth": labels["logg"].to_numpy()})
    of_runs = [run.predictions for of_seeds in runs.values() for run in of_seeds]
    require_one_truth({str(given.manifest): truth} | dict(zip(map(str, folders), of_runs)))
    return Evidence(
        experiment,
        store,
        read_members(given.members, given.snr),
        labels,
        read_parquet(given.stars, ("id",)),
        read_parquet(given.pixels),
        read_parquet(given.sensitivity),
        every("predictions"),
        every("history"),
        every("validation"),
        every("gradient"),
        every("robustness"),
        every("attention"),
        every("reconstruction"),
        every("metrics"),
        times,
        {Path(path).parents[1].name: Path(path).parent for path in given.denoisers},
        bootstrap,
        seed,
        seed_scatter or {},
    )
