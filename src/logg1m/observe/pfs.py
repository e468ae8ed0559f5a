"""The PFS red arm at medium resolution: pixels, line spread, throughput, sky and 1σ errors.

The model is the one of the PFS exposure-time calculator (Hirata et al. 2012), reduced to scalings of a reference
table (seeing 0.8″, zenith angle 22.5°, field angle 0.325°, 900 s) that lies in the package.
"""

import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import j0, j1, ndtr

from logg1m.files import InputError

N_PIXELS = 4096
PIXEL_SIZE = 1750.0 / N_PIXELS  # vacuum Å
WAVE = 7100.0 + (np.arange(N_PIXELS) + 0.5) * PIXEL_SIZE  # pixel centres, vacuum Å
SPEED_OF_LIGHT = 2.99792458e18  # Å/s
REFERENCE_TABLE = Path(str(files("logg1m.observe") / "data" / "pfs_mr_reference.csv"))
REFERENCE_TIME = 900.0  # s, of the table
LINE_SPREAD_SIGMA = 0.55  # Å, Gaussian, in total before pixel integration
SKY_RESIDUAL = 0.01  # of sky subtraction, a fraction of the sky
GRID_SIGMA = 0.35  # Å, already in the embedded grid

# Telescope at field angles 0 … 0.65 degrees: vignetting, effective focal length (m), rms spot (µm).
_FIELD = np.array([0.0, 0.1625, 0.325, 0.4875, 0.65])
_VIGNETTING = np.array([0.94, 0.90, 0.84, 0.78, 0.71])
_FOCAL_LENGTH = np.array([23.39, 23.92, 24.48, 25.07, 25.68])
_SPOT = np.array([7.1, 8.4, 9.7, 11.2, 13.2])
_ARCSEC_PER_MICRON_METRE = 0.206264806  # µm over m → arcsec
_FIBRE_RADIUS = 63.5  # µm
_FIBRE_OFFSET = 0.10  # arcsec

# Throughput and sky vary smoothly with λ except for a kink of the extinction curve at 800 nm, which is a knot:
# linear interpolation between these 16 wavelengths (nm) leaves the SNR within 2e-5.
KNOTS = np.concatenate([np.linspace(710.0, 800.0, 9), np.linspace(800.0, 885.0, 8)[1:]])
ALLOWED = {
    "mag": (-10.0, 45.0), "seeing": (0.1, 10.0), "zenith_angle": (0.0, 70.0), "field_angle": (0.0, 0.65),
    "redshift": (-0.1, 0.1),
}  # fmt: skip
REFERENCE = {"seeing": 0.8, "zenith_angle": 22.5, "field_angle": 0.325}


@dataclass(frozen=True)
class Conditions:
    """Observing conditions of N spectra, each (N,) float64.

    mag: HSC-i AB magnitude; seeing: FWHM at 800 nm in arcsec; zenith_angle, field_angle: degrees;
    redshift: dimensionless.
    """

    mag: np.ndarray
    seeing: np.ndarray
    zenith_angle: np.ndarray
    field_angle: np.ndarray
    redshift: np.ndarray

    def __getitem__(self, rows: slice | np.ndarray) -> "Conditions":
        return type(self)(**{name: value[rows] for name, value in vars(self).items()})

    def __len__(self) -> int:
        return len(self.mag)

    def sky(self) -> np.ndarray:
        """Brightness of the sky over that of a dark night, (N,)."""
        return np.ones(len(self))

    def check(self) -> None:
        """Refuse conditions that the model does not cover; nothing is clamped.

        Raises
        ------
        InputError
            Names the first offending spectrum, value and the allowed range.
        """
        for name, (low, high) in ALLOWED.items():
            values = getattr(self, name)
            outside = ~((values >= low) & (values <= high))  # NaN counts as outside
            if outside.any():
                row = int(np.argmax(outside))
                raise InputError(
                    f"{name} = {values[row]:g} of spectrum {row} cannot be observed: expected {low:g} … {high:g}"
                )


def line_spread_operator(
    grid_wave: np.ndarray,
    grid_sigma: float = GRID_SIGMA,
    line_spread: float | np.ndarray = LINE_SPREAD_SIGMA,
    pixels: tuple[np.ndarray, float | np.ndarray] = (WAVE, PIXEL_SIZE),
) -> tuple[np.ndarray, ...]:
    """Line spread and pixel mean as one sparse operator on the uniform wavelength grid of the models.

    A Gaussian of variance `line_spread`² − `grid_sigma`² Å², then the mean over each pixel: the weight of a grid point is
    the difference of the Gaussian's cumulative distribution at the pixel's two edges; rows sum to one.

    Parameters
    ----------
    line_spread : Å, of every pixel (P,) or of all
    pixels : their centres (P,) and sizes, Å

    Returns
    -------
    rows, columns, weights : coordinates and values of the (P, M) operator
    """
    wave, size = pixels[0], np.reshape(pixels[1], (-1, 1))
    sigma = np.sqrt(np.reshape(line_spread, (-1, 1)) ** 2 - grid_sigma**2)
    step = float(grid_wave[1] - grid_wave[0])
    reach = math.ceil((6 * sigma + size).max() / step)
    centre = np.rint((wave - grid_wave[0]) / step).astype(np.int64)
    columns = centre[:, None] + np.arange(-reach, reach + 1)
    distance = grid_wave[0] + columns * step - wave[:, None]
    weights = ndtr((distance + size / 2) / sigma) - ndtr((distance - size / 2) / sigma)
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(wave)), columns.shape[1])
    return rows, columns.ravel(), weights.ravel()


