"""LightGBM on noisy spectra: binned chunk by chunk, trained once, resumable from its last saved booster.

The early-stopped model is the prefix of the one booster at its best validation iteration.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from logg1m import passes
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.compute import Compute
from logg1m.files import atomic_path, read_json, write_json
from logg1m.machine import usable_cores
from logg1m.progress import Progress, log
from logg1m.protocol import Split, noisy_rows
from logg1m.store import Store, digest

_SAVE_EVERY = 60.0  # s between saved boosters


@dataclass(frozen=True)
class NoisyRows:
    """Chunk-wise access to the noisy spectra of a set of ids, in the order of the ids."""

    store: Store
    ids: np.ndarray  # sorted
    seed: int
    noise_level: float
    compute: Compute

    def by_chunk(self) -> dict[int, np.ndarray]:
        """Chunk → ids in it."""
        chunk = self.ids // self.store.chunk_rows
        return {int(c): self.ids[chunk == c] for c in np.unique(chunk)}

    def blocks(self, title: str) -> Iterator[np.ndarray]:
        """Noisy rows (B, P) float32 of one chunk after another; every chunk is read once."""
        wanted = self.by_chunk()

        def visit(chunk: int) -> np.ndarray:
            ids = wanted[chunk]
            rows = ids - self.store.rows(chunk)[0]
            flux, error = self.store.read(chunk, "flux")[rows], self.store.read(chunk, "error")[rows]
            return noisy_rows(flux, error, ids, self.seed, self.noise_level, draw=0)

        return passes.over(visit, list(wanted), self.compute, title, lambda c: len(wanted[c]))


class _ChunkSequence(lgb.Sequence):
    """One chunk of a `_ChunkReader` in the form that LightGBM bins from."""

    def __init__(self, reader: "_ChunkReader", number: int, rows: int) -> None:
        self.reader, self.number, self.rows = reader, number, rows
        self.batch_size = rows

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.asarray(self.reader.block(self.number)[index], dtype=np.float64)

    def __len__(self) -> int:
        return self.rows


class _ChunkReader:
    """Gives blocks in rising order, reading ahead; asking for an earlier one starts a new pass.

    LightGBM goes through the data twice: once for the rows of its bin sample, once to bin every row.
    """

    def __init__(self, rows: NoisyRows) -> None:
        self.rows = rows
        self.sequences = [_ChunkSequence(self, k, len(ids)) for k, ids in enumerate(rows.by_chunk().values())]
        self._current = -1
        self._passes = 0
        self._block = np.empty((0, 0))
        self._iterator: Iterator[np.ndarray] = iter(())

    def block(self, number: int) -> np.ndarray:
        if number < self._current or self._current < 0:
            self._passes += 1
            self._iterator = self.rows.blocks("bin sample" if self._passes == 1 else "binning")
            self._current = -1
        while self._current < number:
            self._block = next(self._iterator)
            self._current += 1
        return self._block


@dataclass(frozen=True)
class Boosted:
    """A trained booster, its best prefix, and the validation error (MSE, dex²) of every prefix."""

    booster: lgb.Booster
    best_iteration: int
    history: list[float]
    seconds: float


def parameters(config: LightGBMConfig, seed: int, compute: Compute) -> dict[str, Any]:
    """LightGBM's parameters; deterministic for a given thread count."""
    return {
        "objective": "regression",
        "metric": "l2",
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "feature_fraction": config.feature_fraction,
        "min_data_in_leaf": config.min_data_in_leaf,
        "max_bin": config.max_bin,
        "bin_construct_sample_cnt": config.bin_sample,
        "feature_pre_filter": False,
        "enable_bundle": False,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": min(compute.threads, usable_cores()),
        "verbosity": -1,
    }


