"""Masked spectrum modelling before a supervised training: on more spectra than labels, at a stated cost."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m.config.experiments import Recipe
from logg1m.config.networks import Training
from logg1m.experiments.data import leaves_out_masked
from logg1m.experiments.models import raw_spectra
from logg1m.experiments.reading import Role, Room
from logg1m.experiments.task import Task
from logg1m.inputs.subspace import Subspace
from logg1m.jobs import interruption
from logg1m.nn.cost import flops_per_spectrum
from logg1m.nn.features import Features
from logg1m.nn.learner import Learner, Material
from logg1m.nn.masks import Masks
from logg1m.nn.pretraining import MaskedModel, pack, unpack
from logg1m.nn.trainer import Trained, Trainer
from logg1m.spectra.store import digest

_VALIDATION_ROWS = 1_024
_EXAMPLES = 2
_BATCH = 512
_FIRST_DRAW = 2**15  # noise of its own: a supervised training has fewer epochs


@dataclass(frozen=True)
class Pretrained:
    """An encoder that has learnt without labels.

    encoder : its weights
    report : what metrics.json says of it
    examples : reconstructions of validation spectra, see `_examples`
    timings : for provenance.json
    """

    encoder: dict[str, torch.Tensor]
    report: dict[str, Any]
    examples: pd.DataFrame
    timings: dict[str, float]


def supervised_settings(task: Task) -> Training:
    """Settings of the supervised training, lengthened as the recipe says."""
    settings = task.setting.network.training
    return settings.model_copy(update={"epochs": max(1, round(settings.epochs * task.recipe.supervised_epochs_factor))})


def pretrain(task: Task, room: Room) -> Pretrained:
    """Train, or resume, on the unlabelled spectra of a task."""
    device, seed = task.prepare.device, task.setting.seed
    costs = _costs(task)
    epochs, ids = _budget(task, costs)
    held_out_ids = task.rows.validation[:_VALIDATION_ROWS]
    roles = {"unlabelled": Role(ids, task.prepare.raw), "held_out": Role(held_out_ids, task.prepare.raw)}
    read = room.read(task.store, roles, task.compute)
    raw, held_out = ((read[name][0], read[name][1]) for name in roles)
    model = _model(task, *raw_spectra.statistics(task, raw, ids)).to(device)
    masks = Masks(task.recipe.pretraining, task.recipe.mask_share, task.store.n_pixels, model.coarsest, seed)

    def prepare(flux: torch.Tensor, error: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        """Validation keeps the frozen draw 0, training has draws that no supervised training uses."""
        seen = task.prepare.fresh(flux, error, ids, draw + _FIRST_DRAW if draw else 0)
        return pack(seen, error, masks(torch.as_tensor(ids, device=device), draw))

    def shown(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Packed validation spectra, and the same spectra without noise as the network would see them (B, C, P)."""
        flux, error = (torch.as_tensor(np.asarray(values[part])).to(device) for values in held_out)
        some = held_out_ids[part]
        return prepare(flux, error, some, 0), task.prepare.seen(flux, error, some)

    def validate(module: torch.nn.Module) -> dict[str, float]:
        """Shares of the loss of the mean spectrum that the reconstruction takes away, against what is seen (score) and
        against the spectrum without noise: noise cannot be reconstructed, so the first has a ceiling far below 1."""
        assert isinstance(module, MaskedModel)
        rows = []
        for low in range(0, len(held_out_ids), _BATCH):
            x, clean = shown(slice(low, low + _BATCH))
            rows.append(torch.stack([*module.losses(x), *module.losses(x, clean)]))
        made, mean, made_clean, mean_clean = torch.cat(rows, dim=1).double().mean(dim=1).tolist()
        return {"score": 1 - made / mean, "validation_loss": made, "explained_noise_free": 1 - made_clean / mean_clean}

    settings = task.setting.network.training.model_copy(update={"epochs": epochs, "patience": epochs})
    feed = raw_spectra.feed(task, raw, np.zeros((len(ids), 1), dtype=np.float32), ids, prepare)
    title = f"{task.title} pretraining"
    known_by = [*task.identity, "pretraining", settings.model_dump(exclude={"checkpoint_seconds"}), ids.tolist()]
    path = task.state / "pretraining.safetensors"
    trainer = Trainer(model, feed, validate, settings, path, digest(known_by), title)
    with interruption.listening():
        trained = trainer.train()
    model.load_state_dict(trained.weights)
    model.eval()
    with torch.no_grad():
        examples = _examples(task, model, shown, held_out[1], held_out_ids)
    encoder = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    report = _report(task, trained, ids, trainer.batch_size, costs)
    return Pretrained(encoder, report, examples, {"pretraining_seconds": trained.seconds})


