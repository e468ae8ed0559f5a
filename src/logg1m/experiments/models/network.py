"""A network as one more kind of model: spectra in memory or on disk, a learner, a training."""

import gc
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m.experiments.models import pretraining, raw_spectra
from logg1m.experiments.reading import Role, Room
from logg1m.experiments.task import Fitted, Predict, Task
from logg1m.inputs.windows import windows
from logg1m.jobs import interruption
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trained, Trainer, in_batches
from logg1m.spectra import passes
from logg1m.spectra.store import digest

_EVALUATION_BATCH = 512
_GROUPS = 100  # of validation stars; a bootstrap over so many knows a variance to 14 %
GUIDING_WINDOWS = "top_10"


@dataclass(frozen=True)
class Spectra:
    """Training spectra as stored, and prepared validation spectra (N, C, P)."""

    fit: raw_spectra.Raw
    validation: np.ndarray


class Groups:
    """Validation stars in groups, by which a score can be resampled without keeping what every epoch says of every star.

    A column of groups is what an epoch adds to the history; with the labels' own sums it gives R² of any resample.
    """

    KEY = "squared_by_group"

    def __init__(self, truth: np.ndarray) -> None:
        """truth : log g of the validation stars (N,), dex"""
        self.truth = truth
        self.group = np.arange(len(truth)) % _GROUPS

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of (N,) values over every group, (G,)."""
        return np.bincount(self.group, values)

    def table(self, history: list[dict[str, Any]]) -> pd.DataFrame:
        """Columns epoch, group, n, and sums over the group of log g, of its square and of the squared error (dex²)."""
        constant = {
            "n": self.sums(np.ones(len(self.truth))),
            "first": self.sums(self.truth),
            "second": self.sums(self.truth**2),
        }
        parts = [
            pd.DataFrame(
                {"epoch": row["epoch"], "group": np.arange(len(row[self.KEY])), **constant, "squared": row[self.KEY]}
            )
            for row in history
        ]
        return pd.concat(parts, ignore_index=True)


def fit(task: Task) -> Fitted:
    """Train, or resume; a training that has ended before is taken as it is."""
    device, pretrained = task.prepare.device, None
    with Room(task.state) as room:
        if task.recipe.pretraining != "none":
            with passes.all_threads(task.compute):
                pretrained = pretraining.pretrain(task, room)
            gc.collect()  # a trainer refers to itself, and holds spectra that are needed no more
        spectra = _spectra(task, room)
        with passes.all_threads(task.compute):
            learner = build(task, spectra).to(device)
            encoders: dict[str, dict[str, torch.Tensor]] = {}
            if pretrained is not None:
                initial = {name: value.clone() for name, value in learner.encoder.state_dict().items()}
                encoders = {"random": initial, "pretrained": pretrained.encoder}
                learner.encoder.load_state_dict(pretrained.encoder)
            trained = _train(task, learner, spectra, device)
    learner.load_state_dict(trained.weights)
    learner.eval()
    return Fitted(
        predictor(learner, device),
        {name: value.cpu().numpy() for name, value in learner.state_dict().items()},
        [{name: value for name, value in row.items() if name != Groups.KEY} for row in trained.history],
        {
            "epoch": trained.best_epoch + 1,
            "epochs_run": len(trained.history),
            "steps": trained.steps,
            "pooling": task.setting.network.chosen.pooling,
            "parameters": sum(p.numel() for p in learner.parameters()),
            "validation_r2": trained.history[trained.best_epoch]["score"],
        },
        lambda x: learner.predict(x)[:, 0],
        learner,
        encoders,
        timings(trained, device) | (pretrained.timings if pretrained else {}),
        pretrained.report if pretrained else None,
        pretrained.examples if pretrained else None,
        Groups(task.targets[task.rows.validation, 0]).table(trained.history),
    )


def predictor(learner: Learner, device: torch.device) -> Predict:
    """Predictions of a trained network for prepared spectra (N, C, P)."""
    objective = deepcopy(learner.objective).cpu()

    def predict(spectra: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        outputs = torch.cat(list(in_batches(learner, spectra, device, _EVALUATION_BATCH)))
        columns = {name: values.numpy() for name, values in objective.columns(outputs).items()}
        return objective.predict(outputs).numpy(), columns

    return predict


def build(task: Task, spectra: Spectra) -> Learner:
    """The learner with its initial weights, a function of seed and seed number."""
    mean, scale = raw_spectra.statistics(task, spectra.fit, task.rows.fit)
    guided = None if task.recipe.attention_bias == "none" else _guiding(task)
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    wave = torch.as_tensor(task.store.wave)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.setting.seed + task.setting.seed_number)
        return Learner(
            task.recipe, task.setting.network.chosen, Material(mean.cpu(), scale.cpu(), labels, wave, guided)
        )


def _guiding(task: Task) -> np.ndarray:
    """The pixels (P,) that guidance points at."""
    return windows(GUIDING_WINDOWS, task.store.wave, task.sensitivity)[0]


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


def _train(task: Task, learner: Learner, spectra: Spectra, device: torch.device) -> Trained:
    rows = task.rows
    labels = task.targets[rows.fit].astype(np.float32)
    feed = raw_spectra.feed(task, spectra.fit, labels, rows.fit, task.prepare.fresh)
    truth = task.targets[rows.validation, 0]
    groups = Groups(truth)

    def validate(module: torch.nn.Module) -> dict[str, Any]:
        assert isinstance(module, Learner)
        parts = in_batches(module.predict, spectra.validation, device, _EVALUATION_BATCH)
        error = torch.cat(list(parts))[:, 0].numpy() - truth
        scores = {"score": float(1 - (error**2).mean() / truth.var()), "validation_mae": float(np.abs(error).mean())}
        return {**scores, Groups.KEY: groups.sums(error**2).tolist()}

    settings = pretraining.supervised_settings(task)
    guiding = [] if learner.guidance is None else np.flatnonzero(_guiding(task)).tolist()
    identity = digest([*task.identity, settings.model_dump(exclude={"checkpoint_seconds"}), guiding])
    path = task.state / "training.safetensors"
    with interruption.listening():
        return Trainer(learner, feed, validate, settings, path, identity, task.title).train()


def _spectra(task: Task, room: Room) -> Spectra:
    rows, prepare = task.rows, task.prepare
    roles = {"fit": Role(rows.fit, prepare.raw), "validation": prepare.role(rows.validation)}
    read = room.read(task.store, roles, task.compute)
    shape = (-1, len(task.recipe.channels), task.store.n_pixels)
    return Spectra((read["fit"][0], read["fit"][1]), read["validation"][0].reshape(shape))
