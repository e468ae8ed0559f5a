"""LightGBM on noisy spectra: binned chunk by chunk, trained once, resumable from its last saved booster.

The early-stopped model is the prefix of the one booster at its best validation iteration.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from logg1m.config.baselines import LightGBMConfig
from logg1m.config.compute import Compute
from logg1m.files import atomic_path, read_json, write_json
from logg1m.jobs import interruption
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.progress import Progress, log
from logg1m.protocol.pools import Split, noisy_rows
from logg1m.spectra import passes
from logg1m.spectra.amplitude import is_free
from logg1m.spectra.masks import measured
from logg1m.spectra.store import Store, crc32c, digest

_SAVE_EVERY = 60.0  # s between saved boosters
_BINNED = "binned.bin"


@dataclass(frozen=True)
class NoisyRows:
    """Chunk-wise access to the noisy spectra of a set of ids: whatever their order, rows come in rising order.

    With several `draws` of noise a chunk comes once for each of them, draw 0 first.
    """

    store: Store
    ids: np.ndarray  # sorted on construction
    seed: int
    noise_level: float
    compute: Compute
    draws: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.sort(self.ids))

    def by_chunk(self) -> dict[int, np.ndarray]:
        """Chunk → ids in it."""
        chunk = self.ids // self.store.chunk_rows
        return {int(c): self.ids[chunk == c] for c in np.unique(chunk)}

    def per_row(self) -> np.ndarray:
        """Id of every row in the order of the blocks, (draws · N,)."""
        return np.concatenate([np.tile(ids, self.draws) for ids in self.by_chunk().values()])

    def blocks(self, title: str) -> Iterator[np.ndarray]:
        """Noisy rows (B, P) float32 of one chunk after another, every chunk read once; masked pixels are NaN, which
        LightGBM takes as missing."""
        wanted = self.by_chunk()

        def visit(chunk: int) -> np.ndarray:
            ids = wanted[chunk]
            flux, error = measured(self.store, chunk, ids - self.store.rows(chunk)[0])
            how = self.seed, self.noise_level
            draws = range(self.draws)
            return np.concatenate([noisy_rows(flux, error, ids, *how, draw, is_free(self.store)) for draw in draws])

        return passes.over(visit, list(wanted), self.compute, title, lambda c: self.draws * len(wanted[c]))


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
        sizes = [rows.draws * len(ids) for ids in rows.by_chunk().values()]
        self.sequences = [_ChunkSequence(self, k, size) for k, size in enumerate(sizes)]
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


@dataclass
class Boosted:
    """A growing sequence of trees, and the validation error (MSE, dex²) of every prefix.

    A run that was interrupted continues in a booster of its own, on the sum of the ones before: predictions are sums
    over `parts`. (LightGBM's own `init_model` needs the raw data in memory, which a chunk-wise run does not have.)
    """

    parts: list[lgb.Booster] = field(default_factory=list)
    history: list[float] = field(default_factory=list)

    @property
    def n_trees(self) -> int:
        return sum(part.num_trees() for part in self.parts)

    @property
    def best_iteration(self) -> int:
        return int(np.argmin(self.history)) + 1

    def predict(self, block: np.ndarray, trees: int) -> np.ndarray:
        """Sum of the first `trees` trees for rows (B, P), (B,) dex."""
        out = np.zeros(len(block))
        for part in self.parts:
            take = min(trees, part.num_trees())
            if take > 0:  # LightGBM reads 0 as all
                out += part.predict(block, num_iteration=take)
            trees -= take
        return out


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
    code: str = "",
    draws: int = 1,
) -> Boosted:
    """Train on the fit rows of a split, watching its validation rows.

    Parameters
    ----------
    truth : (N,) log g of every spectrum of the store, dex
    state : folder for the binned data and the trees so far. The trees stay there when all are grown: a job that is
        killed after its results are written, but before Snakemake knows it, loses the results and not the training
    code : fingerprint of the training code, which the state must come from
    draws : of noise of every training spectrum; validation has one
    """
    about = [store.manifest["store_id"], split.fit.tolist(), noise_level, config.model_dump(), seed, code, draws]
    folder = state / digest(about)
    for stale in state.glob("*"):
        if stale != folder:
            shutil.rmtree(stale)
    boosted = _resume(folder, config.n_estimators)
    if boosted.n_trees < config.n_estimators:
        fit = NoisyRows(store, split.fit, seed, noise_level, compute, draws)
        held = NoisyRows(store, split.validation, seed, noise_level, compute)
        options = parameters(config, seed, compute)
        data = _binned(fit, truth, options, folder / _BINNED)
        rows = np.concatenate(list(held.blocks("validation")))
        validation = data.create_valid(rows, truth[held.ids])
        if boosted.n_trees:
            blocks = fit.blocks("trees so far")
            data.set_init_score(np.concatenate([boosted.predict(block, boosted.n_trees) for block in blocks]))
            validation.set_init_score(boosted.predict(rows, boosted.n_trees))
        _grow(boosted, data, validation, options, config.n_estimators, seed, folder)
    _remove_binned(folder)  # or left by a job that died between its last save and that of its results
    return boosted


def _grow(
    boosted: Boosted,
    data: lgb.Dataset,
    validation: lgb.Dataset,
    options: dict[str, Any],
    n_trees: int,
    seed: int,
    folder: Path,
) -> None:
    """Grow what is missing of `n_trees`, saved every minute; an interruption saves and raises `Interrupted`."""
    finished, saved = boosted.n_trees, time.monotonic()
    progress = Progress("LightGBM", n_trees, "trees")
    progress.skip(finished)

    def watch(env: Any) -> None:
        nonlocal saved
        boosted.history.append(float(env.evaluation_result_list[0][2]))
        progress.add(1)
        stop = interruption.requested()
        if stop or time.monotonic() - saved > _SAVE_EVERY:
            _save(folder, [*boosted.parts, env.model], boosted.history)
            saved = time.monotonic()
        if stop:
            raise interruption.Interrupted(f"after {len(boosted.history):,} trees")

    # Every tree draws its features from a seed of its own, so that a resumed run grows the same trees.
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(n_trees) >> 1][finished:]
    options = options | {"feature_fraction_seed": seeds[0]}
    callbacks = [lgb.reset_parameter(feature_fraction_seed=seeds), watch]
    with interruption.listening():
        grown = lgb.train(options, data, n_trees - finished, valid_sets=[validation], callbacks=callbacks)
        boosted.parts.append(grown)
        _save(folder, boosted.parts, boosted.history)
    progress.finish()


def _binned(rows: NoisyRows, truth: np.ndarray, options: dict[str, Any], path: Path) -> lgb.Dataset:
    """The binned training data; binned once, then read back from LightGBM's binary file if that is whole."""
    sums = path.with_suffix(".json")
    if path.exists() and sums.exists():
        if read_json(sums) == {"crc32c": crc32c(np.memmap(path, np.uint8, "r"))}:
            log.info(f"binned data read from {path}")
            return lgb.Dataset(str(path), params=options)
        log.warning(f"{path} is damaged and made anew")
    reader = _ChunkReader(rows)
    data = lgb.Dataset(reader.sequences, truth[rows.per_row()], params=options)
    data.construct()
    path.parent.mkdir(parents=True, exist_ok=True)
    sums.unlink(missing_ok=True)
    with atomic_path(path) as temporary:
        temporary.unlink()  # LightGBM refuses to overwrite
        data.save_binary(temporary)
    write_json(sums, {"crc32c": crc32c(np.memmap(path, np.uint8, "r"))})
    return data


def _remove_binned(folder: Path) -> None:
    for path in (folder / _BINNED, (folder / _BINNED).with_suffix(".json")):
        path.unlink(missing_ok=True)


def _resume(folder: Path, wanted: int) -> Boosted:
    """What an earlier run saved, or nothing."""
    path = folder / "trees.json"
    if not path.exists():
        return Boosted()
    stored = read_json(path)
    try:
        if digest([stored["mse"], stored["models"]]) != stored["digest"]:
            raise ValueError("its checksum is not what was written")
        boosted = Boosted([lgb.Booster(model_str=text) for text in stored["models"]], [float(v) for v in stored["mse"]])
    except (lgb.basic.LightGBMError, KeyError, TypeError, ValueError) as error:
        log.warning(f"{path} is damaged and not used, LightGBM starts from the beginning: {error}")
        return Boosted()
    if boosted.n_trees != len(boosted.history) or boosted.n_trees > wanted:
        return Boosted()
    log.info(f"resuming LightGBM after {boosted.n_trees} trees")
    return boosted


def _save(folder: Path, parts: list[lgb.Booster], history: list[float]) -> None:
    models = [part.model_to_string() for part in parts]
    write_json(folder / "trees.json", {"digest": digest([history, models]), "mse": history, "models": models})


def tensors(boosted: Boosted) -> dict[str, np.ndarray]:
    """The trees for a file: the text of every part as bytes, and how many trees predict."""
    parts = {f"part_{k:03d}": as_bytes(part) for k, part in enumerate(boosted.parts)}
    return {**parts, "best_iteration": np.array([boosted.best_iteration])}


def from_tensors(found: dict[str, np.ndarray], noisy: np.ndarray) -> np.ndarray:
    """log g (N,) of noisy spectra (N, P), NaN at masked pixels, by saved trees."""
    boosted = Boosted([from_bytes(found[name]) for name in sorted(found) if name.startswith("part_")])
    return boosted.predict(noisy, int(found["best_iteration"][0]))


def as_bytes(booster: lgb.Booster) -> np.ndarray:
    """A booster's text as bytes (n,) uint8."""
    return np.frombuffer(booster.model_to_string().encode(), dtype=np.uint8)


def from_bytes(text: np.ndarray) -> lgb.Booster:
    """The booster of a text as `as_bytes` has it."""
    return lgb.Booster(model_str=text.tobytes().decode())


def predict(boosted: Boosted, rows: NoisyRows) -> np.ndarray:
    """Predictions of the best prefix for the ids of `rows` in rising order, (N,) dex."""
    blocks = rows.blocks("LightGBM predictions")
    return np.concatenate([boosted.predict(block, boosted.best_iteration) for block in blocks])


def report(boosted: Boosted, config: LightGBMConfig) -> dict[str, Any]:
    """What was trained and where it stopped, as plain JSON."""
    return {
        "setting": config.model_dump(mode="json"),
        "best_iteration": boosted.best_iteration,
        "best_iteration_is_last": boosted.best_iteration == config.n_estimators,
        "validation_mse": boosted.history,
    }
