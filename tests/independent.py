"""The observation model a second time: plain loops and dense sums, nothing shared with the package but its data.

Every pixel is evaluated at its own wavelength; nothing is interpolated, tabulated or batched.
"""

from importlib.resources import files

import numpy as np
from scipy.interpolate import CubicSpline, make_interp_spline
from scipy.signal import oaconvolve
from scipy.special import jv

LIGHT = 2.99792458e18  # Å/s
PIXEL = 1750 / 4096  # Å
WAVE = 7100 + (np.arange(4096) + 0.5) * PIXEL
_ANGLES = (0.0, 0.1625, 0.325, 0.4875, 0.65)


def reference_table() -> np.ndarray:
    """(4096, 3): wavelength, electrons per f_ν, sky electrons."""
    path = files("logg1m.observe") / "data" / "pfs_mr_reference.csv"
    return np.loadtxt(str(path), delimiter=",", skiprows=2)


def encircled_energy(seeing: float, field: float, nm: np.ndarray) -> np.ndarray:
    focal = np.interp(field, _ANGLES, (23.39, 23.92, 24.48, 25.07, 25.68))
    radius = 63.5 / focal * 0.206264806
    spot = np.interp(field, _ANGLES, (7.1, 8.4, 9.7, 11.2, 13.2)) / focal * 0.206265
    u_seeing = 0.465 / seeing * (nm / 800) ** 0.2
    theta = 1e-3 * nm / 8.3 / (1 - 0.22) * 0.206265
    total = np.zeros_like(nm)
    for j in range(50):
        u = (j + 0.5) * 0.024
        k = 2 * np.pi * u
        total += (
            2 * np.pi * radius * 0.024 * jv(1, k * radius) * jv(0, k * 0.10) * np.exp(-k * k * spot * spot / 2)
            * np.exp(-((u / u_seeing) ** (5 / 3))) * np.exp(-(4 / np.pi) * u * theta)
        )  # fmt: skip
    return total


def _absolute(seeing: float, zenith: float, field: float) -> tuple[np.ndarray, np.ndarray]:
    nm = WAVE / 10
    z = np.deg2rad(zenith)
    airmass = 1 / np.sqrt(1 - 0.96 * np.sin(z) ** 2)
    k = np.array([0.10 - 0.03 * (x - 700) / 100 if x < 800 else 0.07 - 0.02 * (x - 800) / 100 for x in nm])
    optics = (1 - 0.27 - 0.09 * field / 0.675) * np.interp(field, _ANGLES, (0.94, 0.90, 0.84, 0.78, 0.71))
    focal = np.interp(field, _ANGLES, (23.39, 23.92, 24.48, 25.07, 25.68))
    conv = 10 ** (-0.4 * k / np.cos(z)) * optics * encircled_energy(seeing, field, nm)
    return conv, airmass * np.exp(-k * airmass / 1.086) * optics / focal**2


def response(seeing: float, zenith: float, field: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Electrons per f_ν and sky electrons of one exposure, per pixel."""
    _, conv0, sky0 = reference_table().T
    conv, sky = _absolute(seeing, zenith, field)
    conv_ref, sky_ref = _absolute(0.8, 22.5, 0.325)
    return conv0 * conv / conv_ref * seconds / 900, sky0 * sky / sky_ref * seconds / 900


def error_of_f_nu(
    f_nu: np.ndarray, seeing: float, zenith: float, field: float, exposures: int, seconds: float
) -> np.ndarray:
    """1σ of f_ν after all exposures, pixel by pixel."""
    conv, sky = response(seeing, zenith, field, seconds)
    mean_sky = sum(sky) / len(sky)
    sigma = np.empty(4096)
    for i in range(4096):
        brightest = max(sky[max(i - 1, 0) : i + 2])
        noise = 1.015 * (
            sky[i]
            + 0.01**2 * exposures * brightest**2
            + 0.02 * mean_sky * 0.75
            + 5 * (1e-4 * seconds + 4**2)
        )  # fmt: skip
        sigma[i] = np.sqrt(f_nu[i] * conv[i] + noise) / (conv[i] * np.sqrt(exposures))
    return sigma


def stellar_flux(
    axes: dict[str, np.ndarray], coefficients: np.ndarray, mean: np.ndarray, components: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """F_λ on the wavelengths of the grid: one cubic spline after another, axis by axis."""
    values = coefficients.astype(np.float64)
    for nodes, label in zip(axes.values(), labels):
        values = CubicSpline(nodes, values, axis=0)(label)
    return np.exp(mean.astype(np.float64) + values @ components.astype(np.float64))


def line_spread(wave: np.ndarray, flux: np.ndarray, redshift: float = 0.0, sub: int = 128) -> np.ndarray:
    """Flux (σ 0.35 Å) → pixels: redshifted, resampled to a 128th of a pixel, convolved to σ 0.55 Å, averaged."""
    step = PIXEL / sub
    reach = 10 * sub
    fine = 7100 + (np.arange(-reach, 4096 * sub + reach) + 0.5) * step
    values = make_interp_spline(wave * (1 + redshift), flux, k=7)(fine)
    sigma = np.sqrt(0.55**2 - 0.35**2)
    half = round(7 * sigma / step)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * step / sigma) ** 2)
    smooth = oaconvolve(values, kernel / kernel.sum(), mode="same")[reach:-reach]
    return smooth.reshape(4096, sub).mean(axis=1)
