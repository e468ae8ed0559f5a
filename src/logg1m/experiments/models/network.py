"""A network as one more kind of model: spectra in memory or on disk, a learner, a training, predictions."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from logg1m.experiments import data
from logg1m.experiments.evaluate import examine
from logg1m.experiments.fitted import Fitted
from logg1m.experiments.models import pretraining, raw_spectra
from logg1m.experiments.task import Task
from logg1m.inputs.windows import windows
from logg1m.jobs import interruption
from logg1m.nn.learner import Learner, Material
from logg1m.nn.trainer import Trained, Trainer, in_batches
from logg1m.spectra import passes
from logg1m.spectra.store import digest

_EVALUATION_BATCH = 512
GUIDING_WINDOWS = "top_10"


@dataclass(frozen=True)
class Spectra:
    """Training spectra as stored, and prepared validation and test spectra (N, C, P)."""

    fit: tuple[np.ndarray, np.ndarray]
    validation: np.ndarray
    test: np.ndarray


def fit(task: Task) -> Fitted:
    """Train, or resume, and predict the test spectra."""
    device = task.prepare.device
    files: list[Path] = []
    pretrained, report = None, None
    try:
        if task.recipe.pretraining != "none":
            with passes.all_threads(task.compute):
                pretrained = pretraining.pretrain(task, files)
            gc.collect()  # a trainer refers to itself, and holds spectra that are needed no more
        spectra = _spectra(task, files)
        with passes.all_threads(task.compute):
            learner = build(task, spectra).to(device)
            if pretrained is not None:
                probe = pretraining.probe(task, learner, pretrained, spectra.fit, spectra.validation, spectra.test)
                report = {**pretrained.report, "probe": probe}
            trained = _train(task, learner, spectra, device)
    finally:
        for path in files:
            path.unlink(missing_ok=True)
    learner.load_state_dict(trained.weights)
    learner.eval()
    outputs = torch.cat(list(in_batches(learner, spectra.test, device, _EVALUATION_BATCH)))
    objective = learner.objective.cpu()
    predicted = objective.predict(outputs).numpy()
    columns = {name: values.numpy() for name, values in objective.columns(outputs).items()}
    learner.to(device)
    robustness, attention = examine(task, learner, spectra.test, device)
    return Fitted(
        predicted,
        {name: value.cpu().numpy() for name, value in learner.state_dict().items()},
        trained.history,
        {
            "epoch": trained.best_epoch + 1,
            "epochs_run": len(trained.history),
            "steps": trained.steps,
            "pooling": task.setting.network.chosen.pooling,
            "parameters": sum(p.numel() for p in learner.parameters()),
            "validation_r2": trained.history[trained.best_epoch]["score"],
        },
        columns,
        lambda x: learner.predict(x)[:, 0],
        robustness,
        attention,
        timings(trained, device) | (pretrained.timings if pretrained else {}),
        report,
        **({"examples": pretrained.examples} if pretrained else {}),
    )


def build(task: Task, spectra: Spectra) -> Learner:
    """The learner with its initial weights, a function of seed and seed number."""
    mean, scale = raw_spectra.statistics(task, spectra.fit, task.rows.fit)
    guided = None
    if task.recipe.attention_bias != "none":
        guided = windows(GUIDING_WINDOWS, task.store.wave, task.sensitivity)[0]
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    wave = torch.as_tensor(task.store.wave)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.setting.seed + task.setting.seed_number)
        return Learner(
            task.recipe, task.setting.network.chosen, Material(mean.cpu(), scale.cpu(), labels, wave, guided)
        )


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
    rows, network = task.rows, task.setting.network
    labels = task.targets[rows.fit].astype(np.float32)
    feed = raw_spectra.feed(task, spectra.fit, labels, rows.fit, task.prepare.fresh)
    truth = task.targets[rows.validation, 0]

    def validate(module: torch.nn.Module) -> dict[str, float]:
        assert isinstance(module, Learner)
        parts = in_batches(module.predict, spectra.validation, device, _EVALUATION_BATCH)
        error = torch.cat(list(parts))[:, 0].numpy() - truth
        return {"score": float(1 - (error**2).mean() / truth.var()), "validation_mae": float(np.abs(error).mean())}

    settings = pretraining.supervised_settings(task)
    identity = digest(
        [
            task.store.manifest["store_id"], task.recipe.model_dump(mode="json"), network.chosen.model_dump(),
            settings.model_dump(exclude={"checkpoint_seconds"}), rows.fit.tolist(), rows.validation.tolist(),
            task.setting.seed, task.setting.seed_number, task.prepare.noise_level, task.setting.code, device.type,
        ]
    )  # fmt: skip
    path = task.state / "training.safetensors"
    with interruption.listening():
        return Trainer(learner, feed, validate, settings, path, identity, task.title).train()


def _spectra(task: Task, files: list[Path]) -> Spectra:
    """One pass over the chunks; training spectra that are too many for the memory go to files, which are noted."""
    rows, prepare = task.rows, task.prepare
    frozen: Callable[[int, np.ndarray], tuple[np.ndarray, ...]] = lambda chunk, ids: (prepare.rows(chunk, ids, 0),)  # noqa: E731
    roles = {
        "fit": data.Role(rows.fit, prepare.raw),
        "validation": data.Role(rows.validation, frozen),
        "test": data.Role(rows.test, frozen),
    }
    read = raw_spectra.read(task, roles, files)
    shape = (-1, len(task.recipe.channels), task.store.n_pixels)
    return Spectra(
        (read["fit"][0], read["fit"][1]), read["validation"][0].reshape(shape), read["test"][0].reshape(shape)
    )
