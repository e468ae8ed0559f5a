"""Spectra that a model was not made for, on which its flags are measured: kinds that a survey meets."""

from dataclasses import replace

import numpy as np
import torch

from logg1m import noise
from logg1m.noise import Stream
from logg1m.predict.steps import LIGHT_KM_S, Spectra
from logg1m.sources.pfs.wave import CA_II_VACUUM

KINDS = ("hot star", "galaxy", "noise alone", "wavelengths in nm", "unannounced 257 km/s")
_RYDBERG = 1.0967758e-3  # 1/Å, of hydrogen
_VELOCITY = 257.0  # km/s


def hot_star(wave: np.ndarray) -> np.ndarray:
    """A black body of 20,000 K with the Paschen series from its 11th level on, broad (FWHM 12 Å): F_λ (P,)."""
    planck = wave**-5.0 / np.expm1(1.4388e8 / (wave * 20_000))
    lines = [1 / (_RYDBERG * (1 / 9 - 1 / level**2)) for level in range(11, 25)]
    return np.asarray(planck * (1 - sum(0.3 * np.exp(-0.5 * ((wave - line) / 5.1) ** 2) for line in lines)))


def galaxy(wave: np.ndarray, redshift: float) -> np.ndarray:
    """A flat continuum with Hβ and [O III] in emission: F_λ (P,)."""
    flux = np.ones_like(wave)
    for line, strength in ((4_862.7, 1.0), (4_960.3, 1.0), (5_008.2, 3.0)):
        flux += strength * np.exp(-0.5 * ((wave - line * (1 + redshift)) / 2.0) ** 2)
    return flux


def of_kind(kind: str, stars: Spectra, seed: int) -> Spectra:
    """Spectra of another kind with the errors of these noisy stars, on their wavelengths (P,)."""
    wave, n = stars.wave, len(stars)
    ids = np.arange(n, dtype=np.int64)
    normal = noise.normal(seed, torch.as_tensor(ids), len(wave), 3).numpy()
    if kind == "wavelengths in nm":
        return replace(stars, wave=wave / 10)
    if kind == "unannounced 257 km/s":
        moved = np.stack([np.interp(wave, wave * (1 + _VELOCITY / LIGHT_KM_S), row) for row in stars.flux])
        return replace(stars, flux=moved.astype(np.float32))
    if kind == "noise alone":
        return replace(stars, flux=(stars.error * normal).astype(np.float32))
    if kind == "hot star":
        clean = np.tile(hot_star(wave), (n, 1))
    else:
        low, high = CA_II_VACUUM[0] / 5_008.2 - 1.2, wave[-1] / 5_008.2 - 1.02
        u = noise.uniform(seed, Stream.LABELS, ids, 4)[:, 3]
        clean = np.stack([galaxy(wave, max(low, 0.45) + x * (high - max(low, 0.45))) for x in u])
    clean *= 0.5 / np.median(clean, axis=1, keepdims=True)
    return replace(stars, flux=(clean + stars.error * normal).astype(np.float32))
