"""Fit a denoiser to noisy training spectra: what it sees, what its target is, and how it is chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from logg1m import noise
from logg1m.config.bounds import Bootstrap
from logg1m.config.denoisers import DenoiserKind, Denoisers
from logg1m.config.protocol import Protocol
from logg1m.jobs import interruption
from logg1m.jobs.provenance import code_fingerprint
from logg1m.nn import wiener
from logg1m.nn.denoisers import Denoiser
from logg1m.nn.feed import Feed
from logg1m.nn.trainer import Trained, Trainer
from logg1m.spectra.store import digest

BATCH = 256
FILTER_ROWS = 32_768  # training spectra behind a linear filter
_STATISTICS_ROWS = 8_192  # spectra behind mean and scale of the inputs
_FIRST_DRAW = 3 * 2**14  # noise that no training of a model with this seed number sees
_DRAWS_PER_SEED = 2**16
_DRAW_OF_HALVES = 2**13  # beyond that of any epoch


@dataclass(frozen=True)
class Request:
    """Which denoiser is made, and how; `code` is the fingerprint of what trains, see `training_code`."""

    kind: DenoiserKind
    settings: Denoisers
    protocol: Protocol
    bootstrap: Bootstrap
    seed: int
    seed_number: int
    code: str


def training_code() -> str:
    """Fingerprint of the code that trains a denoiser, and of nothing that measures it."""
    return code_fingerprint(__name__)


@dataclass(frozen=True)
class Spectra:
    """Noise-free flux and error (N, P) with the spectrum ids (N,)."""

    flux: np.ndarray
    error: np.ndarray
    ids: np.ndarray

    def first(self, count: int) -> "Spectra":
        return Spectra(self.flux[:count], self.error[:count], self.ids[:count])


@dataclass(frozen=True)
class Fit:
    """A trained module, the choice that was made on validation, and the history of a training by steps."""

    module: nn.Module
    chosen: dict[str, Any]
    history: list[dict[str, float]]
    seconds: float


class Exposure:
    """Noisy spectra: fresh noise in every epoch, as pretraining has it; draw 0 is that of the test.

    sky : sky-line pixels (P,), one of the two regions that training spectra may lack
    masked : whether there are masked pixels (flux NaN, error infinite); a network sees nothing there, and no loss counts
        them
    """

    def __init__(self, request: Request, device: torch.device, sky: np.ndarray, masked: bool = False) -> None:
        self.masked = masked
        self.kind, self.seed, self.level, self.device = request.kind, request.seed, request.protocol.noise_level, device
        self.draw = _FIRST_DRAW + _DRAWS_PER_SEED * request.seed_number
        self.sky = torch.as_tensor(sky, device=device)

    def noise(self, error: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        """Noise of a draw, (B, P)."""
        made = noise.normal(self.seed, torch.as_tensor(ids, device=self.device), error.shape[1], draw)
        return made.mul_(error).mul_(self.level)

    def stacked(self, flux: torch.Tensor, error: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        """All exposures together, (B, P): what a denoiser is applied to."""
        return flux + self.noise(error, ids, self.draw + draw if draw else 0)

    def triple(self, flux: torch.Tensor, error: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        """What a denoiser sees in training, its target, and the error, (B, 3, P).

        An honest target is noisy, with the noise of what is seen (blind spot) or of the other exposures (auto-encoder).
        """
        seen = target = self.stacked(flux, error, ids, draw)
        if self.kind == "autoencoder_clean":
            target = flux
        elif self.kind == "autoencoder":
            halves = self.noise(error, ids, self.draw + _DRAW_OF_HALVES + draw)
            seen, target = seen + halves, target - halves
        if self.masked:
            target = target.nan_to_num(nan=0.0)  # any number: its error is infinite
        return torch.stack([seen, target, error], dim=1)

    def lacking(self, flux: torch.Tensor, error: torch.Tensor, ids: np.ndarray, draw: int) -> torch.Tensor:
        """The same for training, where a quarter of the spectra lacks the sky lines and another the rest: NaN in what
        the denoiser sees, never in its target."""
        made = self.triple(flux, error, ids, draw)
        part = noise.words(self.seed, noise.Stream.MASKS, torch.as_tensor(ids, device=self.device), 1, self.draw + draw)
        lacks_sky, lacks_rest = ((part % 4 == k) for k in (0, 1))  # (B, 1) each
        made[:, 0].masked_fill_((lacks_sky & self.sky) | (lacks_rest & ~self.sky), torch.nan)
        return made

    def batches(self, spectra: Spectra, draw: int) -> Iterator[torch.Tensor]:
        """Triples of all spectra, batch by batch."""
        for flux, error, ids in self.moved(spectra):
            yield self.triple(flux, error, ids, draw)

    def moved(self, spectra: Spectra) -> Iterator[tuple[torch.Tensor, torch.Tensor, np.ndarray]]:
        """Flux and error on the device, and ids, batch by batch."""
        for low in range(0, len(spectra.ids), BATCH):
            part = slice(low, low + BATCH)
            flux, error = (torch.as_tensor(values[part]).to(self.device) for values in (spectra.flux, spectra.error))
            yield flux, error, spectra.ids[part]


def fit(
    request: Request, training: Spectra, validation: Spectra, exposure: Exposure, state: Path, title: str, store_id: str
) -> Fit:
    """A network by steps, resumable in the folder `state`; the linear filter at once."""
    if request.kind == "pca":
        found = _filter(request, training, validation, exposure)
        kept = found.kept
        return Fit(found, {"components": int((kept > 0).sum()), "sum_of_kept": float(kept.sum())}, [], 0.0)
    module = _network(request, training, exposure)
    of_mean = _mean_loss(exposure.batches(validation, 0), lambda t: (((t[:, 1] - module.mean) / t[:, 2]) ** 2).mean(1))

    def validate(averaged: nn.Module) -> dict[str, float]:
        """score: the share of the mean spectrum's loss that is taken away; the rest is mostly noise of the target."""
        assert isinstance(averaged, Denoiser)
        loss = _mean_loss(exposure.batches(validation, 0), averaged.losses)
        return {"score": 1 - loss / of_mean, "validation_loss": loss}

    no_labels = np.zeros((len(training.ids), 1), dtype=np.float32)
    spectra, seeds = (training.flux, training.error, no_labels, training.ids), (request.seed, request.seed_number)
    feed = Feed(*spectra, exposure.lacking, exposure.device, *seeds, resident=True)
    settings = request.settings.model_dump(exclude={"test_size": True, "training": {"checkpoint_seconds"}})
    made_of = ["denoiser", request.kind, store_id, settings, training.ids.tolist(), validation.ids.tolist(), *seeds]
    sky = exposure.sky.nonzero().flatten().tolist()
    identity = digest([*made_of, exposure.level, sky, request.code, exposure.device.type])
    path = state / "denoiser.safetensors"
    with interruption.listening():
        trained = Trainer(module, feed, validate, request.settings.training, path, identity, title).train()
    module.load_state_dict(trained.weights)
    return Fit(module, _choice(trained), trained.history, trained.seconds)


