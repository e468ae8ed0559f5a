"""Spectra simulated from the stellar grid: label and condition draws are functions of (seed, id)."""

import hashlib
from typing import Any

import numpy as np

from logg1m.config.data import Data
from logg1m.files import InputError
from logg1m.jobs import device as devices
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, UNITS, Conditions, Jacobian, Observer, StellarGrid, survey
from logg1m.observe.arms import TABLE
from logg1m.observe.pfs import REFERENCE_TABLE
from logg1m.sources import Block

_LIGHT_KM_S = 299792.458
_GRID_ARRAYS = ("wave", "mean", "components", "coefficients")
_CONDITION_UNITS = {
    "flux_scale": "erg/s/cm2/A", "mag": "mag", "redshift": "", "seeing": "arcsec",
    "zenith_angle": "deg", "field_angle": "deg",
}  # fmt: skip


class EmbeddedSource:
    """The package's own grid, observed under the configured conditions."""

    def __init__(self, data: Data, seed: int, device: str = "cpu", grid: StellarGrid | None = None) -> None:
        self.data, self.seed, self.n_spectra = data, seed, data.n_spectra
        self.arrays = {"flux": "float32", "error": "float32"} | ({"mask": "uint8"} if data.observation.masks else {})
        self.labels = {name: UNITS[name] for name in LABELS} | _CONDITION_UNITS | survey.units(data.observation)
        self.grid = grid or StellarGrid.load()
        for name, nodes in self.grid.axes.items():
            low, high = getattr(data.priors, name)
            if low < nodes[0] or high > nodes[-1]:
                raise InputError(
                    f"data.priors.{name} = [{low}, {high}] {UNITS[name]} leaves the grid, "
                    f"which covers [{nodes[0]:g}, {nodes[-1]:g}]"
                )
        self.observer = Observer(self.grid, data.observation, devices.resolve(device))
        self.wave = self.observer.wave

    def describe(self) -> dict[str, Any]:
        grid = hashlib.sha256()
        for array in (*self.grid.axes.values(), *(getattr(self.grid, name) for name in _GRID_ARRAYS)):
            grid.update(np.ascontiguousarray(array).tobytes())
        return {
            "kind": "embedded",
            "seed": self.seed,
            "grid_sha256": grid.hexdigest(),
            "instrument_sha256": _instrument(self.data.observation.arms),
            "priors": self.data.priors.model_dump(),
            "labels": self.data.labels,
            "observation": self.data.observation.described(),
        }

    def draw(self, ids: np.ndarray) -> tuple[np.ndarray, Conditions]:
        """Labels (N, 5) and observing conditions of the spectra `ids`."""
        u = uniform(self.seed, Stream.LABELS, ids, 12)
        bounds = np.array([getattr(self.data.priors, name) for name in LABELS])
        labels = bounds[:, 0] + u[:, :5] * (bounds[:, 1] - bounds[:, 0])
        if self.data.labels == "grid_edges":
            labels = self._to_edges(labels, u[:, 5])
        obs = self.data.observation

        def between(column: int, limits: tuple[float, float]) -> np.ndarray:
            return limits[0] + u[:, column] * (limits[1] - limits[0])

        seeing = np.full(len(ids), obs.seeing)
        if obs.noise_seeing == "sampled":
            seeing = between(7, obs.seeing_range)
        plain = Conditions(
            mag=between(6, obs.mag),
            seeing=seeing,
            zenith_angle=between(8, obs.zenith_angle),
            field_angle=between(9, obs.field_angle),
            redshift=between(10, obs.rv_km_s) / _LIGHT_KM_S,
        )
        return labels, survey.drawn(plain, obs, self.seed, ids)

    def _to_edges(self, labels: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Move all labels but one (chosen by u) to the nearest grid node inside the prior."""
        free = np.minimum((u * len(LABELS)).astype(int), len(LABELS) - 1)
        out = labels.copy()
        for column, (name, nodes) in enumerate(self.grid.axes.items()):
            low, high = getattr(self.data.priors, name)
            allowed = nodes[(nodes >= low) & (nodes <= high)]
            if not len(allowed):
                raise InputError(f"data.labels = 'grid_edges': no node of {name} lies in its prior [{low}, {high}]")
            nearest = allowed[np.abs(labels[:, column, None] - allowed).argmin(axis=1)]
            out[:, column] = np.where(free == column, labels[:, column], nearest)
        return out

    def read(self, start: int, stop: int) -> Block:
        """Simulate spectra start … stop − 1 in the fixed tiles of the whole set: any block agrees bit for bit."""
        return self._in_tiles(start, stop, self.n_spectra)

    def simulate(self, start: int, stop: int) -> Block:
        """The same of any ids, in the store or beyond it (`ids`), in whole tiles."""
        return self._in_tiles(start, stop, stop + self.observer.tile_rows)

    def _in_tiles(self, start: int, stop: int, end: int) -> Block:
        """Spectra start … stop − 1 of those before `end`, where the last tile ends."""
        tile = self.observer.tile_rows
        first, last = start - start % tile, min(-(-stop // tile) * tile, end)
        labels, conditions = self.draw(np.arange(first, last))
        seen = self.observer.observe(labels, conditions)
        part = slice(start - first, stop - first)
        values = {name: labels[part, k] for k, name in enumerate(LABELS)}
        values["flux_scale"] = seen.flux_scale[part].double().cpu().numpy()
        values |= survey.columns_of(conditions[part])
        arrays = {"flux": seen.flux[part].cpu().numpy(), "error": seen.error[part].cpu().numpy()}
        if "mask" in self.arrays:
            arrays["mask"] = survey.bad_pixels(self.data.observation, self.seed, np.arange(start, stop), self.wave)
        return Block(arrays, {name: values[name] for name in self.labels})

    def derivatives(self, ids: np.ndarray) -> Jacobian:
        """Spectra `ids` with exact derivatives; tiles start at the first id asked for."""
        return self.observer.jacobian(*self.draw(ids))


def _instrument(arms: tuple[str, ...]) -> str:
    """SHA-256 of the instrument's tables behind some arms."""
    tables = [path for path, used in ((REFERENCE_TABLE, "m" in arms), (TABLE, set(arms) - {"m"})) if used]
    return hashlib.sha256(b"".join(path.read_bytes() for path in tables)).hexdigest()
