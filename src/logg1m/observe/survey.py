"""Survey conditions: what differs from star to star beside its labels, and what of it no observer knows.

    y(λ) = A · [1 + Σₖ aₖ Pₖ(x)] · 10^(−0.4 k(λ) E) · F(λ; labels, v) + noise, then bad pixels

aₖ ~ N(0, sₖ²) with Legendre polynomials Pₖ over the arm, x ∈ [−1, 1]; E ~ N(0, s_E²) a residual E(B−V); v ~ N(0, s_v²) a
residual velocity; A the amplitude. All but the bad pixels are small and enter linearly (`Columns`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri

from logg1m.config.conditions import Nuisances
from logg1m.config.data import Observation
from logg1m.noise import Stream, uniform, words
from logg1m.observe.pfs import WAVE, Conditions, extinction_curve

R_V = 3.1
LIGHT_KM_S = 299792.458
O2_A_BAND = (7592.0, 7700.0)  # vacuum Å, telluric
_SKY, _VELOCITY, _EBV, _FIRST_ORDER = 0, 1, 2, 3  # columns of Stream.NUISANCES
_RUN = (3, 20)  # pixels of a run of bad ones, shortest and longest
_RUN_MEAN = sum(_RUN) / 2
_SINGLES = _RUN_MEAN / (_RUN_MEAN + 1)  # share of defects that are one pixel: half of the bad pixels


@dataclass(frozen=True)
class SurveyConditions(Conditions):
    """Conditions of N spectra whose sky, flux calibration and reddening differ too.

    sky_level: (N,) brightness of the sky over that of a dark night; ebv: (N,) residual E(B−V), mag; calibration: (N, K)
    coefficients of the Legendre polynomials of orders 1 … K.
    """

    sky_level: np.ndarray
    ebv: np.ndarray
    calibration: np.ndarray

    def sky(self) -> np.ndarray:
        return self.sky_level


def legendre(wave: np.ndarray, orders: int) -> np.ndarray:
    """Legendre polynomials of orders 1 … K over the wavelengths (P,), x from −1 to 1, (K, P)."""
    x = 2 * (wave - wave[0]) / (wave[-1] - wave[0]) - 1
    return np.asarray(np.polynomial.legendre.legvander(x, orders)[:, 1:].T)


def reddening(wave: np.ndarray) -> np.ndarray:
    """∂ ln F/∂E(B−V) = −0.4 ln 10 · A(λ)/E(B−V), (P,); Cardelli et al. 1989, R_V = 3.1."""
    return np.asarray(-0.4 * math.log(10) * R_V * extinction_curve(wave, R_V))


def drawn(plain: Conditions, observation: Observation, seed: int, ids: np.ndarray) -> Conditions:
    """Conditions with what survey conditions add, functions of (seed, id); as they are where nothing is added."""
    if not observation.surveyed:
        return plain
    unknown, (low, high) = observation.nuisances, observation.sky_level
    u = uniform(seed, Stream.NUISANCES, ids, _FIRST_ORDER + len(unknown.calibration))
    normal = ndtri(u)
    values = vars(plain) | {"redshift": plain.redshift + normal[:, _VELOCITY] * (unknown.velocity_km_s / LIGHT_KM_S)}
    return SurveyConditions(
        **values,
        sky_level=low + u[:, _SKY] * (high - low),
        ebv=normal[:, _EBV] * unknown.ebv,
        calibration=normal[:, _FIRST_ORDER:] * np.array(unknown.calibration),
    )


def columns_of(conditions: Conditions) -> dict[str, np.ndarray]:
    """Conditions as columns (N,) of a table of labels; `conditions_of` reads them."""
    values = dict(vars(conditions))
    for order, column in enumerate(values.pop("calibration", np.empty((len(conditions), 0))).T, start=1):
        values[f"calibration_{order}"] = column
    return values


def units(observation: Observation) -> dict[str, str]:
    """The columns that survey conditions add to the labels of a store, with their units."""
    if not observation.surveyed:
        return {}
    orders = range(1, len(observation.nuisances.calibration) + 1)
    return {"sky_level": "", "ebv": "mag"} | {f"calibration_{order}": "" for order in orders}


PLAIN = ("mag", "seeing", "zenith_angle", "field_angle", "redshift")


def conditions_of(table: Mapping[str, np.ndarray]) -> Conditions:
    """Conditions from the columns of a store's labels."""
    plain = {name: np.asarray(table[name]) for name in PLAIN}
    if "sky_level" not in table:
        return Conditions(**plain)
    orders = sum(name.startswith("calibration_") for name in table)
    curves = [np.asarray(table[f"calibration_{order}"]) for order in range(1, orders + 1)]
    calibration = np.stack(curves, axis=1) if curves else np.empty((len(plain["mag"]), 0))
    return SurveyConditions(**plain, sky_level=table["sky_level"], ebv=table["ebv"], calibration=calibration)


