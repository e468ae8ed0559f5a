"""MVP-0.A: what low noise means, and which spectra are for training, validation and test.

The protocol file alone reproduces the selection: pools are prefixes of the permutation f(seed, n_spectra) of
`noise.permutation`, and a spectrum is low-noise if ‖flux‖₂/‖error‖₂ of its noise-free flux reaches the threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import noise
from logg1m.config.compute import Compute
from logg1m.config.protocol import Protocol, scale_name
from logg1m.files import InputError
from logg1m.spectra import passes
from logg1m.spectra.amplitude import rescaling
from logg1m.spectra.masks import has_masked, interpolated, measured
from logg1m.spectra.store import Store

TEST, TRAIN, VALIDATION, CONFIRMATION = "test", "train", "validation", "confirmation"
CONFIRMATION_SHARE = 0.1  # of the test pool of a source that cannot simulate fresh stars
_SIMULATES_NONE = "pfs_hdf5"  # such a source


_ROWS_AT_ONCE = 16  # what is made of 16 rows of 4096 pixels stays in cache


@dataclass(frozen=True)
class Split:
    """Spectrum ids of one scale, each in the order of the permutation."""

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Pools:
    """Training and test pools; every scale is a prefix of each.

    `validation` is None (a share of each training prefix) or the frozen set of a source that brings its own files.
    `confirmation` is empty where the source simulates: fresh stars confirm then what was accepted (`ids`). Else
    it is the last tenth of the test pool, and part of no test.
    """

    train: np.ndarray
    test: np.ndarray
    settings: Protocol
    validation: np.ndarray | None = None
    frozen_test: bool = False
    confirmation: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def draw(
        cls, seed: int, n_spectra: int, settings: Protocol, role: np.ndarray | None = None, simulates: bool = True
    ) -> "Pools":
        """80/20 (by default) of one fixed permutation of all spectra of the store.

        `role` (N,): 0 train, 1 validation, 2 test, for sources with files of their own for them; these stay frozen.
        `simulates`: whether fresh stars can be had; if not, the end of the test pool is set aside for confirmation.
        """
        pools = cls._drawn(seed, n_spectra, settings, role)
        if simulates:
            return pools
        kept = len(pools.test) - round(CONFIRMATION_SHARE * len(pools.test))
        return replace(pools, test=pools.test[:kept], confirmation=pools.test[kept:])

    @classmethod
    def _drawn(cls, seed: int, n_spectra: int, settings: Protocol, role: np.ndarray | None) -> "Pools":
        order = noise.permutation(seed, n_spectra)
        if role is None or not np.asarray(role).any():
            n_train = round(settings.train_fraction * n_spectra)
            return cls(order[:n_train], order[n_train:], settings)
        kind = np.asarray(role)[order]
        train, validation, test = (order[kind == k] for k in range(3))
        frozen_test = len(test) > 0
        if not frozen_test:
            n_train = round(settings.train_fraction * len(train))
            train, test = train[:n_train], train[n_train:]
        return cls(train, test, settings, validation if len(validation) else None, frozen_test)

    @classmethod
    def of(cls, store: Store, seed: int, settings: Protocol) -> "Pools":
        """Pools of a store, honouring the roles that its source gave its spectra."""
        role = store.labels()["role"].to_numpy() if "role" in store.manifest["labels"] else None
        return cls.draw(seed, store.n_spectra, settings, role, simulates(store.manifest.get("source", {}).get("kind")))

    def split(self, size: int) -> Split:
        """Fit, validation and test ids of the scale with `size` spectra in all; frozen sets are the same at all.

        Where the test is frozen, or a part of its pool is set aside, it is at most what there is.

        Raises
        ------
        InputError
            If the pools are too small for the scale.
        """
        n_train = round(self.settings.train_fraction * size)
        bounded = self.frozen_test or len(self.confirmation)
        n_test = min(size - n_train, len(self.test)) if bounded else size - n_train
        if n_train > len(self.train) or n_test > len(self.test):
            raise InputError(
                f"scale {scale_name(size)} needs {n_train} training and {n_test} test spectra; "
                f"the pools hold {len(self.train)} and {len(self.test)}; lower protocol.scales, or add spectra"
            )
        fit, validation = self.hold_out(self.train[:n_train])
        return Split(fit, validation, self.test[:n_test])

    def require_scales(self) -> None:
        """Stop if the pools are too small for the largest scale; raises InputError."""
        self.split(self.settings.scales[-1])

    def hold_out(self, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training ids → (fit, validation): the last 5 % of them, or all of them and the frozen validation set.

        Two at least are for validation: one spectrum has no R².
        """
        if self.validation is not None:
            return train, self.validation[: self.settings.validation_max]
        n_validation = min(max(2, int(self.settings.validation_fraction * len(train))), self.settings.validation_max)
        return train[:-n_validation], train[-n_validation:]

    @property
    def choosing(self) -> np.ndarray:
        """Validation ids of the run's largest training prefix: the best of several models is chosen on them."""
        return self.split(self.settings.scales[-1]).validation

    @property
    def common_test(self) -> np.ndarray:
        """The largest test prefix of the run, on which every scale is compared."""
        return self.split(self.settings.scales[-1]).test