def _model(task: Task, mean: torch.Tensor, scale: torch.Tensor) -> MaskedModel:
    """With its initial weights, a function of seed and seed number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.setting.seed + task.setting.seed_number)
        wave = torch.as_tensor(task.store.wave)
        masked = task.prepare.neutral is not None and leaves_out_masked(task.recipe)
        return MaskedModel(task.recipe, task.setting.network.chosen, mean.cpu(), scale.cpu(), wave, masked)


def _costs(task: Task) -> dict[str, int]:
    """Operations per spectrum of both trainings, counted on dummy spectra."""
    wave = torch.as_tensor(task.store.wave)
    shape = (len(task.recipe.channels), len(wave))
    mean, scale = torch.zeros(shape), torch.ones(shape)
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    features = _any_features(task.recipe, shape) if task.recipe.projection_token else None
    material = Material(mean, scale, labels, wave, np.ones(len(wave), dtype=bool), features)
    with torch.random.fork_rng(devices=[]):
        learner = Learner(task.recipe, task.setting.network.chosen, material)
    return {
        "pretraining": flops_per_spectrum(_model(task, mean, scale), (shape[0] + 2, shape[1]), 1),
        "supervised": flops_per_spectrum(learner, shape, labels.shape[1]),
    }


def _any_features(recipe: Recipe, shape: tuple[int, int]) -> Features:
    """Of the right size, and of nothing."""
    pixels = shape[0] * shape[1]
    size = min(recipe.components, pixels)
    return Features(
        Subspace(torch.zeros(pixels), torch.ones(pixels), torch.zeros(pixels, size), torch.eye(size)),
        recipe.residual_levels,
        masked=False,
    )


def _budget(task: Task, costs: dict[str, int]) -> tuple[int, np.ndarray]:
    """(epochs, ids) of the pretraining.

    As many spectra as there are, or as few fewer as it takes to make the wanted number of operations in whole epochs.
    """
    unlabelled = task.rows.unlabelled
    wanted = task.recipe.pretraining_compute * len(task.rows.fit) * supervised_settings(task).epochs
    passes = wanted * costs["supervised"] / costs["pretraining"]
    epochs = max(1, math.ceil(passes / len(unlabelled)))
    return epochs, unlabelled[: min(max(round(passes / epochs), 2), len(unlabelled))]


def _report(task: Task, trained: Trained, ids: np.ndarray, batch_size: int, costs: dict[str, int]) -> dict[str, Any]:
    best = trained.history[trained.best_epoch]
    return {
        "spectra": len(ids),
        "spectra_per_label": len(ids) / len(task.rows.fit),
        "epochs": len(trained.history),
        "best_epoch": trained.best_epoch + 1,
        "explained": best["score"],
        "explained_noise_free": best["explained_noise_free"],
        "history": trained.history,
        "flops_per_spectrum": costs,
        # In passes of one spectrum through the supervised training, so that epochs of both can be added up.
        "equivalent_spectra": trained.steps * batch_size * costs["pretraining"] / costs["supervised"],
    }


def _examples(
    task: Task,
    model: MaskedModel,
    shown: Callable[[slice], tuple[torch.Tensor, torch.Tensor]],
    errors: np.ndarray,
    ids: np.ndarray,
) -> pd.DataFrame:
    """First channel of validation spectra, the one with the smallest error and one with a median error.

    Columns example, id, wave (Å), seen (with noise), noise_free, reconstructed (in the units of what is seen), hidden
    (whether the pixel was). Of several scales of tokens the finest is shown.
    """
    order = np.argsort([float(np.median(error)) for error in errors], kind="stable")
    chosen = [int(order[k * len(order) // _EXAMPLES]) for k in range(_EXAMPLES)]
    tables = []
    for number, row in enumerate(chosen):
        packed, clean = shown(slice(row, row + 1))
        x, _, hidden = unpack(packed)
        standardised = model.reconstruct(model.standardise(x), hidden)[0]
        columns = {"seen": x, "noise_free": clean, "reconstructed": model.restored(standardised.float())}
        table = pd.DataFrame({name: values[0, 0].cpu().numpy() for name, values in columns.items()})
        table.insert(0, "wave", task.store.wave)
        table.insert(0, "id", int(ids[row]))
        table.insert(0, "example", number)
        tables.append(table.assign(hidden=hidden[0].cpu().numpy().astype(int)))
    return pd.concat(tables, ignore_index=True)
