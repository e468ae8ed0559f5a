"""What a fitted model of any kind does on the test: predictions and how good they are, and what it looks at."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import metrics
from logg1m.bounds.efficiency import efficiency
from logg1m.config.compute import Compute
from logg1m.experiments.data import Preparation
from logg1m.experiments.judging.bias import BIN_WIDTH, bias_table
from logg1m.experiments.models import EXAMINED_BY
from logg1m.experiments.reading import Role, Room, gather
from logg1m.experiments.task import TARGETS, Fitted, Task
from logg1m.inputs.windows import width_angstrom
from logg1m.protocol.pools import Pools
from logg1m.results.run import Run, empty
from logg1m.spectra import passes

_GRADIENT_ROWS = 256  # low-noise test spectra behind the mean
_BATCH = 64


@dataclass(frozen=True)
class Examination:
    """What one kind of model is asked beyond its predictions: tables of a run, and the probe of a pretraining."""

    robustness: pd.DataFrame = field(default_factory=lambda: empty("robustness"))
    attention: pd.DataFrame = field(default_factory=lambda: empty("attention"))
    probe: dict[str, Any] | None = None


def evaluate(task: Task, fitted: Fitted, members: pd.DataFrame, posteriors: pd.DataFrame | None) -> Run:
    """Everything that is known of a fitted model.

    Parameters
    ----------
    members : columns snr, low_noise, indexed by spectrum id
    posteriors : Bayes posteriors of low-noise test spectra (see `bounds.bayes`), for the efficiency
    """
    gc.collect()  # a trainer refers to itself, and holds spectra that are needed no more
    low_noise = members.loc[task.rows.test, "low_noise"].to_numpy(dtype=bool)
    with Room(task.state) as room:
        choosing = choosing_rows(task, members)
        spectra = read(task, room, {"test": task.rows.test, "choosing": choosing})
        test, held_out = spectra["test"], spectra.get("choosing")
        with passes.all_threads(task.compute):
            predictions = predict(task, fitted, task.rows.test, test)
            selection = empty("selection") if held_out is None else predict(task, fitted, choosing, held_out)
            examined = _examine(task, fitted, test, low_noise)
    gradient = np.full(task.store.n_pixels, np.nan)
    if fitted.differentiable is not None and low_noise.any():
        gradient = input_gradient(task.prepare, fitted.differentiable, task.rows.test[low_noise])
    visible = task.prepare.view.visible
    return Run(
        metrics=_metrics(task, fitted, predictions, members, posteriors, examined.probe),
        predictions=predictions,
        selection=selection,
        history=pd.DataFrame(fitted.history),
        validation=empty("validation") if fitted.validation is None else fitted.validation,
        gradient=pd.DataFrame({"wave": task.store.wave, "visible": visible.astype(int), "gradient": gradient}),
        robustness=examined.robustness,
        attention=examined.attention,
        reconstruction=empty("reconstruction") if fitted.examples is None else fitted.examples,
    )


def read(task: Task, room: Room, ids: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Prepared spectra (N, C, P) of the ids of every role that has any, with the frozen draw of noise."""
    roles = {name: task.prepare.role(some) for name, some in ids.items() if len(some)}
    shape = (-1, len(task.recipe.channels), task.store.n_pixels)
    return {name: found[0].reshape(shape) for name, found in room.read(task.store, roles, task.compute).items()}


def choosing_rows(task: Task, members: pd.DataFrame) -> np.ndarray:
    """Low-noise validation spectra of the run's largest training prefix, without those that this task is fitted to."""
    ids = Pools.of(task.store, task.setting.seed, task.setting.protocol).choosing
    low_noise = members.loc[ids, "low_noise"].to_numpy(dtype=bool)
    return np.asarray(ids[low_noise & ~np.isin(ids, task.rows.fit)])


def predict(task: Task, fitted: Fitted, ids: np.ndarray, spectra: np.ndarray) -> pd.DataFrame:
    """Columns id, truth, predicted (dex), further labels, and what else the model says of prepared spectra (N, C, P)."""
    predicted, columns = fitted.predict(spectra)
    table = pd.DataFrame({"id": ids, "truth": task.targets[ids, 0]})
    for k, name in enumerate(TARGETS[: predicted.shape[1]]):
        table["predicted" if k == 0 else f"predicted_{name}"] = predicted[:, k].astype(np.float32)
    for column, values in columns.items():
        table[column] = values.astype(np.float32)
    return table


def _examine(task: Task, fitted: Fitted, test: np.ndarray, low_noise: np.ndarray) -> Examination:
    if task.recipe.model not in EXAMINED_BY:
        return Examination()
    found: Examination = import_module(EXAMINED_BY[task.recipe.model]).examine(task, fitted, test, low_noise)
    return found


def _metrics(
    task: Task,
    fitted: Fitted,
    predictions: pd.DataFrame,
    members: pd.DataFrame,
    posteriors: pd.DataFrame | None,
    probe: dict[str, Any] | None,
) -> dict[str, Any]:
    """All numbers of a run; the same task gives the same ones every time."""
    setting, rows, error_model = task.setting, task.rows, task.prepare.fitted
    drawn = setting.bootstrap, setting.seed
    pretraining = fitted.pretraining
    return {
        "recipe": task.recipe.model_dump(mode="json"),
        "seed_number": setting.seed_number,
        "n_fit": len(rows.fit),
        "n_validation": len(rows.validation),
        "n_test": len(rows.test),
        "chosen_on_validation": fitted.chosen,
        "visible_width_angstrom": width_angstrom(task.prepare.view.visible),
        "windows": task.windows,
        "error_model_residual": error_model.residual if error_model else None,
        **metrics.evaluate(predictions, members, *drawn),
        "pretraining": pretraining and pretraining | {"probe": probe},
        "bias": bias(predictions, task.store.labels()),
        "efficiency": None if posteriors is None else efficiency(posteriors, predictions, *drawn),
    }


def bias(predictions: pd.DataFrame, labels: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Bias maps of log g against Teff (500 K bins) and [M/H] (0.25 dex bins) over the whole test set."""
    error = (predictions["predicted"] - predictions["truth"]).to_numpy()
    return {
        name: bias_table(error, labels.loc[predictions["id"], name].to_numpy(), width)
        for name, width in BIN_WIDTH.items()
    }


def input_gradient(
    prepare: Preparation, predict: Callable[[torch.Tensor], torch.Tensor], ids: np.ndarray
) -> np.ndarray:
    """Mean |∂log g/∂flux| (P,) over (at most 256) spectra with their frozen noise, dex per unit of stored flux.

    Taken through everything that prepares a spectrum (normalisation, channels, masks), at a given error.

    Parameters
    ----------
    predict : prepared spectra (B, C, P) → log g (B,), differentiable
    """
    ids = ids[:_GRADIENT_ROWS]
    flux, error = gather(prepare.store, {"some": Role(ids, prepare.raw)}, Compute(threads=1))["some"]
    total = np.zeros(flux.shape[1])
    for low in range(0, len(ids), _BATCH):
        part = slice(low, low + _BATCH)
        noise_free, given = (torch.as_tensor(values[part]).to(prepare.device) for values in (flux, error))
        noisy = prepare.noisy(noise_free, given, ids[part], draw=0).requires_grad_()
        answer = predict(prepare.seen(noisy, given, ids[part])).sum()
        if not answer.requires_grad:
            continue  # the model sees the error alone
        (gradient,) = torch.autograd.grad(answer, noisy, allow_unused=True)
        if gradient is not None:
            total += gradient.abs().sum(dim=0).double().cpu().numpy()
    return total / max(len(ids), 1)
