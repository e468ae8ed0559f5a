"""What a model of any kind is fitted to, by which module, and what comes of it. Nothing here evaluates: all that this
and the fitting modules import is what a training is known by."""

import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol
from logg1m.experiments import data
from logg1m.experiments.models import BY_STEPS, FITTED_BY
from logg1m.jobs.device import resolve
from logg1m.jobs.provenance import code_fingerprint
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

TARGETS = ("logg", "teff", "m_h")
Denoise = Callable[[torch.Tensor], torch.Tensor]


class Denoiser(typing.Protocol):
    """What a run needs of a frozen denoiser (`nn.denoisers.Frozen`); runs without one do not depend on that code."""

    @property
    def denoise(self) -> Denoise:
        """Noisy flux (B, P) → (B, P)."""

    def confined(self, visible: torch.Tensor) -> Denoise:
        """The same of the visible pixels (P,) alone."""


class Simulate(typing.Protocol):
    """Blocks of stars that no store holds, by number (`sources.streamed.Stream`)."""

    block: int

    def ids(self, number: int) -> np.ndarray:
        """Spectrum ids of a block, (B,)."""

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Noise-free flux and error (B, P), and labels (B, T), of a block."""


@dataclass(frozen=True)
class RunSetting:
    """The configuration of a run besides its recipe.

    code : fingerprint of what trains (see `training_code`), with the identity of the denoiser where there is one
    """

    seed: int
    seed_number: int
    train_size: int
    test_size: int
    alphas: tuple[float, ...]
    lightgbm: LightGBMConfig
    protocol: Protocol
    bootstrap: Bootstrap
    observation: Observation
    network: Network
    code: str
    projection: Projection = field(default_factory=Projection)


@dataclass(frozen=True)
class Given:
    """What a run is made from, as far as its recipe needs it.

    members : columns snr, low_noise, pool, rank, indexed by spectrum id
    sensitivity : MVP-1.1's curve, where windows or guidance of the recipe need it
    pixels : pixels.parquet of the protocol, where windows of the recipe need it
    denoiser : frozen, where the recipe names one
    simulate : where the recipe trains on simulated spectra
    """

    store: Store
    members: pd.DataFrame
    sensitivity: pd.DataFrame | None = None
    pixels: pd.DataFrame | None = None
    denoiser: Denoiser | None = None
    simulate: Simulate | None = None


@dataclass(frozen=True)
class Task:
    """Spectra, recipe and setting of one fit.

    Parameters
    ----------
    prepare : how the spectra are seen
    targets : labels of every spectrum of the store (N, T), log g first; dex and K
    sensitivity : MVP-1.1's curve, where the recipe needs it
    state : folder of the resumable state of a training
    title : what progress lines call it
    windows : the windows behind the visible pixels
    simulate : where the training is on simulated spectra
    """

    store: Store
    rows: data.Rows
    prepare: data.Preparation
    recipe: Recipe
    setting: RunSetting
    targets: np.ndarray
    sensitivity: pd.DataFrame | None
    state: Path
    compute: Compute
    title: str
    windows: list[dict[str, Any]] = field(default_factory=list)
    simulate: Simulate | None = None

    @classmethod
    def of(cls, given: Given, recipe: Recipe, setting: RunSetting, compute: Compute, state: Path, title: str) -> "Task":
        """Choose the spectra of a run, and how it sees them."""
        store, labels = given.store, given.store.labels()
        pools = Pools.of(store, setting.seed, setting.protocol)
        sizes = setting.train_size, setting.test_size
        rows = data.choose_rows(pools, given.members, recipe, *sizes, setting.seed_number)
        own_seed = setting.seed + setting.seed_number  # a random mask is another one for every seed
        visible, windows = data.visible_pixels(store, recipe, rows, given.sensitivity, own_seed, compute, given.pixels)
        device = resolve(compute.device if recipe.model in BY_STEPS else "cpu")
        denoise = given.denoiser.denoise if given.denoiser else None
        if given.denoiser and recipe.denoiser_sees == "windows":
            denoise = given.denoiser.confined(torch.as_tensor(visible, device=device))
        level = setting.protocol.noise_level
        view = data.View(recipe, visible, setting.observation, setting.seed, level, denoise)
        prepare = data.Preparation(store, view, labels, rows.fit, compute, device)
        names = TARGETS if recipe.heads != "single" else TARGETS[:1]
        table = labels[list(names)].to_numpy()
        where = given.sensitivity, state, compute, title, windows, given.simulate
        return cls(store, rows, prepare, recipe, setting, table, *where)

    @property
    def identity(self) -> list[Any]:
        """What every training of this task depends on, plain values."""
        setting, view, rows = self.setting, self.prepare.view, self.rows
        shape = setting.projection if self.recipe.model == "projection" else setting.network.chosen
        model: list[Any] = [self.recipe.model_dump(mode="json"), shape.model_dump(exclude={"training", "threads"})]
        spectra = [rows.fit.tolist(), rows.validation.tolist(), np.flatnonzero(view.visible).tolist()]
        if self.recipe.projection_token:
            model.append(setting.projection.basis_rows)
        noise = [view.observation.described(), view.noise_level, setting.seed, setting.seed_number]
        return [self.store.manifest["store_id"], *model, *spectra, *noise, setting.code, self.prepare.device.type]


Predict = Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Fitted:
    """A fitted model and how it came about; it has not seen the test.

    predict : prepared spectra (N, C, P) → labels (N, T), and further columns such as a predicted sigma (N,)
    tensors : what was fitted, to be saved
    history : one row per epoch, penalty or tree
    chosen : the choice on validation
    differentiable : prepared spectra (B, C, P) → log g (B,), where the model has derivatives
    module : the network, where the model is one
    encoders : weights of its encoder that a linear probe compares, by name, where it was pretrained
    validation : of every epoch the squared errors of groups of validation stars (see `models.groups.Groups`)
    timings : how the time went; no verdict reads it
    pretraining : what there is to say of a pretraining
    examples : reconstructions by a pretraining (see `models.pretraining`), long form
    """

    predict: Predict
    tensors: dict[str, np.ndarray]
    history: list[dict[str, Any]]
    chosen: dict[str, Any]
    differentiable: Callable[[torch.Tensor], torch.Tensor] | None = None
    module: torch.nn.Module | None = None
    encoders: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    pretraining: dict[str, Any] | None = None
    examples: pd.DataFrame | None = None
    validation: pd.DataFrame | None = None


def fitter(model: str) -> Callable[[Task], Fitted]:
    """The function `fit` of the module behind a kind of model; only that module is imported."""
    found: Callable[[Task], Fitted] = import_module(FITTED_BY[model]).fit
    return found


def training_code(recipe: Recipe) -> str:
    """Fingerprint of the code that trains by a recipe, of its denoiser too, and of nothing that evaluates."""
    denoising = [] if recipe.denoiser == "none" else ["logg1m.nn.denoisers"]
    streaming = ["logg1m.sources.streamed"] if recipe.training_spectra == "simulated" else []
    return code_fingerprint(FITTED_BY[recipe.model], *denoising, *streaming)