def train(
    store: Store,
    split: Split,
    truth: np.ndarray,
    config: LightGBMConfig,
    seed: int,
    noise_level: float,
    compute: Compute,
    state: Path,
) -> Boosted:
    """Train on the fit rows of a split, watching its validation rows.

    Parameters
    ----------
    truth : (N,) log g of every spectrum of the store, dex
    state : folder for the binned data and the last saved booster; removed by `discard` when results are safe
    """
    options = parameters(config, seed, compute)
    identity = digest([store.manifest["store_id"], split.fit.tolist(), noise_level, config.model_dump(), seed])
    folder = state / identity
    fit = NoisyRows(store, np.sort(split.fit), seed, noise_level, compute)
    held = NoisyRows(store, np.sort(split.validation), seed, noise_level, compute)
    data = _binned(fit, truth, options, folder / "binned.bin")
    validation = data.create_valid(np.concatenate(list(held.blocks("validation"))), truth[held.ids])
    history, model = _resume(folder, config.n_estimators)
    progress = Progress("LightGBM", config.n_estimators, "trees")
    progress.skip(len(history))
    saved = started = time.monotonic()

    def watch(env: Any) -> None:
        nonlocal saved
        history.append(float(env.evaluation_result_list[0][2]))
        progress.add(1)
        if time.monotonic() - saved > _SAVE_EVERY:
            _save(folder, env.model, history)
            saved = time.monotonic()

    # A resumed run draws its features from a seed of its own: it is as random, not the same trees.
    options["feature_fraction_seed"] = (seed + len(history)) % 2**31
    booster = lgb.train(
        options, data, config.n_estimators - len(history), valid_sets=[validation], init_model=model, callbacks=[watch]
    )
    progress.finish()
    _save(folder, booster, history)
    return Boosted(booster, int(np.argmin(history)) + 1, history, time.monotonic() - started)


def _binned(rows: NoisyRows, truth: np.ndarray, options: dict[str, Any], path: Path) -> lgb.Dataset:
    """The binned training data; binned once, then read back from LightGBM's binary file."""
    if not path.exists():
        reader = _ChunkReader(rows)
        data = lgb.Dataset(reader.sequences, truth[rows.ids], params=options)
        data.construct()
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.unlink()  # LightGBM refuses to overwrite
            data.save_binary(temporary)
        return data
    log.info(f"binned data read from {path}")
    return lgb.Dataset(str(path), params=options)


def _resume(folder: Path, wanted: int) -> tuple[list[float], lgb.Booster | None]:
    history_file, model_file = folder / "history.json", folder / "booster.txt"
    if not (history_file.exists() and model_file.exists()):
        return [], None
    booster = lgb.Booster(model_file=str(model_file))
    history = [float(v) for v in read_json(history_file, ("mse",))["mse"]][: booster.num_trees()]
    if len(history) < booster.num_trees() or len(history) > wanted:
        return [], None
    log.info(f"resuming LightGBM after {len(history)} trees")
    return history, booster


def _save(folder: Path, booster: lgb.Booster, history: list[float]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "history.json", {"mse": history})
    with atomic_path(folder / "booster.txt") as temporary:
        booster.save_model(temporary)


def predict(boosted: Boosted, rows: NoisyRows) -> np.ndarray:
    """Predictions of the best prefix for the (sorted) ids of `rows`, (N,) dex."""
    parts = [
        np.asarray(boosted.booster.predict(block, num_iteration=boosted.best_iteration))
        for block in rows.blocks("LightGBM predictions")
    ]
    return np.concatenate(parts)


def discard(state: Path) -> None:
    """Remove the resumable state once the results are written."""
    shutil.rmtree(state, ignore_errors=True)


def report(boosted: Boosted, config: LightGBMConfig) -> dict[str, Any]:
    """What was trained and where it stopped, as plain JSON."""
    last = config.n_estimators
    return {
        "setting": config.model_dump(mode="json"),
        "best_iteration": boosted.best_iteration,
        "best_iteration_is_last": boosted.best_iteration == last,
        "validation_mse": boosted.history,
    }
