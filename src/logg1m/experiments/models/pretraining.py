"""Masked spectrum modelling before a supervised training: on more spectra than labels, at a stated cost, with a probe."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m.config.networks import Training
from logg1m.experiments import data
from logg1m.experiments.models import raw_spectra
from logg1m.experiments.models.classical import fit_ridge, r2_columns
from logg1m.experiments.task import Task
from logg1m.jobs import interruption
from logg1m.nn.cost import flops_per_spectrum
from logg1m.nn.learner import Learner, Material
from logg1m.nn.masks import Masks
from logg1m.nn.pretraining import MaskedModel, pack, unpack
from logg1m.nn.trainer import Trained, Trainer, in_batches
from logg1m.spectra.store import digest

_VALIDATION_ROWS = 1_024
_PROBE_ROWS, _PROBE_TEST_ROWS = 2_048, 4_096  # labelled spectra behind the linear probe, and test spectra
_PROBE_PENALTIES = (1e-2, 1.0, 1e2, 1e3, 1e4, 1e5, 1e6)
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


def pretrain(task: Task, files: list[Path]) -> Pretrained:
    """Train, or resume, on the unlabelled spectra of a task; files that the spectra needed are noted in `files`."""
    device, seed = task.prepare.device, task.setting.seed
    costs = _costs(task)
    epochs, ids = _budget(task, costs)
    held_out_ids = task.rows.validation[:_VALIDATION_ROWS]
    roles = {"unlabelled": data.Role(ids, task.prepare.raw), "held_out": data.Role(held_out_ids, task.prepare.raw)}
    read = raw_spectra.read(task, roles, files)
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
    trainer = Trainer(
        model, feed, validate, settings, task.state / "pretraining.safetensors", _identity(task, settings, ids), title
    )
    with interruption.listening():
        trained = trainer.train()
    model.load_state_dict(trained.weights)
    model.eval()
    with torch.no_grad():
        examples = _examples(task, model, shown, held_out[1], held_out_ids)
    encoder = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    report = _report(task, trained, ids, trainer.batch_size, costs)
    return Pretrained(encoder, report, examples, {"pretraining_seconds": trained.seconds})


def probe(
    task: Task, learner: Learner, pretrained: Pretrained, raw: raw_spectra.Raw, validation: np.ndarray, test: np.ndarray
) -> dict[str, Any]:
    """Put the pretrained weights into a learner's encoder; ridge on both frozen encoders, the random one and this.

    Features are what the head will see, the pooled tokens; beside them the pixels themselves, since flattened tokens of a
    random encoder hold about as much as those. At most 2,048 labelled spectra, and 4,096 of the test. The penalty is
    chosen on validation.

    Parameters
    ----------
    raw : training spectra as stored; validation, test : prepared, (N, C, P)

    Returns
    -------
    features → {r2_low_noise, r2_full} of log g on the test spectra, and the penalty
    """
    ids = task.rows.fit[:_PROBE_ROWS]
    parts = []
    for low in range(0, len(ids), _BATCH):
        some = ids[low : low + _BATCH]
        flux, error = (torch.as_tensor(np.asarray(v[low : low + _BATCH])).to(task.prepare.device) for v in raw)
        parts.append(task.prepare.fresh(flux, error, some, task.rows.draw).cpu().numpy())
    spectra = {"fit": np.concatenate(parts), "validation": validation, "test": test[:_PROBE_TEST_ROWS]}
    targets = {"fit": task.targets[ids, :1], "validation": task.targets[task.rows.validation, :1]}
    truth = task.targets[task.rows.test[:_PROBE_TEST_ROWS], :1]
    found: dict[str, Any] = {"spectra": len(ids), "test_spectra": len(truth)}
    for name in ("pixels", "random", "pretrained"):
        if name == "pretrained":
            learner.encoder.load_state_dict(pretrained.encoder)
        if name == "pixels":
            features = {role: x.reshape(len(x), -1).astype(np.float64) for role, x in spectra.items()}
        else:
            features = {role: _features(learner, x, task.prepare.device) for role, x in spectra.items()}
        fitted = fit_ridge(features, targets, _PROBE_PENALTIES)
        predicted = fitted.predicted
        every = np.ones(len(truth), dtype=bool)
        low_noise = every if task.low_noise is None else task.low_noise[:_PROBE_TEST_ROWS]
        subsets = {"r2_low_noise": low_noise, "r2_full": every}
        found[name] = {key: _r2(truth[subset], predicted[subset]) for key, subset in subsets.items()}
        found[name] |= {key: fitted.chosen[key] for key in ("alpha", "alpha_at_edge_of_grid")}
    return found


def _r2(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    return float(r2_columns(truth, predicted)[0]) if len(truth) > 1 else None


def _features(learner: Learner, x: np.ndarray, device: torch.device) -> np.ndarray:
    """What the head sees of prepared spectra, (N, F)."""
    learner.eval()
    return torch.cat(
        list(in_batches(lambda part: learner.encoder(learner.standardise(part)), x, device, _BATCH))
    ).numpy()


def _model(task: Task, mean: torch.Tensor, scale: torch.Tensor) -> MaskedModel:
    """With its initial weights, a function of seed and seed number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.setting.seed + task.setting.seed_number)
        wave = torch.as_tensor(task.store.wave)
        return MaskedModel(task.recipe, task.setting.network.chosen, mean.cpu(), scale.cpu(), wave)


def _costs(task: Task) -> dict[str, int]:
    """Operations per spectrum of both trainings, counted on dummy spectra."""
    wave = torch.as_tensor(task.store.wave)
    shape = (len(task.recipe.channels), len(wave))
    mean, scale = torch.zeros(shape), torch.ones(shape)
    labels = torch.as_tensor(task.targets[task.rows.fit], dtype=torch.float32)
    material = Material(mean, scale, labels, wave, np.ones(len(wave), dtype=bool))
    with torch.random.fork_rng(devices=[]):
        learner = Learner(task.recipe, task.setting.network.chosen, material)
    return {
        "pretraining": flops_per_spectrum(_model(task, mean, scale), (shape[0] + 2, shape[1]), 1),
        "supervised": flops_per_spectrum(learner, shape, labels.shape[1]),
    }


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


def _identity(task: Task, settings: Training, ids: np.ndarray) -> str:
    setting = task.setting
    return digest(
        [
            "pretraining", task.store.manifest["store_id"], task.recipe.model_dump(mode="json"),
            setting.network.chosen.model_dump(), settings.model_dump(exclude={"checkpoint_seconds"}), ids.tolist(),
            task.rows.validation.tolist(), setting.seed, setting.seed_number, task.prepare.noise_level, setting.code,
            task.prepare.device.type,
        ]
    )  # fmt: skip
