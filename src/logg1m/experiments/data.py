"""Which spectra a run takes, with which noise, and what its recipe makes of them."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from logg1m import noise
from logg1m.config.compute import Compute
from logg1m.config.data import Observation
from logg1m.config.experiments import Recipe
from logg1m.experiments.reading import Role, by_chunk, gather
from logg1m.experiments.regions import sky_pixels
from logg1m.files import InputError
from logg1m.inputs.channels import MASKED_SHARE, channels, needs_error, needs_mean, with_neutral
from logg1m.inputs.masked import fill
from logg1m.inputs.normalise import normalise
from logg1m.inputs.windows import pixel_mask, windows
from logg1m.jobs.progress import log
from logg1m.observe.honest import FittedError, HonestError, Known
from logg1m.observe.survey import PLAIN, conditions_of
from logg1m.protocol.pools import Pools
from logg1m.spectra import passes
from logg1m.spectra.amplitude import is_free, rescaling
from logg1m.spectra.masks import good_pixels, has_masked, measured
from logg1m.spectra.store import Store

Ids = np.ndarray | torch.Tensor  # spectrum ids (B,): a tensor on the device where they come from a training's feed

SKY_WINDOWS = ("sky", "between_sky")
_NEUTRAL_ROWS, _NEUTRAL_DRAW = 4_096, 1  # training spectra, and the draw of their noise, behind `Preparation.neutral`
_BATCH = 512


@dataclass(frozen=True)
class Rows:
    """Ids of a run: fit, validation and test, and the noise draw of the fit rows.

    `unlabelled` : training spectra whose labels are not looked at, for a pretraining; never one of validation or test
    """

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    draw: int
    unlabelled: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def choose_rows(
    pools: Pools, members: pd.DataFrame, recipe: Recipe, train_size: int, test_size: int, seed_number: int
) -> Rows:
    """Prefixes of the pools: `train_size` spectra for training, 5 % of them for validation, `test_size` of the test.

    Validation and test keep the frozen draw 0; seed k trains on draw k + 1. `train_on: low_noise` keeps the low-noise
    spectra of the same prefix of the training pool, extended until there are as many as wanted. `label_share` keeps
    the first of these; a pretraining has all of them and more of the pool.
    """
    train = pools.train
    if recipe.train_on == "low_noise":
        train = train[members.loc[train, "low_noise"].to_numpy(dtype=bool)]
    train = train[: max(round(recipe.label_share * min(train_size, len(train))), 1)]
    if len(train) < 5:
        raise InputError(
            f"only {len(train)} training spectra for train_on = {recipe.train_on!r} and label_share = "
            f"{recipe.label_share:g}; at least 5 are needed"
        )
    fit, validation = pools.hold_out(train)
    unlabelled = pools.train[: round(recipe.pretraining_size * train_size)]
    unlabelled = unlabelled[~np.isin(unlabelled, validation)]
    return Rows(fit, validation, pools.common_test[:test_size], seed_number + 1, unlabelled)


@dataclass(frozen=True)
class View:
    """What a recipe lets a model see of a spectrum.

    visible : pixels (P,) that are not hidden
    observation : settings behind an honest error
    seed, noise_level : of the noise
    denoise : frozen, noisy flux (B, P) → (B, P); where the recipe names a denoiser
    """

    recipe: Recipe
    visible: np.ndarray
    observation: Observation
    seed: int
    noise_level: float
    denoise: Callable[[torch.Tensor], torch.Tensor] | None = None

    def __post_init__(self) -> None:
        if (self.denoise is None) != (self.recipe.denoiser == "none"):
            given = f"{'not ' * (self.denoise is None)}given"
            raise ValueError(f"recipe.denoiser is {self.recipe.denoiser!r}, and a denoiser was {given}")


def leaves_out_masked(recipe: Recipe) -> bool:
    """Whether a model is told which pixels are masked, by NaN, and takes care of them itself: where it has a projection."""
    return recipe.model == "projection" or recipe.projection_token


class Preparation:
    """Turns stored rows into features (B, C · P) by a recipe.

    A masked pixel (flux NaN) counts in no normalisation, and every model sees in its place the mean of its channel over
    training spectra in which it was good: `neutral` (C, P), None where nothing is masked; what has a projection in it sees
    NaN there, and leaves the pixel out. The masked share is what it is.
    """

    def __init__(
        self,
        store: Store,
        view: View,
        labels: pd.DataFrame,
        fit_ids: np.ndarray,
        compute: Compute,
        device: torch.device,
    ) -> None:
        """labels : of every spectrum, for an honest error; fit_ids : training spectra, behind one that is fitted and
        behind what stands for masked pixels"""
        self.store, self.view, self.device, self.free = store, view, device, is_free(store)
        self.hidden = torch.as_tensor(~view.visible, device=device)
        self.honest: HonestError | None = None
        self.fitted: FittedError | None = None
        if needs_error(view.recipe.channels) and view.recipe.error_source == "honest":
            if all(name in labels for name in ("flux_scale", *PLAIN)):
                self.honest = HonestError(view.observation, device)
                self._meet(self.honest, labels)
            else:
                self.fitted = FittedError(*training_spectra(store, fit_ids, compute))
                log.info(f"honest error fitted on training spectra, median residual {self.fitted.residual:.1%}")
        self.mean = self._mean_flux(fit_ids, compute) if needs_mean(view.recipe.channels) else None
        self.neutral: torch.Tensor | None = None
        if MASKED_SHARE in view.recipe.channels and not has_masked(store):
            raise InputError(
                f"recipe.channels = {list(view.recipe.channels)}: no pixel of the spectra is masked, {MASKED_SHARE} would be "
                "zero everywhere; leave it out"
            )
        if has_masked(store):
            n_channels = len(view.recipe.channels)
            self.neutral = torch.full((n_channels, store.n_pixels), torch.nan, device=device)
            if not leaves_out_masked(view.recipe):
                self.neutral = self._mean_seen(fit_ids[:_NEUTRAL_ROWS], compute)

    def of_stars(self, labels: pd.DataFrame) -> "Preparation":
        """The same for other stars than those of the store: `seen` takes rows of `labels` for ids then."""
        other = copy(self)
        if other.honest is not None:
            other._meet(other.honest, labels)
        return other

    def _meet(self, honest: HonestError, labels: pd.DataFrame) -> None:
        """Keep what an honest error needs to know of some stars."""
        self.flux_scale = labels["flux_scale"].to_numpy()
        self.conditions = conditions_of({str(name): labels[name].to_numpy() for name in labels})
        # A GPU would wait for the host at every step; a CPU makes them of the spectra that it comes to see.
        every = self.device.type == "cuda"
        self.known = honest.known(self.flux_scale, self.conditions) if every else None

    def _mean_flux(self, ids: np.ndarray, compute: Compute) -> torch.Tensor:
        """Mean normalised flux (P,) of training spectra without noise, of every pixel where it is good; 0 where nowhere."""
        flux = torch.as_tensor(training_spectra(self.store, ids, compute)[0]).to(self.device)
        good = ~flux.isnan()
        normalised = normalise(self.view.recipe.normalisation, fill(flux, good), good)
        return torch.where(good, normalised, torch.nan).nanmean(dim=0).nan_to_num(nan=0.0)

    def _mean_seen(self, ids: np.ndarray, compute: Compute) -> torch.Tensor:
        """Mean of every channel over the spectra in which a pixel is good, (C, P); 0 where there are none."""
        flux, error = gather(self.store, {"fit": Role(ids, self.raw)}, compute)["fit"]
        total, count = (torch.zeros((), dtype=torch.float64, device=self.device) for _ in range(2))
        for low in range(0, len(ids), _BATCH):
            part = slice(low, low + _BATCH)
            some, sigma = (torch.as_tensor(values[part]).to(self.device) for values in (flux, error))
            seen = self.fresh(some, sigma, ids[part], _NEUTRAL_DRAW)
            total, count = total + seen.nan_to_num(nan=0.0).double().sum(0), count + (~seen.isnan()).sum(0)
        return (total / count.clamp_min(1)).float()

    def role(self, ids: np.ndarray, draw: int = 0) -> Role:
        """Spectra as features, with the frozen noise of validation and test or that of another draw."""
        return Role(ids, lambda chunk, some: (self.rows(chunk, some, draw),))

    def raw(self, chunk: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Noise-free flux and error of some spectra of a chunk, (B, P) each; NaN and infinite at masked pixels."""
        return measured(self.store, chunk, ids - self.store.rows(chunk)[0])

    def rows(self, chunk: int, ids: np.ndarray, draw: int) -> np.ndarray:
        """Features of some spectra of a chunk with a noise draw, (B, C · P) float32; hidden pixels are zero."""
        flux, error = (torch.from_numpy(values).to(self.device) for values in self.raw(chunk, ids))
        return np.asarray(self.fresh(flux, error, ids, draw).flatten(1).cpu().numpy())

    def fresh(self, flux: torch.Tensor, error: torch.Tensor, ids: Ids, draw: int) -> torch.Tensor:
        """Noise-free flux and error (B, P) on the device, with the noise of a draw → (B, C, P)."""
        return self.seen(self.noisy(flux, error, ids, draw), error, ids)

    def noisy(self, flux: torch.Tensor, error: torch.Tensor, ids: Ids, draw: int) -> torch.Tensor:
        """flux + noise level · error · N(0, 1), (B, P), with the counter-based noise of a draw."""
        normal = noise.normal(self.view.seed, torch.as_tensor(ids, device=self.device), flux.shape[1], draw)
        return normal.mul_(error).mul_(self.view.noise_level).add_(flux)

    def seen(self, noisy: torch.Tensor, error: torch.Tensor, ids: Ids) -> torch.Tensor:
        """What the model sees of noisy flux (B, P): divided by its median where the amplitude is unknown, normalised, as
        channels, masked pixels neutral, hidden ones zero, (B, C, P)."""
        good, factor = None, rescaling(noisy) if self.free else None
        if self.neutral is not None:
            good = ~noisy.isnan()
            noisy = fill(noisy, good)
        if self.honest is not None:
            with torch.no_grad():  # a sensitivity is taken at a given error
                error = self.honest.given(noisy, self._known(self.honest, ids))
        elif self.fitted is not None:
            error = self.fitted(noisy.detach(), error)
        if factor is not None:
            noisy, error = noisy * factor, error * factor
        recipe, denoise = self.view.recipe, self.view.denoise
        flux = noisy if denoise is None else denoise(noisy)  # an honest error is that of the noisy flux
        stacked = channels(recipe.channels, normalise(recipe.normalisation, flux, good), error, self.mean, good)
        if good is not None and self.neutral is not None:
            stacked = with_neutral(recipe.channels, stacked, good, self.neutral)
        return stacked.masked_fill(self.hidden, 0.0)

    def _known(self, honest: HonestError, ids: Ids) -> Known:
        if self.known is not None:
            return self.known[torch.as_tensor(ids, device=self.device)]
        rows = np.asarray(ids)
        return honest.known(self.flux_scale[rows], self.conditions[rows])


