"""Make one denoiser with one seed: train it on noisy spectra, freeze it, and measure it on the test spectra."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from logg1m.config.compute import Compute
from logg1m.config.experiments import Recipe
from logg1m.experiments.data import choose_rows
from logg1m.experiments.denoising.quality import Trial, examples, measure, profile
from logg1m.experiments.denoising.training import BATCH, FILTER_ROWS, Exposure, Request, Spectra, fit
from logg1m.experiments.reading import Role, gather
from logg1m.experiments.regions import regions, sky_pixels
from logg1m.files import write_csv, write_json, write_parquet
from logg1m.jobs.device import resolve
from logg1m.jobs.provenance import versions
from logg1m.nn import denoisers, wiener
from logg1m.protocol.pools import Pools
from logg1m.results import denoiser as files
from logg1m.spectra import passes
from logg1m.spectra.masks import has_masked, interpolated, measured
from logg1m.spectra.store import Store, crc32c, digest


def make(
    request: Request,
    store: Store,
    members: pd.DataFrame,
    pixels: pd.DataFrame,
    compute: Compute,
    folder: Path,
    state: Path,
) -> dict[str, Any]:
    """Train and measure; writes the files of a denoiser (`results.denoiser`) and returns its report.

    Parameters
    ----------
    members : columns snr, low_noise, pool, rank, indexed by spectrum id
    pixels : pixels.parquet of the protocol, for the regions
    state : folder for the resumable state of a training
    """
    started = time.monotonic()
    sky = sky_pixels(pixels["error_mean"].to_numpy())
    exposure = Exposure(request, resolve(compute.device), sky, has_masked(store))
    settings = request.settings
    pools = Pools.of(store, request.seed, request.protocol)
    rows = choose_rows(pools, members, Recipe(), settings.train_size, settings.test_size, request.seed_number)
    spectra = _read(store, {"fit": rows.fit, "validation": rows.validation, "test": rows.test}, compute)
    with passes.all_threads(compute):
        title, store_id = f"denoiser {folder.parent.name}", store.manifest["store_id"]
        fitted = fit(request, spectra["fit"], spectra["validation"], exposure, state, title, store_id)
        identity = _digest(fitted.module)
        frozen = denoisers.freeze(fitted.module, identity)
        trial = _trial(spectra["test"], exposure, fitted.module, members, pixels)
        denoised = _applied(frozen.denoise, trial.noisy, exposure.device)
        report: dict[str, Any] = {
            "kind": request.kind,
            "seed_number": request.seed_number,
            "n_fit": len(rows.fit),
            "n_test": len(rows.test),
            "n_test_low_noise": int(trial.low_noise.sum()),
            "identity": identity,
            "parameters": sum(p.numel() for p in fitted.module.parameters()),
            "chosen_on_validation": fitted.chosen,
            **measure(denoised, trial, request.bootstrap, request.seed),
        }
        if request.kind == "pca":
            best = _oracle(request, spectra["fit"], trial, exposure.device)
            report["oracle"] = measure(best, trial, request.bootstrap, request.seed)
    write_csv(folder / files.HISTORY, pd.DataFrame(fitted.history))
    write_parquet(folder / files.PROFILE, profile(denoised, trial))
    write_parquet(folder / files.EXAMPLES, examples(denoised, trial, members.loc[rows.test, "snr"].to_numpy()))
    denoisers.save(folder / files.MODEL, fitted.module, request.kind, settings, identity)
    times = {"seconds": time.monotonic() - started, "training_seconds": fitted.seconds}
    write_json(folder / files.PROVENANCE, {**times, "versions": versions()})
    write_json(folder / files.REPORT, report)
    return report


def _read(store: Store, ids: dict[str, np.ndarray], compute: Compute) -> dict[str, Spectra]:
    def raw(chunk: int, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return measured(store, chunk, some - store.rows(chunk)[0])

    read = gather(store, {name: Role(some, raw) for name, some in ids.items()}, compute)
    return {name: Spectra(flux, error, ids[name]) for name, (flux, error) in read.items()}


def _trial(test: Spectra, exposure: Exposure, module: nn.Module, members: pd.DataFrame, pixels: pd.DataFrame) -> Trial:
    noisy = [exposure.stacked(flux, error, ids, 0).cpu().numpy() for flux, error, ids in exposure.moved(test)]
    return Trial(
        interpolated(test.flux),
        test.error * np.float32(exposure.level),
        interpolated(np.concatenate(noisy)),
        module.get_buffer("mean").cpu().numpy(),
        members.loc[test.ids, "low_noise"].to_numpy(dtype=bool),
        test.ids,
        pixels["wave"].to_numpy(),
        regions(pixels),
    )


def _applied(denoise: denoisers.Denoise, noisy: np.ndarray, device: torch.device) -> np.ndarray:
    with torch.no_grad():
        parts = [
            denoise(torch.as_tensor(noisy[low : low + BATCH]).to(device)).cpu().numpy()
            for low in range(0, len(noisy), BATCH)
        ]
    return np.concatenate(parts)


def _oracle(request: Request, training: Spectra, trial: Trial, device: torch.device) -> np.ndarray:
    """The linear filter that knows the covariance of noise-free spectra and the error of every single one."""
    flux = torch.as_tensor(interpolated(training.flux[:FILTER_ROWS])).to(device)
    mean = flux.mean(dim=0)
    basis, variance = wiener.leading(flux - mean, request.settings.components, request.seed)
    parts = []
    for low in range(0, len(trial.ids), BATCH):
        noisy, error = (torch.as_tensor(v[low : low + BATCH]).to(device) for v in (trial.noisy, trial.error))
        parts.append(wiener.posterior_mean(noisy, error, mean, basis, variance).cpu().numpy())
    return np.concatenate(parts)


def _digest(module: nn.Module) -> str:
    """Digest of all weights."""
    return digest([[name, crc32c(value.cpu().numpy())] for name, value in module.state_dict().items()])
