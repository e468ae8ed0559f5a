"""A folder of BOSZ model spectra as a stellar grid, and the source that observes it."""

import hashlib
import itertools
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from logg1m.config.data import Data, Priors
from logg1m.config.files_sources import BoszConfig
from logg1m.files import InputError, save_with
from logg1m.jobs.machine import usable_cores
from logg1m.jobs.progress import Progress, log
from logg1m.observe import LABELS, StellarGrid
from logg1m.observe.arms import Arm
from logg1m.observe.pfs import GRID_SIGMA
from logg1m.sources.bosz.files import Model, ends, find_models, find_wavelengths, read_flux
from logg1m.sources.embedded import EmbeddedSource
from logg1m.sources.identity import stamp_of_folder
from logg1m.sources.paths import place
from logg1m.sources.pfs.wave import AIR_SHIFT, shift_from_vacuum

_STEP = 0.2  # Å
WAVE = 7084.0 + _STEP * np.arange(8931)  # vacuum Å of arm m alone, as the grid in the package
_BESIDE = 6.0  # Å that are read on either side of a grid, for the smoothing kernel
_FORMAT = 1  # of kept grids: raise it when what `make_grid` computes changes
_FWHM = 2.3548  # of a Gaussian, in σ
_FINE_STEP = 0.05  # Å, to which coarser files are interpolated before smoothing
_LEAST_SIGMA = 0.04  # Å of smoothing that is always applied: less cannot be sampled, and 0.35 ⊕ 0.04 is 0.352
_TRIPLET_BELOW = 7000.0  # K: cooler stars show the Ca II triplet, whatever their other labels
_WIDEST_SIGMA = 0.40  # Å that a file may have already; the line spread of 0.55 hides what exceeds 0.35 up to there


class BoszSource(EmbeddedSource):
    """Stars of a BOSZ grid, observed like those of the embedded one, with the same exact derivatives."""

    def __init__(self, data: Data, seed: int, device: str = "cpu") -> None:
        assert data.bosz is not None
        grid, self.provenance = load_or_make(data.bosz, data.priors, data.observation.arms)
        super().__init__(data, seed, device, grid)

    def describe(self) -> dict[str, Any]:
        """The grid by its content; which files it was kept for is no matter of the spectra."""
        made = {key: value for key, value in self.provenance.items() if key != "identity"}
        return super().describe() | {"kind": "bosz", "grid": made}


def load_or_make(
    config: BoszConfig, priors: Priors, arms: tuple[str, ...] = ("m",)
) -> tuple[StellarGrid, dict[str, Any]]:
    """The grid of a folder and how it came about, from `grid_file` if that was made from the same files for the same arms.

    Raises
    ------
    InputError
        As `make_grid`, or if `grid_file` cannot be written.
    """
    models = find_models(config)
    nodes = _nodes(models, priors)
    identity = _identity(config, nodes, arms)
    kept = Path(place(config.grid_file, "data.bosz.grid_file")) if config.grid_file else None
    if kept is not None and kept.exists():
        grid = StellarGrid.load(kept)
        with np.load(kept, allow_pickle=False) as stored:
            provenance = json.loads(str(stored["provenance"])) if "provenance" in stored.files else {}
        if provenance.get("identity") == identity:
            return grid, provenance
        log.info(f"{kept} was made from other files or settings: made anew")
    grid, provenance = make_grid(config, models, nodes, arms)
    provenance["identity"] = identity
    if kept is not None:
        arrays = {name: getattr(grid, name) for name in ("wave", "mean", "components", "coefficients")}
        text = np.array(json.dumps(provenance))

        def save(path: Path) -> None:
            with open(path, "wb") as stream:
                np.savez(stream, allow_pickle=False, **grid.axes, **arrays, provenance=text)

        save_with(kept, save)
    return grid, provenance


