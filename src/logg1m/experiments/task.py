"""What a model of any kind is fitted to, and which module fits it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.bounds import Bootstrap
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.config.networks import Network
from logg1m.config.protocol import Protocol
from logg1m.experiments.data import Preparation, Rows
from logg1m.experiments.fitted import Fitted
from logg1m.experiments.models import FITTED_BY
from logg1m.spectra.store import Store


@dataclass(frozen=True)
class Setting:
    """Everything a run needs besides its recipe; `code` is the fingerprint of the code that trains."""

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
    low_noise : which of rows.test are low-noise spectra (N,), those that a trained network is examined on; None: all
    """

    store: Store
    rows: Rows
    prepare: Preparation
    recipe: Recipe
    setting: Setting
    targets: np.ndarray
    sensitivity: pd.DataFrame | None
    state: Path
    compute: Compute
    title: str
    low_noise: np.ndarray | None = None


def fitter(model: str) -> Callable[[Task], Fitted]:
    """The function `fit` of the module behind a kind of model; only that module is imported."""
    found: Callable[[Task], Fitted] = import_module(FITTED_BY[model]).fit
    return found
