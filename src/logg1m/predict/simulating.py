"""Spectra of stars that a user names: simulated, plotted, bounded, and inferred."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from logg1m import noise
from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.observe import LABELS, WAVE, Conditions, Observer, StellarGrid
from logg1m.predict import bound
from logg1m.predict.stars import identity_of
from logg1m.predict.steps import LIGHT_KM_S, Spectra

_DEFAULTS = {"teff": 4_800.0, "logg": 2.5, "m_h": -1.0, "a_m": 0.2, "c_m": -0.2}


@dataclass(frozen=True)
class Simulated:
    """N simulated stars.

    labels : (N, 5) in the order of `LABELS`, K and dex
    wave : vacuum Å, (P,); flux : noise-free, median 0.5, (N, P); error : 1σ; noisy : flux with noise
    """

    labels: np.ndarray
    conditions: Conditions
    wave: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    noisy: np.ndarray
    observer: Observer

    @property
    def spectra(self) -> Spectra:
        """As a model is asked about them, in the rest frame."""
        n = len(self.flux)
        velocity = self.conditions.redshift * LIGHT_KM_S
        return Spectra(
            self.wave, self.noisy, self.error, np.zeros(self.flux.shape, dtype=bool), velocity,
            identity_of("simulated", np.arange(n)),
        )  # fmt: skip

    @cached_property
    def _bound(self) -> np.ndarray:
        jacobian = self.observer.jacobian(self.labels, self.conditions)
        return bound.sigma_of(jacobian, self.error, bound.unknown(self.observer.observation))

    def bound(self) -> np.ndarray:
        """σ(log g), dex, that no unbiased estimate beats, all five labels and the amplitude free, (N,)."""
        return self._bound

    def posterior(self, model: Any) -> Any:
        """The posterior of every star as a table, by a model of `logg1m.load` (its prior, its estimate as a start)."""
        return model.predict(
            self, estimator="posterior", frame="rest" if not self.conditions.redshift.any() else "observed"
        )

    def plot(self, star: int = 0, axes: Any = None) -> Any:
        """Noise-free and noisy spectrum of one star; the matplotlib axes."""
        import matplotlib.pyplot as plt

        axes = axes if axes is not None else plt.subplots(figsize=(10, 3.5))[1]
        axes.plot(self.wave, self.noisy[star], lw=0.4, color="0.7", label="observed")
        axes.plot(self.wave, self.flux[star], lw=0.7, color="C0", label="noise-free")
        low, high = np.percentile(self.noisy[star], [1, 99])
        axes.set_ylim(min(low, float(self.flux[star].min())), max(high, float(self.flux[star].max())))
        axes.set_xlabel("vacuum wavelength [Å]")
        axes.set_ylabel("flux (median 0.5)")
        teff, logg, m_h = self.labels[star][:3]
        axes.set_title(f"Teff {teff:.0f} K, log g {logg:.2f}, [M/H] {m_h:+.2f}, i = {self.conditions.mag[star]:.2f}")
        axes.legend(loc="lower right", fontsize=8)
        return axes


def simulate(
    teff: Any = None,
    logg: Any = None,
    m_h: Any = None,
    a_m: Any = None,
    c_m: Any = None,
    mag: Any = 21.0,
    v_los: Any = 0.0,
    seeing: Any = 0.8,
    zenith_angle: Any = 22.5,
    field_angle: Any = 0.325,
    seed: int = 0,
    data: Data | None = None,
) -> Simulated:
    """Observe stars of the embedded grid with the PFS red arm at medium resolution.

    Parameters
    ----------
    teff, logg, m_h, a_m, c_m : numbers or arrays (N,), K and dex; quantities of astropy are converted. Left out: 4800 K, 2.5,
        −1, 0.2, −0.2
    mag : HSC-i AB magnitude; v_los : km/s; seeing : arcsec; angles : degrees
    seed : of the noise
    data : conditions (exposures, their time, …); the reference ones if left out

    Raises
    ------
    InputError
        If a label lies outside the grid, or the arrays have different lengths.
    """
    given = {"teff": teff, "logg": logg, "m_h": m_h, "a_m": a_m, "c_m": c_m}
    columns = [_value(given[name], _DEFAULTS[name], "K" if name == "teff" else "") for name in LABELS]
    around = [
        _value(mag, 21.0, "mag"), _value(seeing, 0.8, "arcsec"), _value(zenith_angle, 22.5, "deg"),
        _value(field_angle, 0.325, "deg"), _value(v_los, 0.0, "km/s") / LIGHT_KM_S,
    ]  # fmt: skip
    try:
        every = np.broadcast_arrays(*columns, *around)
    except ValueError as wrong:
        raise InputError(f"arrays of different lengths: {wrong}; expected numbers, or arrays of one length") from wrong
    labels, conditions = np.stack(every[:5], axis=1), Conditions(*(np.array(v) for v in every[5:]))
    observer = Observer(StellarGrid.load(), (data or Data()).observation)
    seen = observer.observe(labels, conditions)
    normal = noise.normal(seed, torch.arange(len(labels)), len(WAVE))
    flux, error = seen.flux.cpu(), seen.error.cpu()
    noisy = (flux + error * normal).numpy()
    return Simulated(labels, conditions, WAVE, flux.numpy(), error.numpy(), noisy, observer)


def _value(given: Any, default: float, unit: str) -> np.ndarray:
    """A plain array of a number, an array, or a quantity of astropy."""
    if given is None:
        given = default
    if hasattr(given, "to_value"):
        given = given.to_value(unit)
    return np.atleast_1d(np.asarray(given, dtype=np.float64))