def wavelengths(arms: tuple[str, ...], low: float, high: float) -> np.ndarray:
    """Vacuum Å of the grid that arms need, as far as files from `low` to `high` Å reach: `WAVE` and more in its steps."""
    if arms == ("m",):
        return WAVE
    first, last = (np.concatenate(part) for part in zip(*(Arm.read(name).needs() for name in arms)))

    def steps(needed: float, there: float) -> int:
        """More of them in one direction: as many as are needed, or as there are."""
        return max(0, min(math.ceil(needed / _STEP), math.floor(there / _STEP)))

    before = steps(WAVE[0] - first.min(), WAVE[0] - low - _BESIDE)
    after = steps(last.max() - WAVE[-1], high - _BESIDE - WAVE[-1])
    return np.asarray(WAVE[0] + _STEP * np.arange(-before, len(WAVE) + after))


def _identity(config: BoszConfig, nodes: dict[str, np.ndarray], arms: tuple[str, ...]) -> str:
    settings = config.model_dump(exclude={"folder", "grid_file"})
    axes = {name: values.tolist() for name, values in nodes.items()}
    made_of = [_FORMAT, settings, stamp_of_folder(config), axes]
    made_of += [] if arms == ("m",) else [sorted(arms)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


def _nodes(models: list[Model], priors: Priors) -> dict[str, np.ndarray]:
    """The nodes of each label that enclose its prior most closely."""
    axes = {}
    for column, name in enumerate(LABELS):
        values = np.unique([model.labels[column] for model in models])
        low, high = getattr(priors, name)
        if len(values) < 2 or low < values[0] or high > values[-1]:
            raise InputError(
                f"data.priors.{name} = [{low:g}, {high:g}], but the BOSZ files have only {values.tolist()}; "
                "at least two nodes must enclose the prior: fetch more files or narrow the prior"
            )
        first = min(int(np.searchsorted(values, low, side="right")) - 1, len(values) - 2)
        last = max(int(np.searchsorted(values, high, side="left")), first + 1)
        axes[name] = values[first : last + 1]
    return axes


def make_grid(
    config: BoszConfig, models: list[Model], nodes: dict[str, np.ndarray], arms: tuple[str, ...] = ("m",)
) -> tuple[StellarGrid, dict[str, Any]]:
    """Read the files at the nodes, smooth them to σ = 0.35 Å, and compress ln F_λ into principal components, over what arms
    need.

    Returns
    -------
    grid : ln F_λ with F = 4πH, erg/s/cm²/Å
    provenance : release, counts, missing nodes, reconstruction error (rms of reconstructed / model − 1)

    Raises
    ------
    InputError
        If nodes are missing (and may not, or cannot, be filled), the resolution is too low, the wavelengths are in
        air, or the reconstruction error exceeds its limit.
    """
    files = {model.labels: model for model in models}
    wanted = [tuple(map(float, node)) for node in itertools.product(*nodes.values())]
    present = np.array([node in files for node in wanted])
    missing = [dict(zip(LABELS, node)) for node, there in zip(wanted, present) if not there]
    if missing and not config.fill_missing:
        raise InputError(
            f"{config.folder}: {len(missing)} of {len(wanted)} nodes have no file, the first is {missing[0]}; fetch "
            "them, narrow data.priors, or set data.bosz.fill_missing: true to interpolate them"
        )
    wave, ln_flux = _read_all([files[node] for node in wanted if node in files], config, arms)  # (present nodes, M)
    _require_vacuum(wave, ln_flux, min(node[0] for node in wanted), config)
    mean, components, scores = _principal_components(ln_flux, config.n_components)
    shape = tuple(len(values) for values in nodes.values())
    coefficients = np.full((*shape, len(components)), np.nan)
    coefficients.reshape(len(wanted), -1)[present] = scores
    if missing:
        _fill(coefficients, present.reshape(shape), list(nodes.values()), missing)
    error = np.sqrt(np.mean(np.expm1(scores @ components + mean - ln_flux) ** 2, axis=1))
    if error.max() > config.max_reconstruction_error:
        raise InputError(
            f"{config.folder}: {len(components)} principal components reproduce the worst node to {error.max():.2g} "
            f"rms, expected {config.max_reconstruction_error:g}; raise data.bosz.n_components or the limit"
        )
    grid = StellarGrid(nodes, wave, mean.astype(np.float32), components.astype(np.float32), coefficients)
    grid.check(config.folder)
    provenance = {
        "release": f"BOSZ {models[0].release}",
        "resolution": config.resolution,
        "files": int(present.sum()),
        "components": len(components),
        "reconstruction_error_max": float(f"{error.max():.3g}"),
        "reconstruction_error_median": float(f"{np.median(error):.3g}"),
        "filled_nodes": missing,
    }
    log.info(f"{provenance['release']} grid: {provenance}")
    return grid, provenance


def _read_all(models: list[Model], config: BoszConfig, arms: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (M,), vacuum Å, and ln F_λ on them at σ = 0.35 Å of all models, (N, M) float32."""
    shared = find_wavelengths(config) if models[0].release == "2024" else None
    resolution = None if config.resolution == "rorig" else float(config.resolution[1:])
    wave = WAVE if arms == ("m",) else wavelengths(arms, *ends(models[0], shared))
    _require_resolution(resolution, wave[-1], config)
    smooth, span = Smoother(resolution, wave), (wave[0] - _BESIDE, wave[-1] + _BESIDE)
    out = np.empty((len(models), len(wave)), dtype=np.float32)
    progress = Progress("BOSZ spectra", len(models))

    def read(model: Model) -> np.ndarray:
        return np.log(4 * np.pi * smooth(*read_flux(model, shared, span)))

    with ThreadPoolExecutor(usable_cores()) as pool:
        for k, spectrum in enumerate(pool.map(read, models)):
            out[k] = spectrum
            progress.add(1)
    progress.finish()
    return wave, out


def _require_resolution(resolution: float | None, last: float, config: BoszConfig) -> None:
    """last : Å, where lines are widest."""
    widest = last / (_FWHM * resolution) if resolution else 0.0
    if widest > _WIDEST_SIGMA:
        enough = "r10000" if last / (_FWHM * 10_000) <= _WIDEST_SIGMA else "r20000"
        raise InputError(
            f"data.bosz.resolution = {config.resolution}: lines are already σ = {widest:.2f} Å wide at {last:.0f} "
            f"Å, expected at most {_WIDEST_SIGMA}; use {enough} or higher"
        )
    if widest > GRID_SIGMA:
        log.info(
            f"data.bosz.resolution = {config.resolution}: lines beyond {GRID_SIGMA * _FWHM * (resolution or 0):.0f} Å "
            f"are up to σ = {widest:.3f} Å wide instead of {GRID_SIGMA}; r20000 avoids that"
        )


class Smoother:
    """From a file's wavelengths and resolution to a grid's (M,), vacuum Å, at σ = 0.35 Å; the operator is made once per
    scale.

    A file of resolving power R has lines of σ = λ / (2.3548 R) already, so the kernel makes up the difference in
    variance at each wavelength.
    """

    def __init__(self, resolution: float | None, wave: np.ndarray = WAVE) -> None:
        self.wave = wave
        already = wave / (_FWHM * resolution) if resolution else np.zeros(len(wave))
        self.sigma = np.sqrt(np.maximum(GRID_SIGMA**2 - already**2, _LEAST_SIGMA**2))
        self._operators: dict[bytes, csr_matrix] = {}

    def __call__(self, wave: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """(n,) wavelengths in Å and fluxes → (M,) flux on the grid's."""
        if np.diff(wave).max() > _FINE_STEP:
            first, last = max(self.wave[0] - _BESIDE, wave[0]), min(self.wave[-1] + _BESIDE, wave[-1])
            fine = np.arange(first, last, _FINE_STEP)
            wave, flux = fine, CubicSpline(wave, flux)(fine)
        key = hashlib.sha256(wave.tobytes()).digest()
        operator = self._operators.get(key)
        if operator is None:
            operator = self._operators.setdefault(key, self._operator(wave))
        return np.asarray(operator @ flux)

    def _operator(self, wave: np.ndarray) -> csr_matrix:
        width, at = np.gradient(wave), self.wave
        first = np.searchsorted(wave, at - 5 * self.sigma - _FINE_STEP)
        last = np.searchsorted(wave, at + 5 * self.sigma + _FINE_STEP)
        counts = last - first
        rows = np.repeat(np.arange(len(at)), counts)
        columns = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
        weights = width[columns] * np.exp(-0.5 * ((wave[columns] - at[rows]) / self.sigma[rows]) ** 2)
        weights /= np.bincount(rows, weights, minlength=len(at))[rows]
        return csr_matrix((weights, (rows, columns)), shape=(len(at), len(wave)))


def _require_vacuum(wave: np.ndarray, ln_flux: np.ndarray, coolest: float, config: BoszConfig) -> None:
    """Refuse spectra (N, M) at wavelengths (M,) whose mean has the Ca II triplet elsewhere than in vacuum, or none though stars are cool.

    Cool stars have a strong triplet, so that where it is missing the wavelengths are not what they seem.
    """
    red = (wave > WAVE[0] - _STEP / 2) & (wave < WAVE[-1] + _STEP / 2)
    shift = shift_from_vacuum(wave[red], np.exp(ln_flux[:, red].mean(axis=0, dtype=np.float64))[None, :], np.zeros(1))
    if shift is None:
        if coolest < _TRIPLET_BELOW:
            raise InputError(
                f"{config.folder}: the Ca II triplet (8500.35, 8544.44, 8664.52 Å) is nowhere to be seen, though the "
                f"coolest models have {coolest:g} K: are the wavelengths in Å? Expected vacuum Å, as published"
            )
        log.warning(f"{config.folder}: no Ca II triplet to be seen, so vacuum wavelengths in Å are taken on trust")
    elif abs(shift - AIR_SHIFT) < 1.1:
        raise InputError(
            f"{config.folder}: the wavelengths are in air: the Ca II triplet lies {-shift:.1f} Å bluewards of its "
            "vacuum position; expected vacuum wavelengths, as published"
        )
    elif abs(shift) > 1.2:
        raise InputError(
            f"{config.folder}: the Ca II triplet lies {shift:+.1f} Å from its vacuum position; expected vacuum "
            "wavelengths at rest, as published"
        )


def _principal_components(ln_flux: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (M,), components (K, M) and scores (N, K); one thread, so that the digits do not depend on the machine."""
    from sklearn.decomposition import PCA

    count = min(count, *ln_flux.shape)
    solver = "full" if min(ln_flux.shape) <= 1000 else "randomized"
    with threadpool_limits(1):
        pca = PCA(count, svd_solver=solver, iterated_power=7, random_state=0)
        scores = pca.fit_transform(ln_flux)
    return pca.mean_, pca.components_, scores


def _fill(
    coefficients: np.ndarray, present: np.ndarray, nodes: list[np.ndarray], missing: list[dict[str, float]]
) -> None:
    """Fill missing nodes in place: the mean of linear interpolations along each axis with neighbours on both sides."""
    hopeless = []
    for index, labels in zip(np.argwhere(~present), missing):
        estimates = []
        for axis, values in enumerate(nodes):
            line: list[Any] = index.tolist()
            line[axis] = slice(None)
            there = np.flatnonzero(present[tuple(line)])
            below, above = there[there < index[axis]], there[there > index[axis]]
            if len(below) and len(above):
                low, high = below[-1], above[0]
                share = (values[index[axis]] - values[low]) / (values[high] - values[low])
                column = coefficients[tuple(line)]
                estimates.append((1 - share) * column[low] + share * column[high])
        if estimates:
            coefficients[tuple(index)] = np.mean(estimates, axis=0)
        else:
            hopeless.append(labels)
    if hopeless:
        raise InputError(
            f"{len(hopeless)} missing BOSZ nodes have no neighbours on both sides along any axis, the first is "
            f"{hopeless[0]}; they cannot be interpolated: fetch them or narrow data.priors"
        )