def simulates(source: str | None) -> bool:
    """Whether a kind of source can simulate fresh stars."""
    return source != _SIMULATES_NONE


def scalar_snr(flux: np.ndarray, error: np.ndarray) -> np.ndarray:
    """‖flux‖₂ / ‖error‖₂ of every spectrum, (B, P) each → (B,)."""
    return np.asarray(np.sqrt(np.einsum("np,np->n", flux, flux) / np.einsum("np,np->n", error, error)))


def snr_of_chunk(
    flux: np.ndarray, error: np.ndarray, noisy: np.ndarray, masked: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Signal-to-noise definitions per spectrum, and sums per pixel, of one chunk (B, P).

    Where there are `masked` pixels (error infinite: `spectra.masks.measured`) they count in none of them; a spectrum
    without any good pixel has no signal, 0.

    Returns
    -------
    per spectrum: `snr` = ‖flux‖/‖error‖ (the roadmap's), `snr_observer` the same from noisy flux,
        `snr_median` and `snr_p95` = median and 95th percentile of flux/error over pixels; each (B,)
    per pixel: `flux`, `flux2`, `error`, `error2` summed over spectra, and their number `n`; each (P,) float64
    """
    spectra: dict[str, list[np.ndarray]] = {name: [] for name in ("snr", "snr_observer", "snr_median", "snr_p95")}
    pixels = {name: np.zeros(flux.shape[1]) for name in ("flux", "flux2", "error", "error2", "n")}
    for start in range(0, len(flux), _ROWS_AT_ONCE):
        f, e, noisy_f = (x[start : start + _ROWS_AT_ONCE] for x in (flux, error, noisy))
        pixels["n"] += len(f)
        if masked:
            bad = np.isinf(e)
            pixels["n"] -= np.count_nonzero(bad, axis=0)
            (f, e, noisy_f), found = _without_masked(f, e, noisy_f, bad)
        else:
            found = [scalar_snr(f, e), scalar_snr(noisy_f, e), *_row_quantiles(f / e, (0.5, 0.95))]
        for name, values in zip(spectra, found):
            spectra[name].append(values)
        for name, x in (("flux", f), ("error", e)):
            double = x.astype(np.float64)
            pixels[name] += double.sum(axis=0)
            pixels[f"{name}2"] += np.einsum("np,np->p", double, double)
    return {name: np.concatenate(parts) for name, parts in spectra.items()}, pixels


def _without_masked(
    flux: np.ndarray, error: np.ndarray, noisy: np.ndarray, bad: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Flux, error and noisy flux (B, P) that are zero at the pixels `bad`, and the four definitions without them."""
    with np.errstate(invalid="ignore"):  # a spectrum without any pixel: 0/0
        ratio = np.where(bad, np.nan, flux / error)
        clean = [np.where(bad, np.float32(0), x) for x in (flux, error, noisy)]
        norms = [scalar_snr(clean[0], clean[1]), scalar_snr(clean[2], clean[1])]
    some = ~bad.all(axis=1)
    quantiles = np.zeros((2, len(flux)))
    quantiles[:, some] = np.nanquantile(ratio[some], (0.5, 0.95), axis=1)
    return clean, [np.where(some, values, 0.0).astype(flux.dtype) for values in (*norms, *quantiles)]


def _row_quantiles(values: np.ndarray, levels: tuple[float, ...]) -> list[np.ndarray]:
    """Quantiles at rising levels of every row of (N, P), which is reordered; as np.quantile does, each (N,).

    Each selection searches only what the one before left above it: six times as fast as one call for all.
    """
    out, rest, below = [], values, 0
    for level in levels:
        at = level * (values.shape[1] - 1)
        rank = int(at)
        rest.partition(rank - below, axis=1)
        here, rest = rest[:, rank - below], rest[:, rank - below + 1 :]
        below = rank + 1
        out.append(here + (at - rank) * (rest.min(axis=1) - here))
    return out


def noisy_rows(
    flux: np.ndarray, error: np.ndarray, ids: np.ndarray, seed: int, level: float, draw: int, free: bool = False
) -> np.ndarray:
    """flux + level · error · N(0, 1), (B, P) float32; the noise is the counter-based draw of each id. NaN stays NaN.

    free : the amplitude is unknown (`spectra.amplitude`): every row is divided by its own median
    """
    normal = noise.normal(seed, torch.as_tensor(np.ascontiguousarray(ids)), flux.shape[1], draw)
    noisy = normal.mul_(torch.as_tensor(error)).mul_(level).add_(torch.as_tensor(flux))
    return np.asarray((noisy.mul_(rescaling(noisy)) if free else noisy).numpy())


def survey(store: Store, seed: int, settings: Protocol, compute: Compute) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One pass over the store: (SNR definitions per spectrum, mean and scatter per pixel), of good pixels alone.

    A pixel that is masked in every spectrum has the mean error of its neighbours, and no flux.
    """

    def visit(chunk: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        flux, error = measured(store, chunk)
        noisy = noisy_rows(flux, error, np.arange(*store.rows(chunk)), seed, settings.noise_level, draw=0)
        return snr_of_chunk(flux, error, noisy, has_masked(store, chunk))

    spectra, totals = [], None
    for rows, sums in passes.over(visit, range(store.n_chunks), compute, "signal-to-noise", store.size):
        spectra.append(rows)
        totals = sums if totals is None else {name: totals[name] + sums[name] for name in sums}
    assert totals is not None
    n, counts = store.n_spectra, np.maximum(totals["n"], 1)
    mean, error_mean = totals["flux"] / counts, totals["error"] / counts
    if has_masked(store):
        error_mean = interpolated(np.where(totals["n"] > 0, error_mean, np.nan)[None])[0]
    pixels = pd.DataFrame(
        {
            "wave": store.wave,
            "flux_mean": mean,
            "flux_std": np.sqrt(np.maximum(totals["flux2"] / counts - mean**2, 0.0)),
            "error_mean": error_mean,
            "error_rms": np.sqrt(totals["error2"] / counts),
        }
    )
    table = pd.DataFrame({name: np.concatenate([part[name] for part in spectra]) for name in spectra[0]})
    table.insert(0, "id", np.arange(n))
    for name in ("role", "simulator_snr"):
        if name in store.manifest["labels"]:
            table[name] = store.labels()[name]
    return table, pixels


def define(
    snr: pd.DataFrame, seed: int, settings: Protocol, source: str | None = None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The protocol and, per spectrum, its pool, rank in the pool and low-noise flag.

    The threshold is a quantile of the noise-free ‖flux‖/‖error‖ over the whole store, never per scale. `source` is the
    kind of the source, of which it depends whether a part of the test pool is set aside.
    """
    n = len(snr)
    fresh = simulates(source)
    pools = Pools.draw(seed, n, settings, snr["role"].to_numpy() if "role" in snr else None, fresh)
    threshold = float(np.quantile(snr["snr"], 1 - settings.low_noise_fraction))
    members = _members(snr, pools, threshold)
    protocol = {
        "seed": seed,
        "n_spectra": n,
        "low_noise": {
            "definition": "snr",
            "rule": "snr >= threshold",
            "fraction": settings.low_noise_fraction,
            "threshold": threshold,
            "n": int(members["low_noise"].sum()),
            "n_test": int(members["low_noise"][members["pool"] == TEST].sum()),
        },
        "snr_definitions": _definitions(snr, settings),
        "pools": {
            "rule": "order = ids sorted by key, key = (w0 << 30) | (w1 >> 2), (w0, w1, …) = Philox4x32-10 with "
            f"counter (0, id, 0, {int(noise.Stream.POOLS)}) and the 64-bit seed as key; the first n_train ids are the "
            "training pool, the rest the test pool; a scale takes a prefix of each; validation = the last "
            "n_validation of a training prefix",
            "frozen_sets": [
                k for k, v in (("validation", pools.validation is not None), ("test", pools.frozen_test)) if v
            ],
            "frozen_rule": "spectra that the source calls validation or test (label `role` 1 or 2) are exactly those "
            "pools",
            "train_fraction": settings.train_fraction,
            "n_train": len(pools.train),
            "n_test": len(pools.test),
            "confirmation": {
                "from": "fresh simulated stars" if fresh else "the end of the test pool",
                "share_of_test_pool": 0.0 if fresh else CONFIRMATION_SHARE,
                "n": None if fresh else len(pools.confirmation),
            },
            "first_train_ids": pools.train[:5].tolist(),
            "first_test_ids": pools.test[:5].tolist(),
        },
        "scales": {scale_name(size): _sizes(pools.split(size), members) for size in settings.scales},
        "noise": {
            "rule": "noisy = flux + noise_level · error · N(0, 1); Philox4x32-10, counter (pixel // 4, id, draw, 0)",
            "noise_level": settings.noise_level,
            "frozen_draw": 0,
        },
    }
    return protocol, members


def _members(snr: pd.DataFrame, pools: Pools, threshold: float) -> pd.DataFrame:
    """Pool, rank in the pool and low-noise flag of every spectrum."""
    members = snr[["id"]].copy()
    members["pool"] = TRAIN
    members["rank"] = 0
    parts = {TRAIN: pools.train, TEST: pools.test}
    if pools.validation is not None:
        parts[VALIDATION] = pools.validation
    if len(pools.confirmation):
        parts[CONFIRMATION] = pools.confirmation
    for name, ids in parts.items():
        members.loc[ids, "pool"] = name
        members.loc[ids, "rank"] = np.arange(len(ids))
    members["low_noise"] = snr["snr"].to_numpy() >= threshold
    return members


def _definitions(snr: pd.DataFrame, settings: Protocol) -> dict[str, Any]:
    """Every definition of signal-to-noise with its thresholds and percentiles."""
    return {
        name: {
            "formula": formula,
            "thresholds": {f"top_{q:g}": float(np.quantile(snr[name], 1 - q)) for q in settings.quantiles},
            "percentiles": {f"p{q}": float(np.percentile(snr[name], q)) for q in (1, 5, 25, 50, 75, 95, 99)},
        }
        for name, formula in _FORMULAS.items()
        if name in snr
    }


def _sizes(split: Split, members: pd.DataFrame) -> dict[str, int]:
    """How many spectra a scale trains, validates and tests on."""
    return {
        "n_train": len(split.fit) + len(split.validation),
        "n_fit": len(split.fit),
        "n_validation": len(split.validation),
        "n_test": len(split.test),
        "n_test_low_noise": int(members.loc[split.test, "low_noise"].sum()),
    }


def reproduces(protocol: dict[str, Any], snr: pd.DataFrame, members: pd.DataFrame) -> bool:
    """Whether the selection follows from the protocol file alone: pool, rank and low-noise flag of every spectrum."""
    settings = Protocol(train_fraction=protocol["pools"]["train_fraction"])
    role = snr["role"].to_numpy() if "role" in snr else None
    fresh = not protocol["pools"]["confirmation"]["share_of_test_pool"]
    pools = Pools.draw(int(protocol["seed"]), int(protocol["n_spectra"]), settings, role, fresh)
    pool, rank = members["pool"].to_numpy(), members["rank"].to_numpy()
    selected = snr["snr"].to_numpy() >= protocol["low_noise"]["threshold"]
    parts = (
        (TRAIN, pools.train),
        (TEST, pools.test),
        (VALIDATION, pools.validation),
        (CONFIRMATION, pools.confirmation),
    )
    return np.array_equal(selected, members["low_noise"].to_numpy()) and all(
        (pool[ids] == name).all() and np.array_equal(rank[ids], np.arange(len(ids)))
        for name, ids in parts
        if ids is not None
    )


_FORMULAS: Mapping[str, str] = {
    "snr": "‖flux‖₂ / ‖error‖₂ of the noise-free flux",
    "snr_observer": "‖noisy flux‖₂ / ‖error‖₂, what an observer can measure",
    "snr_median": "median over pixels of flux / error",
    "snr_p95": "95th percentile over pixels of flux / error",
    "simulator_snr": "the simulator's own snr column",
}
