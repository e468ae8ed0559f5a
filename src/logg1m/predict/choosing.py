"""Which fitted model goes into the folder, with the task that it was fitted to: never one that is best on the test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.bounds.choice import RULE
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import scales
from logg1m.experiments.task import Given, RunSetting, Task
from logg1m.files import InputError, read_json, read_parquet, read_tensors
from logg1m.predict.kinds import refusal
from logg1m.predict.selection import Origin, chosen_seed
from logg1m.results.run import METRICS, MODEL
from logg1m.spectra.store import Store

_COLUMNS = ("id", "truth", "predicted")


@dataclass(frozen=True)
class Setting:
    """What models were fitted to; train_size by kind of model."""

    store: Store
    members: pd.DataFrame
    protocol: Protocol
    seed: int
    train_size: dict[str, int]
    test_size: int
    projection: Projection
    network: Network
    compute: Compute
    sensitivity: pd.DataFrame | None
    pixels: pd.DataFrame | None

    def task(self, recipe: Recipe, number: int, title: str) -> Task:
        """What a run was fitted to."""
        size = self.train_size[recipe.model]
        setting = RunSetting(
            self.seed, number, size, self.test_size, (), LightGBMConfig(), self.protocol, Bootstrap(), Observation(),
            self.network, "", self.projection,
        )  # fmt: skip
        given = Given(self.store, self.members, self.sensitivity, self.pixels)
        return Task.of(given, recipe, setting, self.compute, Path("results/.state"), title)


def of_projection(model: Path, setting: Setting) -> tuple[Task, dict[str, np.ndarray], Origin]:
    """The projection of MVP-0.B whose weights are in `model`."""
    report = read_json(model.with_suffix(".json"), ("scale", "chosen"))
    shape, size = setting.projection, int(report["scale"])
    task = scales.task_at(
        setting.store, size, setting.protocol, shape, setting.seed, setting.compute, Path("results/.state")
    )
    chosen = {
        "model": f"{model.parent.name}/{model.stem}",
        "rule": "the best epoch on validation stars, at the largest scale",
    }
    chosen |= {"validation_r2": report["chosen"].get("validation_r2")}
    test = _scores(read_parquet(model.with_suffix(".parquet"), _COLUMNS), setting.members)
    return task, read_tensors(model), Origin(chosen, test)


def of_winner(
    winner: dict[str, Any], models: list[Path], setting: Setting
) -> tuple[Task, dict[str, np.ndarray], Origin]:
    """The model that `winner.json` names or, where it cannot be applied to other spectra, the next on validation.

    Parameters
    ----------
    models : weights of all runs, and of the classical models

    Raises
    ------
    InputError
        If no model can.
    """
    by_run: dict[str, list[Path]] = {}
    for path in models:
        if path.name == MODEL:
            by_run.setdefault(path.parents[1].relative_to("results").as_posix(), []).append(path)
    projection = next((path for path in models if path.stem.startswith(f"{scales.NAME}_")), None)
    ordered = sorted(winner["rmse"], key=lambda name: winner["rmse"][name]["value"])
    left_out: dict[str, str] = {}
    for name in [winner["model"], *(other for other in ordered if other != winner["model"])]:
        if name == scales.NAME and projection is not None:
            task, tensors, origin = of_projection(projection, setting)
            return task, tensors, Origin(origin.chosen | {"rule": RULE, "left_out": left_out}, origin.measured)
        if name not in by_run:
            left_out[name] = "a classical model of MVP-0.B, whose saved form has no recipe"
            continue
        folders = [path.parent for path in by_run[name]]
        metrics = read_json(folders[0] / METRICS, ("recipe", "low_noise", "full"))
        recipe = Recipe(**metrics["recipe"])
        if why := refusal(recipe):
            left_out[name] = why
            continue
        number = chosen_seed(folders, setting.members["low_noise"])
        chosen = {"model": f"{name}/seed_{number}", "rule": RULE, "validation_rmse": winner["rmse"][name]}
        metrics = read_json(folders[number] / METRICS, ("low_noise", "full"))
        measured = {f"test_{key}": metrics[key] for key in ("full", "low_noise")}
        task = setting.task(recipe, number, f"select_model {name}")
        return task, read_tensors(folders[number] / MODEL), Origin(chosen | {"left_out": left_out}, measured)
    raise InputError(f"no model of the roadmap can be put into a folder: {left_out}")


def _scores(table: pd.DataFrame, members: pd.DataFrame) -> dict[str, Any]:
    """R², MAE and RMSE on the test spectra, all and low-noise ones."""
    found = {}
    low = members.loc[table["id"], "low_noise"].to_numpy(dtype=bool)
    for name, rows in (("test_full", np.ones(len(table), dtype=bool)), ("test_low_noise", low)):
        truth = table["truth"].to_numpy(dtype=np.float64)[rows]
        error = table["predicted"].to_numpy(dtype=np.float64)[rows] - truth
        found[name] = {
            "n": len(truth),
            "r2": float(1 - np.mean(error**2) / truth.var()),
            "mae": float(np.abs(error).mean()),
            "rmse": float(np.sqrt(np.mean(error**2))),
        }
    return found
