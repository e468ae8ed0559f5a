"""The arms of the spectrograph as tables: b, r (low resolution), m (medium resolution) and n, simulated together.

The model is that of `observe.pfs` with constants of each arm (C object electrons, S sky electrons, n exposures of t seconds):

    N = a·[ q·S + r² n max₃(S)² + 0.02·0.75·q·mean(S) + 5 (D·t·q + R²) ],   σ² ∝ q·C + N

q = 1.2 is the Poisson factor of sampling up the ramp (n only). Several arms are one row of pixels, each with the constants of
its own; mean and maximum are over the whole arm, also where a grid of stars does not reach all of it.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from logg1m.files import InputError
from logg1m.observe.pfs import (
    KNOTS,
    LINE_SPREAD_SIGMA,
    N_PIXELS,
    PIXEL_SIZE,
    REFERENCE,
    REFERENCE_TABLE,
    REFERENCE_TIME,
    SKY_RESIDUAL,
    SPEED_OF_LIGHT,
    WAVE,
    Conditions,
    scalings,
)

TABLE = REFERENCE_TABLE.with_name("pfs_arms.csv")
ORDER = ("b", "r", "m", "n")
_MARGIN = 550 / 299792.458  # of wavelength: velocities that can be simulated
# Extinction, mag per airmass, linear between wavelengths in nm.
_EXTINCTION = (
    [380.0, 400.0, 450.0, 500.0, 550.0, 600.0, 650.0, 700.0, 800.0, 900.0],
    [0.30, 0.25, 0.17, 0.13, 0.12, 0.11, 0.11, 0.10, 0.07, 0.05],
)


@dataclass(frozen=True)
class Constants:
    """a, q, dark current in e⁻/s/pixel; read noise in e⁻ and pixels across the trace are those of every arm."""

    noise: float
    poisson: float
    dark: float


CONSTANTS = {
    "b": Constants(0.752, 1.0, 2e-4),
    "r": Constants(0.722, 1.0, 1e-4),
    "m": Constants(1.015, 1.0, 1e-4),
    "n": Constants(2.694, 1.2, 1e-2),
}
_READ, _ACROSS, _STRAY = 4.0, 5, 0.02 * 0.75


@dataclass(frozen=True)
class Arm:
    """One arm: wave (4096,) vacuum Å, pixel (Å), line_spread (4096,) σ in Å before pixel integration, electrons per f_ν and
    sky electrons (4096,) of 900 s at the reference conditions."""

    name: str
    wave: np.ndarray
    pixel: float
    line_spread: np.ndarray
    electrons: np.ndarray
    sky: np.ndarray

    @classmethod
    def read(cls, name: str) -> "Arm":
        """From the tables of the package."""
        if name == "m":
            table = pd.read_csv(REFERENCE_TABLE, comment="#")
            both = (table[column].to_numpy() for column in ("electrons_per_fnu_cgs", "sky_electrons"))
            return cls(name, WAVE, PIXEL_SIZE, np.full(N_PIXELS, LINE_SPREAD_SIGMA), *both)
        table = pd.read_csv(TABLE, comment="#")
        rows = table[table["arm"] == name]
        if not len(rows):
            raise InputError(f"there is no arm {name!r}; expected {', '.join(ORDER)}")
        columns = ("lsf_sigma_A", "electrons_per_fnu_cgs", "sky_electrons")
        wave, pixel = rows["wavelength_A_vacuum"].to_numpy(), float(rows["pixel_A"].iloc[0])
        return cls(name, wave, pixel, *(rows[column].to_numpy() for column in columns))

    def knots(self) -> np.ndarray:
        """Wavelengths (nm) between which throughput and sky scale linearly; kinks of the extinction curve are among them."""
        if self.name == "m":
            return KNOTS
        low, high = self.wave[0] / 10, self.wave[-1] / 10
        kinks = [nm for nm in _EXTINCTION[0] if low < nm < high]
        return np.unique(np.concatenate([np.linspace(low, high, 24), kinks]))

    def needs(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last Å of a spectrum that every pixel needs, (4096,) each: line spread and velocities of 550 km/s."""
        edge = 6 * self.line_spread + 1.5 * self.pixel
        return self.wave * (1 - _MARGIN) - edge, self.wave * (1 + _MARGIN) + edge

    def reached(self, low: float, high: float) -> np.ndarray:
        """Pixels (4096,) that spectra from `low` to `high` Å cover."""
        first, last = self.needs()
        return np.asarray((first >= low) & (last <= high))