def bad_pixels(observation: Observation, seed: int, ids: np.ndarray, wave: np.ndarray = WAVE) -> np.ndarray:
    """Masked pixels (N, P), uint8, 1 = bad: single ones and runs of 3–20 at random places, and the O₂ A band if asked.

    Defects are so many slots, each taken with probability ½; where they overlap, a pixel is bad once: the mean share is
    as configured.
    """
    n_pixels = len(wave)
    mask = np.zeros((len(ids), n_pixels), dtype=np.uint8)
    if observation.bad_pixels:
        per_defect = _SINGLES + (1 - _SINGLES) * _RUN_MEAN
        reach = n_pixels + _RUN[1] - 1  # a run may begin before the first pixel
        slots = math.ceil(-2 * math.log1p(-observation.bad_pixels) * reach / per_defect)
        taken = (1 - (1 - observation.bad_pixels) ** (1 / slots)) * reach / per_defect
        four = words(seed, Stream.BAD_PIXELS, torch.as_tensor(ids), 4 * slots).numpy().reshape(len(ids), slots, 4)
        u = (four + 0.5) / 2**32
        length = np.where(u[..., 0] < _SINGLES, 1, _RUN[0] + (u[..., 1] * (_RUN[1] - _RUN[0] + 1)).astype(np.int64))
        last = (u[..., 2] * reach).astype(np.int64)  # of the run
        rows, slot = np.nonzero(u[..., 3] < taken)
        length, last = length[rows, slot], last[rows, slot]
        back = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)  # 0 … length − 1 of every defect
        rows, pixels = np.repeat(rows, length), np.repeat(last, length) - back
        inside = (pixels >= 0) & (pixels < n_pixels)
        mask[rows[inside], pixels[inside]] = 1
    if observation.mask_o2_a:
        mask[:, (O2_A_BAND[0] <= wave) & (O2_A_BAND[1] >= wave)] = 1
    return mask


class Columns:
    """The derivatives of a spectrum with respect to its nuisances, and what is known of them beforehand.

    Attributes
    ----------
    names : amplitude, calibration_1 …, ebv, velocity_km_s; those that are unknown
    shapes : (B, P) what multiplies the flux: all columns but the velocity's, which is the last
    precision : (J,) 1/σ² of every nuisance; 0 where nothing is known
    """

    def __init__(self, nuisances: Nuisances, wave: np.ndarray) -> None:
        names, shapes, sigma = [], [], []
        if nuisances.amplitude == "free":
            names, shapes, sigma = ["amplitude"], [np.ones(len(wave))], [math.inf]
        polynomials = legendre(wave, len(nuisances.calibration))
        for order, (polynomial, width) in enumerate(zip(polynomials, nuisances.calibration), start=1):
            if width:
                names.append(f"calibration_{order}")
                shapes.append(polynomial)
                sigma.append(width)
        if nuisances.ebv:
            names.append("ebv")
            shapes.append(reddening(wave))
            sigma.append(nuisances.ebv)
        self.velocity = nuisances.velocity_km_s > 0
        if self.velocity:
            names.append("velocity_km_s")
            sigma.append(nuisances.velocity_km_s)
        self.names, self.precision = tuple(names), 1 / np.square(sigma)
        self.shapes = np.stack(shapes) if shapes else np.empty((0, len(wave)))
        self._per_pixel = _slope(np.log(wave)[None])[0] * LIGHT_KM_S  # km/s

    def __len__(self) -> int:
        return len(self.names)

    def of_velocity(self, flux: np.ndarray) -> np.ndarray:
        """∂F/∂v = −F′λ/c per km/s, (N, P), of flux (N, P)."""
        return np.asarray(-_slope(flux) / self._per_pixel.astype(flux.dtype))

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        """Derivatives (N, J, P) of noise-free flux (N, P), per unit of each nuisance."""
        made = flux[:, None] * self.shapes.astype(flux.dtype)
        return np.concatenate([made, self.of_velocity(flux)[:, None]], axis=1) if self.velocity else made


def _slope(values: np.ndarray) -> np.ndarray:
    """Derivative along the last axis per pixel, five-point; lower orders at the two pixels of each edge."""
    slope = np.empty_like(values)
    inner = 8 * (values[:, 3:-1] - values[:, 1:-3]) - (values[:, 4:] - values[:, :-4])
    slope[:, 2:-2] = inner / 12
    slope[:, 1] = (values[:, 2] - values[:, 0]) / 2
    slope[:, -2] = (values[:, -1] - values[:, -3]) / 2
    slope[:, 0] = values[:, 1] - values[:, 0]
    slope[:, -1] = values[:, -1] - values[:, -2]
    return slope
