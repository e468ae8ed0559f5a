"""A model folder, ready to say what the labels of noisy spectra are: the recipe's steps on the model's own pixels."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from logg1m.blame import understood
from logg1m.config.experiments import Recipe
from logg1m.files import InputError
from logg1m.inputs.channels import channels, with_neutral
from logg1m.inputs.masked import fill
from logg1m.inputs.normalise import normalise
from logg1m.jobs.device import resolve
from logg1m.predict import folder
from logg1m.predict.kinds import Shape, restore
from logg1m.spectra.amplitude import rescaling

_BATCH = 512
_AGREES = 1e-3  # dex (and K/1000) within which the self-test must come out: other processors round otherwise


class Model:
    """A trained model with everything that it needs.

    Attributes
    ----------
    about : plain JSON of `model.json`
    wave : pixel centres (P,), vacuum Å, of the rest frame
    names : labels that it infers, log g first
    """

    def __init__(self, contents: folder.Contents, device: str | torch.device = "cpu") -> None:
        self.contents, self.about = contents, contents.about
        self.device = resolve(device) if isinstance(device, str) else device
        self.recipe = Recipe(**self.about["recipe"])
        self.wave = contents.preparation["wave"].astype(np.float64)
        self.names = tuple(label["name"] for label in self.about["labels"])
        ranges = np.array([label["training_range"] for label in self.about["labels"]], dtype=np.float64)
        guided = contents.preparation.get("guided")
        shape = Shape(
            self.recipe, self.about["architecture"], ranges, self.wave, None if guided is None else guided != 0
        )
        self._answer = restore(shape, contents.weights, self.device)
        self._hidden = torch.as_tensor(contents.preparation["visible"] == 0, device=self.device)
        self._hides = bool(self._hidden.any())
        neutral = contents.preparation.get("neutral")
        self._neutral = torch.as_tensor(np.float32(np.nan) if neutral is None else neutral, device=self.device)

    @cached_property
    def step(self) -> float:
        """Width of a pixel, Å."""
        return float((self.wave[-1] - self.wave[0]) / (len(self.wave) - 1))

    @property
    def identity(self) -> str:
        return str(self.about["model_id"])

    def prepared(self, flux: torch.Tensor, whole: bool = False) -> torch.Tensor:
        """What the model sees (B, C, P) of noisy flux (B, P) whose median is 0.5, NaN at masked pixels."""
        masked = not whole
        if masked:
            good = ~flux.isnan()
            masked = not bool(good.all())
        if self.about["amplitude"] == "free":
            flux = flux * rescaling(flux)
        given = good if masked else None
        filled = fill(flux, good) if masked else flux
        normalised = normalise(self.recipe.normalisation, filled, given)
        stacked = channels(self.recipe.channels, normalised, None, good=given)
        if masked:
            stacked = with_neutral(self.recipe.channels, stacked, good, self._neutral)
        return stacked.masked_fill(self._hidden, 0.0) if self._hides else stacked

    @torch.no_grad()
    def infer(self, flux: np.ndarray, whole: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Labels (N, T), in dex and K, and the model's own sigma of the first (N,) where it has one.

        Parameters
        ----------
        flux : (N, P) noisy flux on the model's pixels, in the rest frame, of median 0.5; NaN at masked pixels
        whole : whether there is no NaN, where that is known
        """
        if flux.ndim != 2 or flux.shape[1] != len(self.wave):
            raise InputError(f"spectra of shape {flux.shape}, expected (N, {len(self.wave)}), the model's pixels")
        labels, sigmas = [], []
        for part in self._batches(flux):
            found, sigma = self._answer(self.prepared(part, whole), whole)
            labels.append(found.cpu().numpy().astype(np.float64))
            if sigma is not None:
                sigmas.append(sigma.cpu().numpy().astype(np.float64))
        empty = np.empty((0, len(self.names)))
        return np.concatenate(labels) if labels else empty, np.concatenate(sigmas) if sigmas else None

    def _batches(self, flux: np.ndarray) -> Iterator[torch.Tensor]:
        for low in range(0, len(flux), _BATCH):
            yield torch.as_tensor(np.ascontiguousarray(flux[low : low + _BATCH], dtype=np.float32)).to(self.device)

    def self_test(self) -> float:
        """The largest difference, in units of the labels' ranges, from what must come out of the spectra in the folder."""
        test = self.contents.self_test
        found, _ = self.infer(np.where(test["mask"] != 0, np.float32(np.nan), test["flux"]))
        widths = [max(np.ptp(label["training_range"]), 1e-6) for label in self.about["labels"]]
        return float(np.abs((found - test["labels"]) / widths).max())


def load(path: str | Path, device: str = "cpu") -> Model:
    """A model from its folder, checked by its self-test.

    Raises
    ------
    InputError
        If the folder is no model, is damaged, or the self-test does not come out.
    """
    contents = folder.read(path)
    with understood(Path(path) / folder.ABOUT):
        model = Model(contents, device)
        off = model.self_test()
    if not off <= _AGREES:
        raise InputError(
            f"{path}: the model's own test spectra come out {off:.2g} of the label range away from what they must be "
            f"(at most {_AGREES:g}): the files are damaged, or this installation computes otherwise; copy the folder anew"
        )
    return model


def described(labels: tuple[str, ...], ranges: np.ndarray, priors: Any) -> list[dict[str, Any]]:
    """Labels of a model for its `model.json`: name, column of the output, unit, range of training labels, and prior."""
    return [
        {
            "name": name,
            "column": COLUMNS[name][0],
            "unit": COLUMNS[name][1],
            "training_range": [float(low), float(high)],
            "prior": priors.get(name, [float(low), float(high)]),
        }
        for name, (low, high) in zip(labels, ranges, strict=True)
    ]


# Label → column of the output and its unit.
COLUMNS = {
    "logg": ("log_g", "dex"),
    "teff": ("T_eff", "K"),
    "m_h": ("M_H", "dex"),
    "a_m": ("a_M", "dex"),
    "c_m": ("C_M", "dex"),
}