class Arms:
    """Electrons and 1σ errors of several arms side by side on one torch device; as `pfs.PfsRedArm`.

    Attributes
    ----------
    wave : (P,) vacuum Å of the pixels that are used, arm by arm
    FEWEST : pixels of an arm that a grid has to reach
    chosen : (P,) their places among all pixels of all arms; owner (P,) which arm each belongs to
    """

    FEWEST = 2

    def __init__(
        self, names: tuple[str, ...], reach: tuple[float, float], device: torch.device, dtype: torch.dtype
    ) -> None:
        self.device, self.dtype = device, dtype
        self.arms = [Arm.read(name) for name in sorted(names, key=ORDER.index)]
        used = [arm.reached(*reach) for arm in self.arms]
        for arm, pixels in zip(self.arms, used):
            if pixels.sum() < self.FEWEST:
                raise InputError(
                    f"arm {arm.name} covers {arm.wave[0]:.0f} … {arm.wave[-1]:.0f} Å; the grid of stars covers "
                    f"{reach[0]:.0f} … {reach[1]:.0f} Å: take other arms in data.observation.arms, or another grid"
                )
        if sum(pixels.sum() for pixels in used) % 2:  # the median is the mean of two pixels
            used[-1][np.flatnonzero(used[-1])[-1]] = False
        self.chosen = np.flatnonzero(np.concatenate(used))
        self.owner = np.repeat(np.arange(len(self.arms)), [pixels.sum() for pixels in used])
        self.wave = np.concatenate([arm.wave for arm in self.arms])[self.chosen]
        self.f_nu = self._tensor(self.wave**2 / SPEED_OF_LIGHT)
        electrons, sky = zip(*(_at_knots(arm) for arm in self.arms))
        self._electrons = self._tensor(_diagonal(electrons)[:, self.chosen])
        self._sky = self._tensor(_diagonal(sky))
        self._use = torch.as_tensor(self.chosen, device=device)
        constants = [CONSTANTS[arm.name] for arm in self.arms]
        self._noise, self._poisson, self._dark = (
            self._tensor(np.array([getattr(c, name) for c in constants])[:, None])
            for name in ("noise", "poisson", "dark")
        )
        self._q = self._poisson[torch.as_tensor(self.owner, device=device), 0]  # (P,)

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), device=self.device, dtype=self.dtype)

    def knots(self, conditions: Conditions, exposure_time: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Throughput and sky at the knots of all arms, each (N, K)."""
        time, level = exposure_time / REFERENCE_TIME, conditions.sky()[:, None]
        both = [_scaled(arm, conditions.seeing, conditions.zenith_angle, conditions.field_angle) for arm in self.arms]
        throughput, sky = (np.concatenate(parts, axis=1) for parts in zip(*both))
        return self._tensor(throughput * time), self._tensor(sky * time * level)

    def response(self, conditions: Conditions, exposure_time: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Electrons per unit f_ν of one exposure (N, P), and sky electrons of all pixels of all arms, (N, 4096 · arms)."""
        throughput, sky = self.knots(conditions, exposure_time)
        return throughput @ self._electrons, sky @ self._sky

    def background(
        self, sky: torch.Tensor, exposures: float, exposure_time: float, residual: float = SKY_RESIDUAL
    ) -> torch.Tensor:
        """Variance of one exposure that does not come from the star, electrons², (N, P) from sky (N, 4096 · arms); of an arm
        with a Poisson factor it is divided by it, as `error` has the whole variance."""
        each = sky.view(len(sky), len(self.arms), N_PIXELS)
        brightest = each.clone()
        torch.maximum(brightest[:, :, 1:], each[:, :, :-1], out=brightest[:, :, 1:])
        torch.maximum(brightest[:, :, :-1], each[:, :, 1:], out=brightest[:, :, :-1])
        q = self._poisson
        constant = _STRAY * q * each.mean(dim=2, keepdim=True) + _ACROSS * (self._dark * exposure_time * q + _READ**2)
        variance = self._noise * (q * each + residual**2 * exposures * brightest**2 + constant) / q
        return variance.reshape(len(sky), -1)[:, self._use]

    @property
    def poisson(self) -> torch.Tensor:
        """(P,) q: what variances, here divided by it, are multiplied by."""
        return self._q

    def error(
        self,
        flux: torch.Tensor,
        flux_scale: torch.Tensor,
        knots: tuple[torch.Tensor, torch.Tensor],
        exposures: int,
        exposure_time: float,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As `pfs.PfsRedArm.error`; the variance is over q, so that the star's own part is its electrons."""
        electrons, sky = knots[0] @ self._electrons, knots[1] @ self._sky
        electrons.mul_(self.f_nu).mul_(flux_scale[:, None])
        variance = self.background(sky, exposures, exposure_time) + flux * electrons
        return (variance * self._q).sqrt().div_(electrons).div_(math.sqrt(exposures)), electrons, variance

    def line_spreads(self) -> tuple[np.ndarray, np.ndarray]:
        """σ of the line spread and pixel size of every pixel used, Å, (P,) each."""
        sigma = np.concatenate([arm.line_spread for arm in self.arms])[self.chosen]
        return sigma, np.array([arm.pixel for arm in self.arms])[self.owner]


def _scaled(arm: Arm, seeing: np.ndarray, zenith: np.ndarray, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    knots = arm.knots()
    return scalings(seeing, zenith, field, knots, np.interp(knots, *_EXTINCTION))


def _at_knots(arm: Arm) -> tuple[np.ndarray, np.ndarray]:
    """What throughput and sky at the knots are multiplied by, (K, 4096) each."""
    knots = arm.knots()
    hat = np.stack([np.interp(arm.wave / 10, knots, unit) for unit in np.eye(len(knots))])
    throughput, sky = _scaled(arm, *(np.array([REFERENCE[k]]) for k in ("seeing", "zenith_angle", "field_angle")))
    return hat * arm.electrons / throughput.T, hat * arm.sky / sky.T


def _diagonal(blocks: tuple[np.ndarray, ...]) -> np.ndarray:
    """Blocks (K, P) on the diagonal of one matrix."""
    rows, columns = (sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    whole, row, column = np.zeros((rows, columns)), 0, 0
    for block in blocks:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return whole
