"""Spectra that chose nothing: fresh simulated stars, or the part of the test pool that was set aside."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import ids as reserved
from logg1m.config.compute import Compute
from logg1m.experiments.data import Preparation
from logg1m.experiments.evaluate import predict
from logg1m.experiments.reading import Role, gather
from logg1m.experiments.task import TARGETS, Fitted, Task
from logg1m.files import InputError
from logg1m.protocol.pools import Pools, scalar_snr
from logg1m.sources import Simulator
from logg1m.spectra import passes
from logg1m.spectra.masks import measured
from logg1m.spectra.store import CHUNK_ROWS, Store, digest

SIMULATED, SET_ASIDE = "fresh simulated stars", "the end of the test pool"
_BATCH = 512


@dataclass(frozen=True)
class Fresh:
    """N spectra that no model is fitted to or chosen on.

    ids : (N,), of their noise
    flux, error : noise-free flux and 1σ error (N, P) float32; NaN and infinite at masked pixels
    labels : of the spectra, by position 0 … N − 1
    members : column low_noise, by position
    origin : SIMULATED or SET_ASIDE
    identity : of the set, however many of it are taken
    """

    ids: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    labels: pd.DataFrame
    members: pd.DataFrame
    origin: str
    identity: str


def simulated(source: Simulator, said: dict[str, Any], count: int, threshold: float, compute: Compute) -> Fresh:
    """The first `count` stars of the range that is kept for confirmation.

    Parameters
    ----------
    said : what the source says of itself
    threshold : signal-to-noise from which a spectrum is a low-noise one
    """
    ids = reserved.first(count, reserved.CONFIRMATION)
    starts = range(0, count, CHUNK_ROWS)

    def visit(start: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
        stop = min(start + CHUNK_ROWS, count)
        block = source.simulate(int(ids[0]) + start, int(ids[0]) + stop)
        flux, error = block.measured()
        good = ~np.isnan(flux)
        snr = scalar_snr(np.where(good, flux, 0), np.where(good, error, 0))
        return {"flux": flux, "error": error}, block.labels, snr

    parts = list(
        passes.over(visit, starts, compute, "fresh spectra", lambda start: min(CHUNK_ROWS, count - start), "spectra")
    )
    arrays = {name: np.concatenate([part[0][name] for part in parts]) for name in ("flux", "error")}
    labels = pd.DataFrame({name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]})
    members = pd.DataFrame({"low_noise": np.concatenate([part[2] for part in parts]) >= threshold})
    about = digest([SIMULATED, said, reserved.CONFIRMATION.start])
    return Fresh(ids, arrays["flux"], arrays["error"], labels, members, SIMULATED, about)


def set_aside(store: Store, pools: Pools, members: pd.DataFrame, count: int, compute: Compute) -> Fresh:
    """At most `count` spectra of the part of the test pool that is in no test."""
    ids = np.sort(pools.confirmation[:count])
    if not len(ids):
        raise InputError("the test pool is too small for any spectrum to be set aside for confirmation; add spectra")

    def read(chunk: int, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return measured(store, chunk, some - store.rows(chunk)[0])

    flux, error = gather(store, {"confirmation": Role(ids, read)}, compute)["confirmation"]
    labels = store.labels().loc[ids].reset_index(drop=True)
    low_noise = members.loc[ids, ["low_noise"]].reset_index(drop=True)
    about = digest([SET_ASIDE, store.manifest["store_id"], pools.confirmation.tolist()])
    return Fresh(ids, flux, error, labels, low_noise, SET_ASIDE, about)


def predictions(task: Task, fitted: Fitted, fresh: Fresh) -> pd.DataFrame:
    """What a fitted model says of fresh spectra with their frozen draw of noise: columns as those of a run, id = position."""
    names = list(TARGETS[: task.targets.shape[1]])
    there = replace(task, targets=fresh.labels[names].to_numpy())
    prepare = task.prepare.of_stars(fresh.labels)
    tables = [
        predict(there, fitted, rows, prepared(prepare, fresh, rows)) for rows in _batches(np.arange(len(fresh.ids)))
    ]
    return pd.concat(tables, ignore_index=True)


def prepared(prepare: Preparation, fresh: Fresh, rows: np.ndarray) -> np.ndarray:
    """Some of the fresh spectra as a preparation of these stars shows them, (len(rows), C, P)."""
    parts = []
    for some in _batches(rows):
        flux, error = (torch.from_numpy(values[some]).to(prepare.device) for values in (fresh.flux, fresh.error))
        noisy = prepare.noisy(flux, error, fresh.ids[some], 0)
        parts.append(prepare.seen(noisy, error, some).cpu().numpy())
    return np.concatenate(parts)


def _batches(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[low : low + _BATCH] for low in range(0, len(rows), _BATCH)]
