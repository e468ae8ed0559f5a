"""From labels to an observed spectrum: grid → redshift → line spread → magnitude → error → normalisation.

Everything is computed in tiles of a fixed number of rows, the last one padded: results do not depend on how many
rows are asked for at once. Median-normalised flux is 0.5 / median(flux) times the physical one.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix

from logg1m.config.data import Observation
from logg1m.files import InputError
from logg1m.jobs.device import one_thread
from logg1m.observe.arms import Arms
from logg1m.observe.grid import LABELS, GridInterpolator, StellarGrid
from logg1m.observe.pfs import (
    LINE_SPREAD_SIGMA,
    SPEED_OF_LIGHT,
    Conditions,
    PfsRedArm,
    extinction_curve,
    hsc_i_band,
    line_spread_operator,
)
from logg1m.observe.survey import SurveyConditions, legendre, reddening

NORMALISED_MEDIAN = 0.5
_SHIFT_ROWS = 512
_TILE_ROWS = {"cpu": 128, "cuda": 1024}  # 1,024: a chunk of a store, so that no row of it is simulated for nothing


@dataclass(frozen=True)
class Observed:
    """Normalised flux and 1σ error (N, P), and flux_scale (N,): erg/s/cm²/Å per unit of normalised flux."""

    flux: torch.Tensor
    error: torch.Tensor
    flux_scale: torch.Tensor


@dataclass(frozen=True)
class Jacobian:
    """Observed spectra and their derivatives per unit of each label (K or dex).

    flux, error: (N, P); d_flux, d_ln_error: (N, 5, P) in the order of `LABELS`.
    """

    flux: torch.Tensor
    error: torch.Tensor
    d_flux: torch.Tensor
    d_ln_error: torch.Tensor


class Observer:
    """Observes stars of a grid with arms of the spectrograph, by default the red one at medium resolution."""

    def __init__(
        self,
        grid: StellarGrid,
        observation: Observation,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.grid, self.observation = grid, observation
        self.device, self.dtype = torch.device(device), dtype
        self.tile_rows = _TILE_ROWS.get(self.device.type, 128)
        if observation.arms == ("m",):
            self.arm: PfsRedArm | Arms = PfsRedArm(self.device, dtype)
        else:
            self.arm = Arms(observation.arms, (grid.wave[0], grid.wave[-1]), self.device, dtype)
        self.wave = self.arm.wave
        self.interpolator = GridInterpolator(grid, self.device, dtype)
        self.components_t = self._tensor(grid.components.T)  # (M, K)
        self.mean_t = self._tensor(grid.mean)[:, None]  # (M, 1)
        self.line_spread = self._line_spread()  # sparse (P, M)
        self._steps = self._tensor(grid.wave / (grid.wave[1] - grid.wave[0]))
        wave, band = self.wave, self._band()
        self.band = self._tensor(wave * band / (SPEED_OF_LIGHT * (band / wave).sum()))  # f_ν = band · f_λ
        self.curves = self._tensor(legendre(wave, len(observation.nuisances.calibration)))  # (K, P)
        self.reddening = self._tensor(reddening(wave))

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), device=self.device, dtype=self.dtype)

    def _band(self) -> np.ndarray:
        """The band-pass of magnitudes (P,), in the red arm."""
        if isinstance(self.arm, PfsRedArm):
            return hsc_i_band(self.wave)
        red = np.array([arm.name in ("r", "m") for arm in self.arm.arms])[self.arm.owner]
        return np.where(red, hsc_i_band(self.wave), 0.0)

    def spread(self, wider: float = 1.0) -> tuple[np.ndarray, ...]:
        """The operator of line spread and pixels (`pfs.line_spread_operator`), with a line spread so many times as wide."""
        if isinstance(self.arm, PfsRedArm):
            return line_spread_operator(self.grid.wave, line_spread=LINE_SPREAD_SIGMA * wider)
        sigma, size = self.arm.line_spreads()
        return line_spread_operator(self.grid.wave, line_spread=sigma * wider, pixels=(self.wave, size))

    def _line_spread(self) -> torch.Tensor:
        wave = self.grid.wave
        rows, columns, weights = self.spread()
        if columns.min() < 0 or columns.max() >= len(wave):
            raise InputError(
                f"the grid covers {wave[0]:.1f} … {wave[-1]:.1f} Å; "
                "the red arm with its line spread needs about 7097 … 8853 Å"
            )
        self.reach = float(wave[columns.min()]), float(wave[columns.max()])  # Å that the operator reads
        if self.observation.extinction_av:
            weights = weights * 10 ** (-0.4 * self.observation.extinction_av * extinction_curve(wave))[columns]
        operator = csr_matrix((weights, (rows, columns)), shape=(len(self.wave), len(wave)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse")  # torch calls CSR a beta feature
            return torch.sparse_csr_tensor(
                torch.as_tensor(operator.indptr, dtype=torch.int64),
                torch.as_tensor(operator.indices, dtype=torch.int64),
                torch.as_tensor(operator.data, dtype=self.dtype),
                operator.shape,
            ).to(self.device)

    def observe(self, labels: np.ndarray, conditions: Conditions) -> Observed:
        """Observe N stars, labels (N, 5) in the order of `LABELS`.

        Raises
        ------
        InputError
            If a label lies outside the grid or a redshift beyond its wavelength margin.
        """
        return Observed(*self._gather(self._observe_tile, labels, conditions))

    def flux(self, labels: np.ndarray, redshift: np.ndarray) -> torch.Tensor:
        """Noise-free normalised flux (N, P) alone: labels (N, 5), redshift (N,); no other condition enters it.

        Raises
        ------
        InputError
            As `observe`.
        """
        return self._gather(self._flux_tile, labels, _moving(redshift))[0]

    def models(self, labels: np.ndarray, redshift: np.ndarray) -> torch.Tensor:
        """Spectra (N, M) on the grid's own wavelengths, before line spread and pixels: labels (N, 5), redshift (N,).

        Raises
        ------
        InputError
            As `observe`.
        """
        return self._gather(self._model_tile, labels, _moving(redshift))[0]

    def jacobian(self, labels: np.ndarray, conditions: Conditions) -> Jacobian:
        """Observed spectra with exact derivatives of the noise-free normalised flux and of ln error.

        Raises
        ------
        InputError
            As `observe`.
        """
        return Jacobian(*self._gather(self._jacobian_tile, labels, conditions))

    def _gather(
        self,
        compute: Callable[[torch.Tensor, Conditions], tuple[torch.Tensor, ...]],
        labels: np.ndarray,
        conditions: Conditions,
    ) -> list[torch.Tensor]:
        """Results of all tiles, written once into arrays of N rows."""
        out: list[torch.Tensor] = []
        start = 0
        with one_thread():
            for rows, tile_labels, tile_conditions in self._tiles(labels, conditions):
                results = compute(tile_labels, tile_conditions)
                if not out:
                    out = [torch.empty((len(labels), *r.shape[1:]), dtype=r.dtype, device=r.device) for r in results]
                for whole, part in zip(out, results):
                    whole[start : start + rows] = part[:rows]
                start += rows
        return out

    def _tiles(self, labels: np.ndarray, conditions: Conditions) -> Iterator[tuple[int, torch.Tensor, Conditions]]:
        """Fixed-height tiles (rows that count, labels, conditions); the last is padded with its own last row."""
        if len(labels) == 0:
            raise InputError("no spectra asked for: at least one row of labels is needed")
        if labels.ndim != 2 or labels.shape[1] != len(LABELS) or len(labels) != len(conditions):
            raise InputError(f"labels must be ({len(conditions)}, {len(LABELS)}), got {labels.shape}")
        self.grid.require_inside(labels)
        conditions.check()
        for start in range(0, len(labels), self.tile_rows):
            rows = np.minimum(np.arange(start, start + self.tile_rows), len(labels) - 1)
            values = torch.as_tensor(labels[rows], device=self.device, dtype=torch.float64)
            yield min(self.tile_rows, len(labels) - start), values, conditions[rows]

    def _pixels(self, model_MN: torch.Tensor) -> torch.Tensor:
        """Line spread and pixel mean of the models (M, N) → (N, P)."""
        return (self.line_spread @ model_MN).T.contiguous()

    def _model(self, coefficients: torch.Tensor, redshift: np.ndarray, offset: bool) -> torch.Tensor:
        """Grid combination (M, N) at the observer's wavelengths; with the mean it is ln F, without, a derivative."""
        if offset:
            model = torch.addmm(self.mean_t, self.components_t, coefficients.T)
        else:
            model = self.components_t @ coefficients.T
        if not redshift.any():
            return model
        # Residual velocities move a spectrum by less than two steps of the grid. Which way a star goes depends on its
        # own redshift alone, whoever is in its tile.
        near = np.abs(1 / (1 + redshift) - 1) * self.grid.wave[-1] <= 2 * (self.grid.wave[1] - self.grid.wave[0])
        if self.observation.nuisances.velocity_km_s == 0 or not near.any():
            return self._shift(model, redshift)
        if near.all():
            return self._shift_little(model, redshift)
        far = self._shift(model, redshift)
        moved = self._shift_little(model, np.where(near, redshift, 0.0))
        return torch.where(torch.as_tensor(near, device=self.device), moved, far)

    def _shift_little(self, model: torch.Tensor, redshift: np.ndarray) -> torch.Tensor:
        """Redshift by at most two steps of the grid: five-point Lagrange interpolation about every point; the two points
        at either edge, which no pixel reads, stay. In place, and many times as fast as `_shift`, which gathers.
        """
        stars, end = self._tensor(1 / (1 + redshift) - 1), len(model) - 2
        rows = _SHIFT_ROWS if self.device.type == "cpu" else end  # so many rows and all that is made of them stay in L2
        before = model[:2].clone()
        for low in range(2, end, rows):
            high = min(low + rows, end)
            given = torch.cat([before, model[low : high + 2]])
            before, count = given[-4:-2], high - low
            m2, m1, y, p1, p2 = (given[k : count + k] for k in range(5))
            d = torch.outer(self._steps[low:high], stars)
            odd, even, far = p1 - m1, (p1 + m1).sub_(y, alpha=2), (p2 + m2).sub_(y, alpha=2)
            third = (p2 - m2).sub_(odd, alpha=2)
            # 24 × the change: d (12 odd − 2 third) + d² (16 even − far) + d³ 2 third + d⁴ (far − 4 even)
            change = far.sub(even, alpha=4).mul_(d).add_(third, alpha=2).mul_(d).add_(even, alpha=16).sub_(far)
            change.mul_(d).add_(odd, alpha=12).sub_(third, alpha=2).mul_(d)
            torch.add(y, change, alpha=1 / 24, out=model[low:high])
        return model

    def _shift(self, model: torch.Tensor, redshift: np.ndarray) -> torch.Tensor:
        """Redshift by four-point Lagrange interpolation on the uniform grid; (M, N) → (M, N)."""
        wave = self.grid.wave
        step = wave[1] - wave[0]
        if (self.reach[0] / (1 + redshift) < wave[0]).any() or (self.reach[1] / (1 + redshift) > wave[-1]).any():
            worst = redshift[np.argmax(np.abs(redshift))]
            raise InputError(
                f"redshift {worst:.6f} ({worst * 299792.458:.0f} km/s) leaves the wavelength margin of the grid "
                f"({wave[0]:.1f} … {wave[-1]:.1f} Å); about ±550 km/s can be simulated"
            )
        position = ((wave[:, None] / (1 + redshift) - wave[0]) / step).clip(0, len(wave) - 1)  # beyond: never read
        base = np.clip(np.floor(position).astype(np.int64), 1, len(wave) - 3)
        t = self._tensor(position - base)
        index = torch.as_tensor(base, device=self.device)
        y0, y1, y2, y3 = (model.gather(0, index + k) for k in (-1, 0, 1, 2))
        return (
            y0 * (-t * (t - 1) * (t - 2) / 6)
            + y1 * ((t + 1) * (t - 1) * (t - 2) / 2)
            + y2 * (-(t + 1) * t * (t - 2) / 2)
            + y3 * ((t + 1) * t * (t - 1) / 6)
        )

    def _scales(
        self, f_lambda: torch.Tensor, median: torch.Tensor, conditions: Conditions
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Synthetic f_ν, and flux_scale."""
        synthetic = f_lambda @ self.band
        target = self._tensor(10 ** (-0.4 * (conditions.mag + 48.6)))
        return synthetic, target / synthetic * median / NORMALISED_MEDIAN

    def _error(
        self, flux: torch.Tensor, flux_scale: torch.Tensor, conditions: Conditions
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        exposures, time = self.observation.exposures, self.observation.exposure_time
        return self.arm.error(flux, flux_scale, self.arm.knots(conditions, time), exposures, time)

    def _f_lambda(self, labels: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """Spectra on the detector in the units of the grid, (N, P)."""
        coefficients = self.interpolator.coefficients(labels)
        return self._distort(
            self._pixels(self._model(coefficients, conditions.redshift, offset=True).exp_()), conditions
        )

    def _distort(self, values: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """Spectra or derivatives (N, P) as their flux calibration and residual reddening change them; overwritten."""
        if not isinstance(conditions, SurveyConditions):
            return values
        if conditions.calibration.shape[1]:
            values.mul_((self._tensor(conditions.calibration) @ self.curves).add_(1.0))
        if conditions.ebv.any():
            values.mul_(torch.outer(self._tensor(conditions.ebv), self.reddening).exp_())
        return values

    def _model_tile(self, labels: torch.Tensor, conditions: Conditions) -> tuple[torch.Tensor, ...]:
        coefficients = self.interpolator.coefficients(labels)
        return (self._model(coefficients, conditions.redshift, offset=True).exp_().T.contiguous(),)

    def _flux_tile(self, labels: torch.Tensor, conditions: Conditions) -> tuple[torch.Tensor, ...]:
        f_lambda = self._f_lambda(labels, conditions)
        return (f_lambda.mul_((NORMALISED_MEDIAN / _median(f_lambda))[:, None]),)

    def _observe_tile(self, labels: torch.Tensor, conditions: Conditions) -> tuple[torch.Tensor, ...]:
        f_lambda = self._f_lambda(labels, conditions)
        median = _median(f_lambda)
        _, flux_scale = self._scales(f_lambda, median, conditions)
        flux = f_lambda.mul_((NORMALISED_MEDIAN / median)[:, None])
        return flux, self._error(flux, flux_scale, conditions)[0], flux_scale

    def _jacobian_tile(self, labels: torch.Tensor, conditions: Conditions) -> tuple[torch.Tensor, ...]:
        coefficients = self.interpolator.coefficients(labels)
        model = self._model(coefficients, conditions.redshift, offset=True).exp_()
        f_lambda = self._distort(self._pixels(model), conditions)
        median, pixels = _median_and_pixels(f_lambda)
        synthetic, flux_scale = self._scales(f_lambda, median, conditions)
        flux = f_lambda * (NORMALISED_MEDIAN / median)[:, None]
        error, electrons, variance = self._error(flux, flux_scale, conditions)
        d_flux, d_ln_error = [], []
        for k in range(len(LABELS)):
            d_ln = self._model(self.interpolator.coefficients(labels, derivative=k), conditions.redshift, offset=False)
            d_f = self._distort(self._pixels(d_ln.mul_(model)), conditions)
            d_ln_median = d_f.gather(1, pixels).mean(dim=1) / median
            d_ln_scale = d_ln_median - (d_f @ self.band) / synthetic
            d = d_f.mul_((NORMALISED_MEDIAN / median)[:, None]).sub_(flux * d_ln_median[:, None])
            d_variance = electrons * (d + flux * d_ln_scale[:, None])
            d_flux.append(d)
            d_ln_error.append(d_variance.div_(variance).mul_(0.5).sub_(d_ln_scale[:, None]))
        return flux, error, torch.stack(d_flux, dim=1), torch.stack(d_ln_error, dim=1)


def _median(values: torch.Tensor) -> torch.Tensor:
    """Median over an even number of columns, the mean of the middle two."""
    if values.device.type != "cpu":
        return _median_and_pixels(values)[0]
    half = values.shape[1] // 2  # numpy partitions in a third of the time that torch takes
    middle = torch.from_numpy(np.partition(values.numpy(), (half - 1, half), axis=1)[:, half - 1 : half + 1])
    return (middle[:, 0] + middle[:, 1]) / 2


def _median_and_pixels(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same and the columns (N, 2) of those two."""
    lower, lower_index = values.median(dim=1)  # torch returns the lower of the middle two
    above = torch.where(values > lower[:, None], values, torch.inf)
    upper, upper_index = above.min(dim=1)
    tied = (above == torch.inf).sum(dim=1) > values.shape[1] // 2
    upper = torch.where(tied, lower, upper)
    upper_index = torch.where(tied, lower_index, upper_index)
    return (lower + upper) / 2, torch.stack([lower_index, upper_index], dim=1)


def _moving(redshift: np.ndarray) -> Conditions:
    """Conditions of which the redshift (N,) alone counts."""
    none = np.zeros(len(redshift))
    return Conditions(mag=none, seeing=none + 1, zenith_angle=none, field_angle=none, redshift=redshift)
