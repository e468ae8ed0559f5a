"""What all models that are trained by steps have in common: spectra in memory or on disk, a training, predictions."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch

from logg1m.config.networks import Training
from logg1m.experiments.models import raw_spectra
from logg1m.experiments.models.groups import Groups
from logg1m.experiments.reading import Role, Room
from logg1m.experiments.task import Predict, Task
from logg1m.files import InputError
from logg1m.jobs import interruption
from logg1m.nn.feed import Feed
from logg1m.nn.objectives import SquaredError
from logg1m.nn.streaming import StreamedFeed
from logg1m.nn.trainer import Trained, Trainer, in_batches
from logg1m.spectra.store import digest

_EVALUATION_BATCH = 512


class Learns(Protocol):
    """What a module needs, besides being one that the trainer can train."""

    objective: SquaredError

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Prepared spectra (B, C, P) → outputs (B, O)."""

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Labels (B, T) in dex and K."""


@dataclass(frozen=True)
class Spectra:
    """Training spectra as stored, and prepared validation spectra (N, C, P)."""

    fit: raw_spectra.Raw
    validation: np.ndarray


def read(task: Task, room: Room) -> Spectra:
    """The spectra of a training, in one pass over the store."""
    rows, prepare = task.rows, task.prepare
    roles = {"fit": Role(rows.fit, prepare.raw), "validation": prepare.role(rows.validation)}
    found = room.read(task.store, roles, task.compute)
    shape = (-1, len(task.recipe.channels), task.store.n_pixels)
    return Spectra((found["fit"][0], found["fit"][1]), found["validation"][0].reshape(shape))


def train(
    task: Task, learner: torch.nn.Module, spectra: Spectra, settings: Training, known_by: Sequence[Any] = ()
) -> Trained:
    """Train, or resume; validated on R² of log g. `known_by`: what else the training depends on."""
    rows, device = task.rows, task.prepare.device
    labels = task.targets[rows.fit].astype(np.float32)
    if task.recipe.training_spectra == "simulated":
        feed: Feed = _streamed(task)
    else:
        feed = raw_spectra.feed(task, spectra.fit, labels, rows.fit, task.prepare.fresh)
    truth = task.targets[rows.validation, 0]
    groups = Groups(truth)

    def validate(module: Any) -> dict[str, Any]:
        parts = in_batches(module.predict, spectra.validation, device, _EVALUATION_BATCH)
        error = torch.cat(list(parts))[:, 0].numpy() - truth
        scores = {"score": float(1 - (error**2).mean() / truth.var()), "validation_mae": float(np.abs(error).mean())}
        return {**scores, Groups.KEY: groups.sums(error**2).tolist()}

    identity = digest([*task.identity, settings.model_dump(exclude={"checkpoint_seconds"}), *known_by])
    path = task.state / "training.safetensors"
    trainer = Trainer(learner, feed, validate, settings, path, identity, task.title)
    try:
        with interruption.listening():
            trained = trainer.train()
    finally:
        if isinstance(feed, StreamedFeed):
            feed.close()
    if isinstance(feed, StreamedFeed):
        for row in trained.history:
            row["stars"] = feed.stars(int(row["step"]), trainer.batch_size)
    return trained


def history(trained: Trained) -> list[dict[str, Any]]:
    """The epochs, without the sums over groups of validation stars."""
    return [{name: value for name, value in row.items() if name != Groups.KEY} for row in trained.history]


def by_group(task: Task, trained: Trained) -> pd.DataFrame:
    """These sums as a table, see `Groups.table`."""
    return Groups(task.targets[task.rows.validation, 0]).table(trained.history)


def lengthened(settings: Training, factor: float) -> Training:
    """The same training in so many times the epochs."""
    return settings.model_copy(update={"epochs": max(1, round(settings.epochs * factor))})


def _streamed(task: Task) -> StreamedFeed:
    """Simulated stars for a recipe that they can be made for; as many make an epoch as of the stored ones.

    Raises
    ------
    InputError
        If the recipe asks for what only stored spectra have, or nothing simulates.
    """
    recipe, prepare, setting = task.recipe, task.prepare, task.setting
    if task.simulate is None:
        raise InputError("training_spectra = 'simulated' needs a source that simulates")
    if prepare.honest is not None or prepare.fitted is not None:
        raise InputError(
            f"training_spectra = 'simulated' goes with channels of the flux alone; got channels = {list(recipe.channels)}"
        )
    seeds = setting.seed, setting.seed_number
    return StreamedFeed(task.simulate, recipe.draws_per_star, len(task.rows.fit), prepare.fresh, prepare.device, *seeds)


def predictor(learner: Learns, device: torch.device) -> Predict:
    """Prepared spectra (N, C, P) → labels (N, T), and what else the objective says."""
    objective = deepcopy(learner.objective).cpu()

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        outputs = torch.cat(list(in_batches(learner, spectra, device, _EVALUATION_BATCH)))
        columns = {name: values.numpy() for name, values in objective.columns(outputs).items()}
        return objective.predict(outputs).numpy(), columns

    return predict


def chosen(learner: torch.nn.Module, trained: Trained) -> dict[str, Any]:
    """The choice on validation, and how long it took in steps."""
    return {
        "epoch": trained.best_epoch + 1,
        "epochs_run": len(trained.history),
        "steps": trained.steps,
        "parameters": sum(p.numel() for p in learner.parameters()),
        "validation_r2": trained.history[trained.best_epoch]["score"],
    }


def timings(trained: Trained, device: torch.device) -> dict[str, Any]:
    """How a training went, for provenance.json; the rate is that of the steps, without validation and compiling."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "training_seconds": trained.seconds,
        "training_seconds_by_purpose": trained.times,
        "spectra_per_second": trained.spectra_per_second,
        "share_waiting_for_data": trained.share_waiting,
        "micro_batch": trained.micro_batch,
    }
