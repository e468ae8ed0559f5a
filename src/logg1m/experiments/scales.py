"""A projection beside the classical models of MVP-0.B: trained on the stored spectra of one scale, with fresh noise."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments.models import projection as model
from logg1m.experiments.reading import Role, gather
from logg1m.experiments.task import Given, RunSetting, Task
from logg1m.protocol.pools import Pools
from logg1m.spectra import passes
from logg1m.spectra.store import Store

NAME = "projection"


def task_at(
    store: Store,
    size: int,
    protocol: Protocol,
    shape: Projection,
    seed: int,
    compute: Compute,
    state: Path,
    code: str = "",
) -> Task:
    """What is fitted at the scale of `size` spectra; the code counts for a training alone."""
    pools = Pools.of(store, seed, protocol)
    split = pools.split(size)
    n_train = len(split.fit) + (0 if pools.validation is not None else len(split.validation))
    setting = RunSetting(
        seed, 0, n_train, len(pools.common_test), (), LightGBMConfig(), protocol, Bootstrap(), Observation(), Network(),
        code, shape,
    )  # fmt: skip
    given = Given(store, pd.DataFrame())  # who is in which pool matters to recipes that train on some spectra only
    return Task.of(given, Recipe(model="projection"), setting, compute, state, NAME)


def projection_at(task: Task, size: int) -> tuple[dict[str, pd.DataFrame], dict[str, Any], dict[str, np.ndarray]]:
    """Train (or resume) by a task of `task_at`, and predict.

    Returns
    -------
    predictions on the common test and selection, those on the validation stars of the largest scale: columns model, scale,
    id, truth, predicted (dex); what there is to say of the training, as plain JSON; and the fitted model
    """
    store, compute, shape = task.store, task.compute, task.setting.projection
    pools = Pools.of(store, task.setting.seed, task.setting.protocol)
    fitted = model.fit(task)
    asked = {"predictions": pools.common_test, "selection": pools.choosing}

    def predicted(chunk: int, ids: Any) -> tuple[Any, ...]:
        spectra = task.prepare.rows(chunk, ids, 0).reshape(len(ids), 1, -1)
        return (fitted.predict(spectra)[0][:, 0],)

    with passes.all_threads(compute):
        found = gather(store, {name: Role(ids, predicted) for name, ids in asked.items()}, compute)
    tables = {
        name: pd.DataFrame(
            {"model": NAME, "scale": size, "id": ids, "truth": task.targets[ids, 0], "predicted": found[name][0]}
        )
        for name, ids in asked.items()
    }
    report = {"scale": size, "n_fit": len(task.rows.fit), "setting": shape.model_dump(mode="json", exclude={"threads"})}
    return tables, report | {"chosen": fitted.chosen, "history": fitted.history}, fitted.tensors