def hsc_i_band(wave: np.ndarray) -> np.ndarray:
    """The stated stand-in for the HSC-i band-pass inside the arm: one from 7100 to 8400 Å, falling to zero at 8600."""
    return np.where(np.asarray(wave) >= 7100.0, np.clip((8600.0 - np.asarray(wave)) / 200.0, 0.0, 1.0), 0.0)


def extinction_curve(wave: np.ndarray, r_v: float = 3.1) -> np.ndarray:
    """A(λ)/A(V) after Cardelli, Clayton & Mathis (1989), ApJ 345, 245, eqs. 2a–3b; wave in Å, 3030–33000 Å."""
    x = 1e4 / np.asarray(wave)
    y = x - 1.82
    a = np.polynomial.Polynomial([1, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999])(y)
    b = np.polynomial.Polynomial([0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002])(y)
    return np.where(x >= 1.1, a + b / r_v, (0.574 - 0.527 / r_v) * x**1.61)


def encircled_energy(seeing: np.ndarray, field_angle: np.ndarray, wave_nm: np.ndarray) -> np.ndarray:
    """Share of a point source's light inside the fibre, (N, L) for (N,) conditions and (L,) wavelengths in nm.

    Kolmogorov seeing, diffraction, telescope spot and fibre offset multiply as modulation transfer functions;
    the Hankel integral runs over 50 spatial frequencies u (cycles/arcsec).
    """
    du = 0.024
    u = (np.arange(50) + 0.5) * du
    kappa = 2 * np.pi * u
    focal = np.interp(field_angle, _FIELD, _FOCAL_LENGTH)
    radius = (_FIBRE_RADIUS / focal * _ARCSEC_PER_MICRON_METRE)[:, None]
    spot = (np.interp(field_angle, _FIELD, _SPOT) / focal * _ARCSEC_PER_MICRON_METRE)[:, None]
    fibre = (
        2 * np.pi * radius * du * j1(kappa * radius) * j0(kappa * _FIBRE_OFFSET) * np.exp(-((kappa * spot) ** 2) / 2)
    )
    theta = 1e-3 * wave_nm / 8.3 / (1 - 0.22) * _ARCSEC_PER_MICRON_METRE  # arcsec
    seeing_scale = (0.465 / seeing)[:, None, None] * ((wave_nm / 800.0) ** 0.2)[None, :, None]
    blur = np.exp(-((u / seeing_scale) ** (5 / 3)) - (4 / np.pi) * u * theta[None, :, None])
    return np.asarray(np.einsum("nu,nlu->nl", fibre, blur))


def _extinction_per_airmass(wave_nm: np.ndarray) -> np.ndarray:
    """Atmospheric extinction, mag per airmass, for 700–900 nm."""
    return np.where(wave_nm < 800, 0.10 - 0.03 * (wave_nm - 700) / 100, 0.07 - 0.02 * (wave_nm - 800) / 100)


