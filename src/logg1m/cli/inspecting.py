"""`logg1m inspect`: what is in a shard or a store, from a sample of its spectra."""

from pathlib import Path

import numpy as np

from logg1m.observe import N_PIXELS
from logg1m.sources.pfs.labels import REQUIRED, STELLAR
from logg1m.sources.pfs.masks import Means
from logg1m.sources.pfs.shard import Shard
from logg1m.spectra.masks import good_pixels
from logg1m.spectra.store import Store

_MANY_MASKED = 0.5  # share of masked pixels beyond which the mask is hardly meant that way


def inspect_shard(path: Path, mask_means: Means = "auto") -> int:
    """Print what is in a shard and return 1 if something would stop its import, else 0.

    Raises
    ------
    InputError
        If it cannot be read as a shard at all.
    """
    shard = Shard(path, n_pixels=None, mask_means=mask_means)
    print(f"{path}: a shard of {shard.n_rows:,} spectra with {shard.n_pixels} pixels, {path.stat().st_size:,} bytes")
    print("arrays: " + ", ".join(f"{name} ({dtype})" for name, dtype in shard.arrays.items()))
    _print_wave(shard.wave)
    _print_labels(shard.labels)
    if beside := [name for name in shard.table.exact if name not in shard.labels]:
        print("kept beside the labels: " + ", ".join(beside))
    rows = shard.read(0, min(shard.n_rows, 1024))
    _print_snr(rows.flux, rows.error, rows.mask == 0)
    missing = [name for name in STELLAR if name not in shard.labels or not np.isfinite(shard.labels[name]).any()]
    problems = [f"label column {name} is missing" for name in missing if name in REQUIRED]
    gaps = {name: int((~np.isfinite(shard.labels[name])).sum()) for name in STELLAR if name not in missing}
    problems += [f"label column {name} has no value in {count} rows" for name, count in gaps.items() if count]
    if shard.n_pixels != N_PIXELS:
        problems.append(f"{shard.n_pixels} pixels, where PFS medium-resolution spectra have {N_PIXELS}")
    if (share := float((rows.mask != 0).mean())) > _MANY_MASKED:
        problems.append(f"{share:.0%} of the first {len(rows.mask)} spectra's pixels are masked: is the mask inverted?")
    absent = [
        f"label column {name} is absent: it counts as a label that does not vary"
        for name in missing
        if name not in REQUIRED
    ]
    return _print_problems(problems, [*shard.notices, *absent])


def inspect_store(store: Store) -> int:
    """Print what is in a store; raises InputError where it is not what its manifest says."""
    arrays = ", ".join(f"{name} ({dtype})" for name, dtype in store.manifest["arrays"].items())
    print(f"{store.path}: a store of {store.n_spectra:,} spectra with {store.n_pixels} pixels")
    print(f"source: {store.source.get('kind')}; identity: {store.manifest['store_id']}")
    print(f"arrays: {arrays}")
    _print_wave(store.wave)
    _print_labels({str(name): values.to_numpy() for name, values in store.labels().items()})
    _print_snr(store.read(0, "flux"), store.read(0, "error"), good_pixels(store, 0))
    return _print_problems([], [])


def _print_wave(wave: np.ndarray) -> None:
    step = (wave[-1] - wave[0]) / (len(wave) - 1)
    print(f"wavelengths: {wave[0]:.3f} … {wave[-1]:.3f} Å, step {step:.4f} Å")


def _print_labels(labels: dict[str, np.ndarray]) -> None:
    print("labels:")
    for name, values in labels.items():
        finite = values[np.isfinite(values)]
        gaps = f", {len(values) - len(finite)} of {len(values)} without a value" if len(finite) < len(values) else ""
        extent = f"{finite.min():g} … {finite.max():g}" if len(finite) else "empty"
        print(f"  {name:20s} {extent}{gaps}")


def _print_snr(flux: np.ndarray, error: np.ndarray, good: np.ndarray) -> None:
    """Of the good pixels alone; each (N, P)."""
    some = good.any(axis=1)
    flux, error = (np.where(good, values, np.nan)[some] for values in (flux, error))
    measures = {
        "‖flux‖/‖error‖": np.sqrt(np.nansum(flux**2, axis=1) / np.nansum(error**2, axis=1)),
        "95th percentile of flux/error": np.nanpercentile(flux / error, 95, axis=1),
    }
    print(f"signal-to-noise of the first {len(flux)} spectra (5, 50, 95 %):")
    for name, values in measures.items():
        print(f"  {name}: " + ", ".join(f"{value:.2f}" for value in np.percentile(values, (5, 50, 95))))


def _print_problems(problems: list[str], notices: list[str]) -> int:
    print("problems:" + "".join(f"\n  {text}" for text in problems) if problems else "problems: none found")
    for notice in notices:
        print(f"note: {notice}")
    return 1 if problems else 0
