"""Spectra of a run as features in memory: one pass over the chunks, each row prepared as the recipe says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import passes
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.files import InputError
from logg1m.inputs.channels import channels, needs_error
from logg1m.inputs.normalise import normalise
from logg1m.inputs.windows import pixel_mask, windows
from logg1m.observe.honest import FittedError, HonestError
from logg1m.observe.pfs import Conditions
from logg1m.progress import log
from logg1m.protocol import Pools, noisy_rows
from logg1m.store import Store

_CONDITIONS = ("mag", "seeing", "zenith_angle", "field_angle", "redshift")


@dataclass(frozen=True)
class Rows:
    """Ids of a run: fit, validation and test, and the noise draw of the fit rows."""

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    draw: int


def choose_rows(
    pools: Pools, members: pd.DataFrame, recipe: Recipe, train_size: int, test_size: int, seed_number: int
) -> Rows:
    """Prefixes of the pools: `train_size` spectra for training, 5 % of them for validation, `test_size` of the test.

    Validation and test keep the frozen draw 0; seed k trains on draw k + 1. `train_on: low_noise` keeps the low-noise
    spectra of the same prefix of the training pool, extended until there are as many as wanted.
    """
    train = pools.train
    if recipe.train_on == "low_noise":
        train = train[members.loc[train, "low_noise"].to_numpy(dtype=bool)]
    train = train[: min(train_size, len(train))]
    if len(train) < 3:
        raise InputError(
            f"only {len(train)} training spectra for train_on = {recipe.train_on!r}; at least 3 are needed"
        )
    fit, validation = pools.hold_out(train)
    return Rows(fit, validation, pools.common_test[:test_size], seed_number + 1)


class Preparation:
    """Turns stored rows into features (B, C · P) by a recipe."""

    def __init__(
        self,
        store: Store,
        recipe: Recipe,
        labels: pd.DataFrame,
        visible: np.ndarray,
        observation: Observation,
        seed: int,
        noise_level: float,
        fit_ids: np.ndarray,
        compute: Compute,
    ) -> None:
        self.store, self.recipe, self.labels, self.seed, self.noise_level = store, recipe, labels, seed, noise_level
        self.visible = visible
        self.honest: HonestError | None = None
        self.fitted: FittedError | None = None
        if needs_error(recipe.channels) and recipe.error_source == "honest":
            if all(name in labels for name in ("flux_scale", *_CONDITIONS)):
                self.honest = HonestError(observation, torch.device("cpu"))
            else:
                self.fitted = FittedError(*training_spectra(store, fit_ids, compute))
                log.info(f"honest error fitted on training spectra, median residual {self.fitted.residual:.1%}")

    def rows(self, chunk: int, ids: np.ndarray, draw: int) -> np.ndarray:
        """Features of some spectra of a chunk with a noise draw, (B, C · P) float32; hidden pixels are zero."""
        at = ids - self.store.rows(chunk)[0]
        flux, error = self.store.read(chunk, "flux")[at], self.store.read(chunk, "error")[at]
        noisy = torch.from_numpy(noisy_rows(flux, error, ids, self.seed, self.noise_level, draw))
        seen_error = torch.from_numpy(error)
        if self.honest is not None:
            about = self.labels.loc[ids]
            conditions = Conditions(**{name: about[name].to_numpy() for name in _CONDITIONS})
            seen_error = self.honest(noisy, about["flux_scale"].to_numpy(), conditions)
        elif self.fitted is not None:
            seen_error = self.fitted(noisy, error)
        stacked = channels(self.recipe.channels, normalise(self.recipe.normalisation, noisy), seen_error)
        stacked[:, :, ~torch.from_numpy(self.visible)] = 0.0
        return np.asarray(stacked.flatten(1).numpy())


def visible_pixels(
    store: Store, recipe: Recipe, rows: Rows, sensitivity: pd.DataFrame | None, seed: int, compute: Compute
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Pixels (P,) that the recipe lets the model see, and the windows behind them."""
    inside, described = windows(recipe.windows, store.wave, sensitivity)
    if recipe.mask != "none":
        inside = inside & ~pixel_mask(recipe.mask, error_median(store, rows.fit, compute), seed)
    return inside, described


def error_median(store: Store, ids: np.ndarray, compute: Compute, most: int = 4_000) -> np.ndarray:
    """Median error per pixel (P,) over (at most `most` of) the training spectra."""
    ids = np.sort(ids[:most])
    wanted = by_chunk(store, ids)
    parts = passes.over(
        lambda chunk: store.read(chunk, "error")[wanted[chunk] - store.rows(chunk)[0]],
        list(wanted), compute, "median error", lambda c: len(wanted[c]),
    )  # fmt: skip
    return np.asarray(np.median(np.concatenate(list(parts)), axis=0))


def training_spectra(
    store: Store, ids: np.ndarray, compute: Compute, most: int = 1_000
) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free flux and error (N, P) of (at most `most` of) the training spectra."""
    wanted = by_chunk(store, ids[:most])

    def visit(chunk: int) -> tuple[np.ndarray, np.ndarray]:
        at = wanted[chunk] - store.rows(chunk)[0]
        return store.read(chunk, "flux")[at], store.read(chunk, "error")[at]

    parts = list(passes.over(visit, list(wanted), compute, "error model", lambda c: len(wanted[c])))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def by_chunk(store: Store, ids: np.ndarray) -> dict[int, np.ndarray]:
    """Chunk → ids in it, rising."""
    ids = np.sort(ids)
    chunk = ids // store.chunk_rows
    return {int(c): ids[chunk == c] for c in np.unique(chunk)}


def gather(
    store: Store, rows: Rows, prepare: Callable[[int, np.ndarray, int], np.ndarray], compute: Compute
) -> dict[str, np.ndarray]:
    """Features of fit, validation and test rows, each in the order of its ids; every chunk is visited once."""
    roles = {"fit": rows.fit, "validation": rows.validation, "test": rows.test}
    wanted: dict[int, dict[str, np.ndarray]] = {}
    for role, ids in roles.items():
        for chunk, members in by_chunk(store, ids).items():
            wanted.setdefault(chunk, {})[role] = members
    draws = {"fit": rows.draw, "validation": 0, "test": 0}

    def visit(chunk: int) -> dict[str, np.ndarray]:
        return {role: prepare(chunk, ids, draws[role]) for role, ids in wanted[chunk].items()}

    position = {role: np.argsort(np.argsort(ids)) for role, ids in roles.items()}
    sorted_parts: dict[str, list[np.ndarray]] = {role: [] for role in roles}
    total = sum(len(ids) for ids in roles.values())
    for part in passes.over(
        visit, sorted(wanted), compute, f"features of {total:,} spectra", lambda c: sum(map(len, wanted[c].values()))
    ):
        for role, features in part.items():
            sorted_parts[role].append(features)
    return {role: np.concatenate(parts)[position[role]] for role, parts in sorted_parts.items()}