def scalings(
    seeing: np.ndarray,
    zenith_angle: np.ndarray,
    field_angle: np.ndarray,
    knots: np.ndarray = KNOTS,
    extinction: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Throughput and sky at the knots (nm) in arbitrary but fixed units, each (N, 16); extinction in mag per airmass there."""
    z = np.deg2rad(zenith_angle)[:, None]
    airmass = 1 / np.sqrt(1 - 0.96 * np.sin(z) ** 2)
    k = (_extinction_per_airmass(knots) if extinction is None else extinction)[None, :]
    optics = (1 - (0.27 + 0.09 * field_angle / 0.675)) * np.interp(field_angle, _FIELD, _VIGNETTING)
    focal = np.interp(field_angle, _FIELD, _FOCAL_LENGTH)
    throughput = 10 ** (-0.4 * k / np.cos(z)) * optics[:, None] * encircled_energy(seeing, field_angle, knots)
    sky = airmass * np.exp(-k * airmass / 1.086) * (optics / focal**2)[:, None]
    return throughput, sky


class PfsRedArm:
    """Electrons and 1σ errors of the instrument on one torch device."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype, self.wave = device, dtype, WAVE
        table = pd.read_csv(REFERENCE_TABLE, comment="#")
        hat = np.stack([np.interp(WAVE / 10, KNOTS, unit) for unit in np.eye(len(KNOTS))])  # (16, P)
        one = [np.array([REFERENCE[k]]) for k in ("seeing", "zenith_angle", "field_angle")]
        throughput, sky = scalings(*one)
        self._electrons = self._tensor(hat * table["electrons_per_fnu_cgs"].to_numpy() / throughput.T)
        self.f_nu = self._tensor(WAVE**2 / SPEED_OF_LIGHT)  # f_ν per unit f_λ, per pixel
        self._sky = self._tensor(hat * table["sky_electrons"].to_numpy() / sky.T)

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), device=self.device, dtype=self.dtype)

    def knots(self, conditions: Conditions, exposure_time: float) -> tuple[torch.Tensor, torch.Tensor]:
        """All that `response` needs to know of the conditions: throughput and sky at the knots, each (N, 16)."""
        throughput, sky = scalings(conditions.seeing, conditions.zenith_angle, conditions.field_angle)
        time = exposure_time / REFERENCE_TIME
        return self._tensor(throughput * time), self._tensor(sky * time * conditions.sky()[:, None])

    def response(self, conditions: Conditions, exposure_time: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Electrons per unit f_ν (cgs) and sky electrons of one exposure, per pixel, each (N, P)."""
        throughput, sky = self.knots(conditions, exposure_time)
        return throughput @ self._electrons, sky @ self._sky

    @staticmethod
    def background(
        sky: torch.Tensor, exposures: float, exposure_time: float, residual: float = SKY_RESIDUAL
    ) -> torch.Tensor:
        """Variance of one exposure that does not come from the star, electrons², (N, P) from the sky electrons.

        Sky, 1 % sky-subtraction residual that adds coherently over exposures (of the brightest of the pixel and its
        two neighbours), 2 % diffuse stray light, dark current and read noise of 5 pixels; 1.5 % on top of it all.
        `residual` is that of the sky subtraction, a fraction of the sky.
        """
        brightest = sky.clone()
        torch.maximum(brightest[:, 1:], sky[:, :-1], out=brightest[:, 1:])
        torch.maximum(brightest[:, :-1], sky[:, 1:], out=brightest[:, :-1])
        constant = 0.02 * 0.75 * sky.mean(dim=1, keepdim=True) + 5 * (1e-4 * exposure_time + 4.0**2)
        return brightest.square_().mul_(residual**2 * exposures).add_(sky).add_(constant).mul_(1.015)

    def error(
        self,
        flux: torch.Tensor,
        flux_scale: torch.Tensor,
        knots: tuple[torch.Tensor, torch.Tensor],
        exposures: int,
        exposure_time: float,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """1σ error of normalised flux (N, P), with what is behind it.

        flux_scale (N,): erg/s/cm²/Å per unit of normalised flux; knots: of the conditions and one exposure. Never
        divides by the star's own counts.

        Returns
        -------
        error (N, P) in normalised units; electrons per unit of normalised flux and exposure; variance in electrons²
        """
        electrons, sky = knots[0] @ self._electrons, knots[1] @ self._sky
        electrons.mul_(self.f_nu).mul_(flux_scale[:, None])
        variance = self.background(sky, exposures, exposure_time).addcmul_(flux, electrons)
        return variance.sqrt().div_(electrons).div_(math.sqrt(exposures)), electrons, variance


def snr_per_pixel(
    ab_mag: float,
    seeing: float,
    zenith_angle: float,
    field_angle: float,
    exposures: int = 12,
    exposure_time: float = 900.0,
) -> np.ndarray:
    """Signal-to-noise per pixel of a source with flat f_ν.

    Parameters
    ----------
    ab_mag : AB magnitude
    seeing : FWHM at 800 nm, arcsec
    zenith_angle, field_angle : degrees
    exposures, exposure_time : number, s

    Returns
    -------
    (4096,) float64 array, at `WAVE`

    Raises
    ------
    InputError
        If a condition is outside what the model covers (seeing 0.1–10″, zenith angle 0–70°, field angle 0–0.65°).
    """
    if not (exposures >= 1 and 0 < exposure_time < math.inf):
        raise InputError(f"expected at least one exposure of positive time, got {exposures} × {exposure_time} s")
    arm = PfsRedArm(torch.device("cpu"), torch.float64)
    row = Conditions(*(np.array([float(v)]) for v in (ab_mag, seeing, zenith_angle, field_angle, 0.0)))
    row.check()
    electrons, sky = arm.response(row, exposure_time)
    counts = electrons * 10 ** (-0.4 * (ab_mag + 48.6))
    variance = counts + arm.background(sky, exposures, exposure_time)
    return np.asarray((counts * math.sqrt(exposures) / variance.sqrt())[0].numpy())
