"""Stars whose derivatives are computed once and that are then seen under any conditions, for any exposure time.

The derivatives of the normalised flux depend on the labels alone. Magnitude, conditions and exposure time change the
error, which is that of `observe.pfs` with its parts kept apart:

    σ² = [b + n·c + f·e] / (e² n),   b sky, stray light, dark and read noise;  c = 1.015 r² max₃(S)²

for n exposures, flux f, e electrons per unit of flux, sky-subtraction residual r. The part n·c does not average down.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import torch
from scipy.interpolate import CubicSpline
from scipy.ndimage import percentile_filter, uniform_filter1d

from logg1m.bounds import fisher
from logg1m.bounds.sweep import FIELD_ANGLE, SEEING, ZENITH_ANGLE
from logg1m.files import InputError
from logg1m.observe import Conditions, Observer
from logg1m.observe.arms import Arms
from logg1m.observe.pfs import N_PIXELS, SKY_RESIDUAL
from logg1m.observe.survey import Columns

_AT = 20.0  # magnitude at which flux scales are computed
_CONTINUUM = (10.0, 201)  # percentile, and pixels (86 Å) over which the sky between its lines is taken


@dataclass(frozen=True)
class Setting:
    """How all stars are observed: AB magnitude, arcsec, degrees, and the number of exposures (a real one; ∞: the limit).

    continuum : brightness of the sky between its lines over that of a dark night
    residual : of sky subtraction, as a fraction of the sky
    """

    mag: float
    exposures: float
    seeing: float = SEEING
    zenith_angle: float = ZENITH_ANGLE
    field_angle: float = FIELD_ANGLE
    continuum: float = 1.0
    residual: float = SKY_RESIDUAL

    def conditions(self) -> Conditions:
        """As conditions of one star at rest."""
        values = (self.mag, self.seeing, self.zenith_angle, self.field_angle, 0.0)
        return Conditions(*(np.array([float(value)]) for value in values))


@dataclass(frozen=True)
class Parts:
    """The variance of one exposure in electrons², (1 or N, P): base without the star, coherent per exposure; and electrons
    per unit of normalised flux, (N, P), whose own variance is `poisson` times their number."""

    base: np.ndarray
    coherent: np.ndarray
    electrons: np.ndarray
    poisson: float | np.ndarray = 1.0


@dataclass(frozen=True)
class Scene:
    """Stars with everything that does not depend on how they are observed.

    Attributes
    ----------
    flux : (N, P) noise-free, normalised; jacobian : (N, 5 + J, P) by label and by nuisance; precision : (J,) 1/σ² of what is
        known of the nuisances
    scale : (N,) erg/s/cm²/Å per unit of flux at magnitude 20; mask : (N, P) True at bad pixels, or None
    noise_level : what errors are multiplied by
    """

    observer: Observer
    labels: np.ndarray
    flux: np.ndarray
    jacobian: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    noise_level: float = 1.0
    mask: np.ndarray | None = field(default=None)

    @classmethod
    def of(
        cls,
        observer: Observer,
        labels: np.ndarray,
        columns: Columns,
        noise_level: float = 1.0,
        redshift: np.ndarray | None = None,
    ) -> "Scene":
        """Stars of labels (N, 5) at their redshifts (N,), by default at rest.

        Raises
        ------
        InputError
            If the noise is not positive, or a label lies outside the grid.
        """
        if not noise_level > 0:
            raise InputError(f"protocol.noise_level = {noise_level:g}: without noise there is no bound")
        rest = np.zeros(len(labels)) if redshift is None else redshift
        values = (_AT, SEEING, ZENITH_ANGLE, FIELD_ANGLE)
        at = Conditions(*(*(np.full(len(labels), value) for value in values), rest))
        known, scale = observer.jacobian(labels, at), observer.observe(labels, at).flux_scale
        flux = known.flux.double().cpu().numpy()
        jacobian = fisher.with_nuisances(known.d_flux.double().cpu().numpy(), flux, columns)
        return cls(observer, labels, flux, jacobian, scale.double().cpu().numpy(), columns.precision, noise_level)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | np.ndarray) -> "Scene":
        parts = {name: getattr(self, name)[rows] for name in ("labels", "flux", "jacobian", "scale")}
        return replace(self, **parts, mask=None if self.mask is None else self.mask[rows])

    def with_columns(self, columns: Columns) -> "Scene":
        """The same stars with other nuisances."""
        jacobian = fisher.with_nuisances(self.jacobian[:, :5], self.flux, columns)
        return replace(self, jacobian=jacobian, precision=columns.precision)

    def with_unknown(self, column: np.ndarray, sigma: float) -> "Scene":
        """The same stars with one more nuisance: its column (N, P), and what is known of it, 1σ."""
        jacobian = np.concatenate([self.jacobian, column[:, None]], axis=1)
        return replace(self, jacobian=jacobian, precision=np.append(self.precision, 1 / sigma**2))

    def parts(
        self, conditions: Conditions, continuum: float = 1.0, residual: float = SKY_RESIDUAL, moved: float = 0.0
    ) -> Parts:
        """Parts of the variance under conditions of one star, for all, or of each star.

        moved : pixels by which the sky is moved to the blue
        """
        conditions.check()
        arm, time = self.observer.arm, self.observer.observation.exposure_time
        throughput, sky = arm.response(conditions, time)
        if continuum != 1:
            sky = sky + (continuum - 1) * torch.as_tensor(sky_continuum(sky.cpu().numpy())).to(sky)
        if moved:
            sky = torch.as_tensor(moved_to_blue(sky.double().cpu().numpy(), moved)).to(sky)
        none = arm.background(sky, 0.0, time, residual)
        coherent = arm.background(sky, 1.0, time, residual) - none
        scale = self.scale * 10 ** (-0.4 * (conditions.mag - _AT))
        if isinstance(arm, Arms):  # whose variances are over its Poisson factor
            none, coherent = none * arm.poisson, coherent * arm.poisson
        electrons = (throughput * arm.f_nu).double().cpu().numpy() * scale[:, None]
        poisson = arm.poisson.double().cpu().numpy() if isinstance(arm, Arms) else 1.0
        return Parts(none.double().cpu().numpy(), coherent.double().cpu().numpy(), electrons, poisson)

    def error(self, parts: Parts, exposures: float | np.ndarray) -> np.ndarray:
        """1σ error of normalised flux (N, P) of so many exposures, one number or one for each star; infinite where masked.

        For ∞ exposures it is what the residual of sky subtraction leaves.
        """
        n = np.asarray(exposures, dtype=np.float64).reshape(-1, 1)
        variance = (parts.base + self.flux * parts.electrons * parts.poisson) / n + parts.coherent
        error = np.sqrt(variance) / parts.electrons * self.noise_level
        return error if self.mask is None else np.where(self.mask, np.inf, error)

    def information(self, parts: Parts, exposures: float | np.ndarray) -> np.ndarray:
        """Fisher information on the labels (N, 5, 5), nuisances marginalised."""
        return self.marginalised(fisher.fisher_information(self.jacobian, self.error(parts, exposures)))

    def marginalised(self, information: np.ndarray) -> np.ndarray:
        """Information on the labels (N, 5, 5) from that on labels and nuisances."""
        return fisher.without(information, self.precision) if len(self.precision) else information

    def seen(self, at: Setting) -> np.ndarray:
        """Information (N, 5, 5) on stars that are all observed in one way."""
        return self.information(self.parts(at.conditions(), at.continuum, at.residual), at.exposures)


def bounds(information: np.ndarray, ranges: dict[str, float], max_condition: float) -> pd.DataFrame:
    """σ(log g) in dex of every star: `bound`, by the CRLB of the five labels, NaN where it failed; `posterior`, with the
    prior, approximately (`fisher.prior_aware_crlb`)."""
    table = fisher.bounds(information, ranges, max_condition)
    return pd.DataFrame({"bound": table["sigma_5d"], "posterior": table["sigma_prior"]})


def moved_to_blue(sky: np.ndarray, pixels: float) -> np.ndarray:
    """Sky electrons (N, P) moved to the blue by a part of a pixel, arm by arm: cubic splines of their logarithm."""
    at, whole = np.arange(N_PIXELS), sky.reshape(-1, N_PIXELS)
    moved = np.exp(CubicSpline(at, np.log(whole), axis=1)(np.clip(at + pixels, 0, at[-1])))
    return np.asarray(moved).reshape(sky.shape)


def sky_continuum(sky: np.ndarray) -> np.ndarray:
    """The sky between its lines (N, P), electrons, from sky electrons (N, P): the 10th percentile over 201 pixels, smoothed
    over as many. An estimate: wings of lines and faint ones are in it."""
    percentile, width = _CONTINUUM
    low = percentile_filter(sky.reshape(-1, N_PIXELS), percentile, size=(1, width), mode="nearest")
    return np.asarray(uniform_filter1d(low, width, axis=1, mode="nearest")).reshape(sky.shape)
