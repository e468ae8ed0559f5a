"""What was accepted, and the model that the answer names, on stars that chose nothing: from saved models to an artifact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.baselines import boosting, ridge
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments import fresh as stars
from logg1m.experiments.fresh import Fresh
from logg1m.experiments.judging import confirming
from logg1m.experiments.judging.errors import LOSS_UNDER, Runs
from logg1m.experiments.models.restored import restore
from logg1m.experiments.task import Task
from logg1m.files import read_json, read_tensors
from logg1m.nn import robustness
from logg1m.nn.learner import Learner
from logg1m.protocol.pools import noisy_rows
from logg1m.results.run import METRICS, MODEL, empty

Tables = dict[str, list[pd.DataFrame]]  # variant → one table per seed
_BATCH = 1024


@dataclass(frozen=True)
class Saved:
    """The runs of one variant, on the disk.

    variant : its name in the experiment
    run : its folder inside results/, the name by which it is known elsewhere
    folders : of every seed
    """

    variant: str
    run: str
    folders: tuple[Path, ...]

    @property
    def recipe(self) -> dict[str, Any]:
        """All that was trained."""
        return dict(read_json(self.folders[0] / METRICS, ("recipe",))["recipe"])

    @property
    def models(self) -> list[Path]:
        return [folder / MODEL for folder in self.folders]


TaskOf = Callable[[Saved, int], Task]  # runs and number of the seed → what they were fitted to


def of_experiment(
    experiment: Experiment,
    verdict: Mapping[str, Any],
    saved: list[Saved],
    task_of: TaskOf,
    fresh: Fresh,
    seed_scatter: Mapping[str, float],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """What `judging.confirming.confirm` finds for one experiment in which something was accepted."""
    assert experiment.acceptance is not None
    moved = any(c.metric in LOSS_UNDER for c in experiment.acceptance.criteria)
    tables: Tables = {}
    under: Tables = {}
    for each in saved:
        found = [ask(task_of(each, k), path, fresh, moved) for k, path in enumerate(each.models)]
        tables[each.variant] = [predicted for predicted, _ in found]
        if all(len(table) for _, table in found):
            under[each.variant] = [table for _, table in found]
    runs = Runs.of(tables, fresh.members, fresh.labels, under)
    return confirming.confirm(experiment, verdict, runs, seed_scatter, bootstrap, seed)


def ask(task: Task, model: Path, fresh: Fresh, moved: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions of a saved model on fresh stars and, if asked for, those of the low-noise ones under the conditions of
    `nn.robustness` (an empty table of a model that is no network)."""
    fitted = restore(task, read_tensors(model))
    table, under = stars.predictions(task, fitted, fresh), empty("robustness")
    if moved and isinstance(fitted.module, Learner):
        rows = np.flatnonzero(fresh.members["low_noise"].to_numpy(dtype=bool))
        some = stars.prepared(task.prepare.of_stars(fresh.labels), fresh, rows)
        under = robustness.predictions(fitted.module, some, task.store.wave, rows, task.prepare.device)
    return table, under


def ask_classical(name: str, path: Path, fresh: Fresh, seed: int, level: float) -> pd.DataFrame:
    """Predictions of a saved model of MVP-0.B on fresh stars."""
    tensors, parts = read_tensors(path), []
    for low in range(0, len(fresh.ids), _BATCH):
        part = slice(low, low + _BATCH)
        noisy = noisy_rows(fresh.flux[part], fresh.error[part], fresh.ids[part], seed, level, draw=0)
        of_ridge = name.startswith("ridge")
        parts.append(ridge.from_tensors(tensors, name, noisy) if of_ridge else boosting.from_tensors(tensors, noisy))
    truth = fresh.labels["logg"].to_numpy()
    return pd.DataFrame({"id": np.arange(len(truth)), "truth": truth, "predicted": np.concatenate(parts)})


def of_winner(
    on_fresh: list[pd.DataFrame],
    on_test: list[pd.DataFrame],
    fresh: Fresh,
    members: pd.DataFrame,
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """What `judging.confirming.winner` finds on low-noise stars and on all, {low_noise, full}; tables per seed."""
    found = {}
    for subset in ("low_noise", "full"):
        new = [_of(table, fresh.members, subset) for table in on_fresh]
        old = [_of(table, members, subset) for table in on_test]
        found[subset] = confirming.winner(_errors(new), _errors(old), bootstrap, seed)
    return found


def _of(table: pd.DataFrame, members: pd.DataFrame, subset: str) -> pd.DataFrame:
    if subset == "full":
        return table
    return table[members.loc[table["id"], "low_noise"].to_numpy(dtype=bool)]


def _errors(tables: list[pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    ordered = [table.sort_values("id") for table in tables]
    truth = ordered[0]["truth"].to_numpy(dtype=np.float64)
    return truth, np.stack([(t["predicted"] - t["truth"]).to_numpy(dtype=np.float64) for t in ordered])