def _network(request: Request, training: Spectra, exposure: Exposure) -> Denoiser:
    """With its initial weights, a function of seed and seed number."""
    seen = [triple[:, 0].double() for triple in exposure.batches(training.first(_STATISTICS_ROWS), 1)]
    count: Any = sum(map(len, seen))
    if exposure.masked:
        count = torch.stack([(~x.isnan()).sum(dim=0) for x in seen]).sum(dim=0).clamp_min(1)
    mean = torch.stack([_sum(x) for x in seen]).sum(dim=0) / count
    scale = (torch.stack([_sum((x - mean) ** 2) for x in seen]).sum(dim=0) / count).sqrt()
    if exposure.masked:
        scale = torch.where(scale > 0, scale, 1.0)  # never measured
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed + request.seed_number)
        blind = request.kind == "blind_spot"
        return Denoiser(mean.float().cpu(), scale.float().cpu(), request.settings, blind).to(exposure.device)


def _sum(x: torch.Tensor) -> torch.Tensor:
    """Sum over spectra (B, P) of what is no NaN, (P,)."""
    return x.nansum(dim=0)


def _mean_loss(batches: Iterator[torch.Tensor], losses: Any) -> float:
    return float(torch.cat([losses(triple) for triple in batches]).double().mean())


def _choice(trained: Trained) -> dict[str, Any]:
    best = trained.history[trained.best_epoch]
    return {
        "epoch": trained.best_epoch + 1,
        "epochs_run": len(trained.history),
        "steps": trained.steps,
        "score": best["score"],
    }


def _filter(request: Request, training: Spectra, validation: Spectra, exposure: Exposure) -> wiener.WienerFilter:
    some = training.first(FILTER_ROWS)
    noisy = torch.cat([triple[:, 0] for triple in exposure.batches(some, 1)])
    mean_square = np.mean(some.error**2, axis=0, dtype=np.float64) * exposure.level**2
    held_out = ((triple[:, 0], triple[:, 2] * exposure.level) for triple in exposure.batches(validation, 0))
    if exposure.masked:  # the mean of its pixel stands for a masked one, and has no noise
        square = np.where(np.isinf(some.error), np.nan, some.error.astype(np.float64) ** 2)
        known = ~np.isnan(square).all(axis=0)
        mean_square = np.where(known, np.nanmean(np.where(known, square, 0.0), axis=0), 1.0) * exposure.level**2
        mean = noisy.nanmean(dim=0).nan_to_num(nan=0.0)
        noisy = torch.where(noisy.isnan(), mean, noisy)
        held_out = (
            (torch.where(flux.isnan(), mean, flux), torch.where(error.isinf(), 0.0, error)) for flux, error in held_out
        )
    on_device = torch.as_tensor(mean_square, dtype=torch.float32).to(exposure.device)
    return wiener.fit(noisy, on_device, held_out, request.settings.components, request.seed)