def visible_pixels(
    store: Store,
    recipe: Recipe,
    rows: Rows,
    sensitivity: pd.DataFrame | None,
    seed: int,
    compute: Compute,
    pixels: pd.DataFrame | None = None,
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Pixels (P,) that the recipe lets the model see, and the windows behind them.

    pixels : pixels.parquet of the protocol, where the windows are those of the sky
    """
    described: list[dict[str, Any]] = []
    if recipe.windows in SKY_WINDOWS:
        if pixels is None:
            raise InputError(f"windows = {recipe.windows!r} needs the pixels of the protocol, mvp_0_a/pixels.parquet")
        sky = sky_pixels(pixels["error_mean"].to_numpy())
        inside = sky if recipe.windows == "sky" else ~sky
    else:
        inside, described = windows(recipe.windows, store.wave, sensitivity)
    if recipe.mask != "none":
        inside = inside & ~pixel_mask(recipe.mask, error_median(store, rows.fit, compute), seed)
    return inside, described


def error_median(store: Store, ids: np.ndarray, compute: Compute, most: int = 4_000) -> np.ndarray:
    """Median error per pixel (P,) over (at most `most` of) the training spectra in which it is good; 0 where none is."""
    ids = np.sort(ids[:most])
    wanted = by_chunk(store, ids)

    def visit(chunk: int) -> np.ndarray:
        rows = wanted[chunk] - store.rows(chunk)[0]
        error = store.read(chunk, "error")[rows]
        return np.where(good_pixels(store, chunk)[rows], error, np.nan) if has_masked(store, chunk) else error

    errors = np.concatenate(list(passes.over(visit, list(wanted), compute, "median error", lambda c: len(wanted[c]))))
    if not has_masked(store):
        return np.asarray(np.median(errors, axis=0))
    known = ~np.isnan(errors).all(axis=0)
    middle = np.zeros(errors.shape[1], dtype=errors.dtype)
    middle[known] = np.nanmedian(errors[:, known], axis=0)
    return middle


def training_spectra(
    store: Store, ids: np.ndarray, compute: Compute, most: int = 1_000
) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free flux and error (N, P) of (at most `most` of) the training spectra; NaN and infinite where masked."""
    wanted = by_chunk(store, ids[:most])

    def visit(chunk: int) -> tuple[np.ndarray, np.ndarray]:
        return measured(store, chunk, wanted[chunk] - store.rows(chunk)[0])

    parts = list(passes.over(visit, list(wanted), compute, "error model", lambda c: len(wanted[c])))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
