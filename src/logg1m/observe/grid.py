"""The stellar grid: ln F_λ as principal components, interpolated by cubic splines of the coefficients."""

import zipfile
import zlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from logg1m.files import InputError
from logg1m.observe.labels import LABELS, UNITS


@dataclass(frozen=True)
class StellarGrid:
    """A regular grid of spectra.

    Attributes
    ----------
    axes : label name → (n,) increasing nodes (K or dex), in the order of `LABELS`
    wave : (M,) vacuum Å, uniform
    mean : (M,) mean of ln F_λ (surface flux, arbitrary scale)
    components : (K, M) principal components of ln F_λ
    coefficients : (n_teff, n_logg, n_m_h, n_a_m, n_c_m, K)
    """

    axes: dict[str, np.ndarray]
    wave: np.ndarray
    mean: np.ndarray
    components: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def load(cls, path: str | Path | None = None) -> "StellarGrid":
        """Read a grid file, by default the one in the package.

        Raises
        ------
        InputError
            If the file is missing or damaged, holds NaN, or its shapes do not fit together.
        """
        path = Path(path) if path else Path(str(files("logg1m.observe") / "data" / "stellar_grid.npz"))
        try:
            with np.load(path, allow_pickle=False) as stored:
                axes = {name: np.asarray(stored[name], dtype=np.float64) for name in LABELS}
                grid = cls(axes, *(stored[k] for k in ("wave", "mean", "components", "coefficients")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path} is not a readable stellar grid: {error}") from error
        grid.check(path)
        return grid

    def check(self, path: str | Path) -> None:
        """Refuse a grid with NaN, unordered axes, a non-uniform wavelength scale or shapes that do not fit."""
        shape = (*(len(a) for a in self.axes.values()), len(self.components))
        if self.coefficients.shape != shape or self.components.shape != (shape[-1], len(self.wave)):
            raise InputError(
                f"{path}: coefficients {self.coefficients.shape} and components {self.components.shape} do "
                f"not fit the axes, expected {shape} and {(shape[-1], len(self.wave))}"
            )
        if self.mean.shape != self.wave.shape:
            raise InputError(f"{path}: mean {self.mean.shape} does not fit wave {self.wave.shape}")
        for name in ("wave", "mean", "components", "coefficients"):
            bad = int((~np.isfinite(getattr(self, name))).sum())
            if bad:
                raise InputError(f"{path}: {name} holds {bad} values that are not finite")
        for name, nodes in self.axes.items():
            if len(nodes) < 2 or not (np.diff(nodes) > 0).all():
                raise InputError(f"{path}: axis {name} must hold at least two increasing nodes, got {nodes}")
        steps = np.diff(self.wave)
        if not (steps > 0).all() or not np.allclose(steps, steps.mean(), rtol=1e-6):
            raise InputError(f"{path}: wave must increase uniformly; steps run from {steps.min()} to {steps.max()} Å")

    def require_inside(self, labels: np.ndarray) -> None:
        """Refuse labels (N, 5) outside the box of the grid; nothing is clamped.

        Raises
        ------
        InputError
            Names the first offending spectrum, label, value and the allowed range.
        """
        for column, (name, nodes) in enumerate(self.axes.items()):
            values = labels[:, column]
            outside = ~((values >= nodes[0]) & (values <= nodes[-1]))  # NaN counts as outside
            if outside.any():
                row = int(np.argmax(outside))
                raise InputError(
                    f"label {name} = {values[row]:g} {UNITS[name]} of spectrum {row} is outside the grid: "
                    f"expected {nodes[0]:g} … {nodes[-1]:g} ({int(outside.sum())} spectra are outside)"
                )


class SplineAxis:
    """Cubic-spline weights of one axis (not-a-knot ends; a parabola where there are only three nodes)."""

    def __init__(self, nodes: np.ndarray, device: torch.device, dtype: torch.dtype) -> None:
        pieces = CubicSpline(nodes, np.eye(len(nodes))).c  # (4, n-1, n), highest power first
        self.nodes = torch.as_tensor(nodes, device=device, dtype=torch.float64)
        self.pieces = torch.as_tensor(pieces, device=device, dtype=torch.float64)
        self.dtype = dtype

    def weights(self, x: torch.Tensor, derivative: bool = False) -> torch.Tensor:
        """(N,) positions → (N, n) weights w such that value(x) = w · nodal values, or their d/dx."""
        last = len(self.nodes) - 2
        interval = (torch.searchsorted(self.nodes, x.to(torch.float64).contiguous(), right=True) - 1).clamp(0, last)
        t = (x.to(torch.float64) - self.nodes[interval])[:, None]
        c3, c2, c1, c0 = (self.pieces[k][interval] for k in range(4))
        value = (3 * c3 * t + 2 * c2) * t + c1 if derivative else ((c3 * t + c2) * t + c1) * t + c0
        return value.to(self.dtype)


class GridInterpolator:
    """Coefficients of ln F_λ, and their derivatives, anywhere in the box: one matrix product."""

    def __init__(self, grid: StellarGrid, device: torch.device, dtype: torch.dtype) -> None:
        self.axes = [SplineAxis(nodes, device, dtype) for nodes in grid.axes.values()]
        flat = grid.coefficients.reshape(-1, grid.coefficients.shape[-1])
        self.table = torch.as_tensor(np.ascontiguousarray(flat), device=device, dtype=dtype)  # (nodes, K)

    def coefficients(self, labels: torch.Tensor, derivative: int | None = None) -> torch.Tensor:
        """(N, 5) labels → (N, K) coefficients, or their derivative with respect to label `derivative`."""
        product: torch.Tensor | None = None
        for k, axis in enumerate(self.axes):
            w = axis.weights(labels[:, k], derivative=(k == derivative))
            product = w if product is None else (product[:, :, None] * w[:, None, :]).flatten(1)
        assert product is not None
        return product @ self.table
