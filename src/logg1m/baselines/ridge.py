"""Ridge regression at all scales, feature sets and penalties from one pass over the training rows.

The objective is scikit-learn's, ‖y − Xw − c‖² + α‖w‖², on features standardised with the training rows' mean and
standard deviation (`raw`: centred only). One eigendecomposition per scale gives every α and, since principal
components of the features are the eigenvectors, every PCA feature set too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.linalg.blas import dsymm

from logg1m.baselines.gram import Moments, ShellAccumulator
from logg1m.baselines.spectral import Spectrum
from logg1m.config.baselines import RidgeConfig
from logg1m.config.compute import Compute
from logg1m.config.protocol import scale_name
from logg1m.files import InputError, write_parquet, write_tensors
from logg1m.jobs import device as devices
from logg1m.jobs.progress import Progress
from logg1m.protocol.pools import Pools, Split, noisy_rows
from logg1m.spectra import passes
from logg1m.spectra.amplitude import is_free
from logg1m.spectra.masks import measured
from logg1m.spectra.store import Store

FULL = "full"


@dataclass(frozen=True)
class Frame:
    """A fixed affine frame, x = (flux − shift) / scale per pixel, that keeps the sums well conditioned."""

    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, pixels: pd.DataFrame, noise_level: float) -> "Frame":
        """From the per-pixel statistics of the survey: mean flux, and scatter of flux and noise together."""
        scatter = np.hypot(pixels["flux_std"].to_numpy(), noise_level * pixels["error_rms"].to_numpy())
        return cls(pixels["flux_mean"].to_numpy(), np.where(scatter > 0, scatter, 1.0))


@dataclass(frozen=True)
class Linear:
    """log g = intercept + x · weights in the frame, with where it came from."""

    name: str
    features: str
    alpha: float
    scale: int
    weights: np.ndarray
    intercept: float
    validation_r2: float


@dataclass(frozen=True)
class ScaleFit:
    """All linear models of one scale: the best α per feature set, and validation R² of every (feature set, α)."""

    models: list[Linear]
    curve: list[dict[str, Any]]
    condition_number: float
    n_validation: int  # spectra that α was chosen on


def shells(splits: Sequence[Split], n_spectra: int) -> np.ndarray:
    """Shell of every spectrum id, (N,) int; −1 outside the largest training prefix.

    Shell 2k is the fit part that scale k adds, 2k + 1 the part of the training prefix of k − its validation rows −
    that only larger scales fit.

    Raises
    ------
    InputError
        If two scales are so close that the validation rows of one lie among the training rows of the other.
    """
    shell = np.full(n_spectra, -1)
    for small, large in pairwise(splits):
        n_small, n_large = (len(split.fit) + len(split.validation) for split in (small, large))
        frozen = np.array_equal(small.validation, large.validation)
        if n_small > len(large.fit) and not frozen:
            raise InputError(
                f"protocol.scales: with {n_small} and {n_large} training spectra two scales are too close: the last "
                f"{len(large.validation)} of the larger one validate it and must lie outside the smaller one"
            )
    for k, split in reversed(list(enumerate(splits))):
        shell[split.validation] = 2 * k + 1
        shell[split.fit] = 2 * k
    return shell  # a frozen validation set, the same for all scales, ends up in shell 1


def accumulate(
    store: Store, pools: Pools, truth: np.ndarray, frame: Frame, seed: int, compute: Compute
) -> list[Moments]:
    """One pass over the training rows: moments of every shell, truth (N,) = log g in dex."""
    splits = [pools.split(size) for size in pools.settings.scales]
    shell = shells(splits, store.n_spectra)

    def rows_of(chunk: int) -> np.ndarray:
        start, stop = store.rows(chunk)
        return start + np.flatnonzero(shell[start:stop] >= 0)

    def visit(chunk: int) -> tuple[np.ndarray, np.ndarray]:
        ids = rows_of(chunk)
        return ids, standardised(store, chunk, ids, frame, seed, pools.settings.noise_level)

    wanted = [chunk for chunk in range(store.n_chunks) if len(rows_of(chunk))]
    sums = ShellAccumulator(store.n_pixels, 2 * len(splits))
    with passes.all_threads(compute):
        for ids, x in passes.over(
            visit, wanted, compute, "Gram matrices", lambda c: len(rows_of(c)), consumer_threads=True
        ):
            sums.add(x, truth[ids], shell[ids])
        return sums.finish()


def standardised(store: Store, chunk: int, ids: np.ndarray, frame: Frame, seed: int, level: float) -> np.ndarray:
    """Noisy rows of a chunk in the frame, (B, P) float32, with the frozen draw; a masked pixel is 0, the mean."""
    flux, error = measured(store, chunk, ids - store.rows(chunk)[0])
    return in_frame(noisy_rows(flux, error, ids, seed, level, 0, is_free(store)), frame)


def in_frame(x: np.ndarray, frame: Frame) -> np.ndarray:
    """Spectra (B, P) float32 in the frame; overwritten. A masked pixel, NaN, is 0 there: the mean."""
    x -= frame.shift.astype(np.float32)
    x /= frame.scale.astype(np.float32)
    np.copyto(x, 0.0, where=np.isnan(x))
    return x


def fit_scale(
    fit: Moments, validation: Moments, size: int, config: RidgeConfig, device: str, unit: np.ndarray | None = None
) -> ScaleFit:
    """Solve every feature set and α of one scale; α is chosen by R² on the validation rows.

    Parameters
    ----------
    unit : (P,) what features are divided by once they are centred; None: their standard deviation over the fit rows
    """
    n, mean_x, mean_y = fit.n, fit.sum_x / fit.n, fit.sum_y / fit.n
    covariance = fit.upper - n * np.outer(mean_x, mean_x)  # here and below only the upper triangle is valid
    spread = unit
    if spread is None:
        spread = np.sqrt(np.maximum(covariance.diagonal() / n, 0.0))
        spread = np.where(spread > 0, spread, 1.0)
    covariance /= np.outer(spread, spread)
    xty = (fit.xty - n * mean_x * mean_y) / spread
    full = torch.triu(torch.as_tensor(covariance, device=device))
    usable = min(n - 1, len(full))
    spectrum = Spectrum.of(full + torch.triu(full, 1).T, usable)
    solved = spectrum.solve(xty, config.alphas)
    if solved is None:  # too ill-conditioned for single precision
        spectrum = Spectrum.of(spectrum.matrix, usable, precise=True)
        solved = spectrum.solve(xty, config.alphas)
    assert solved is not None
    values = spectrum.values.cpu().numpy()
    components = [k for k in config.pca if k < usable]
    names, alphas, weights = [], [], []
    if components:
        variance, vectors = spectrum.leading(max(components))
        projected = vectors.T @ xty
    for features in components:
        for alpha in config.alphas:
            names.append(f"pca_{features}")
            alphas.append(alpha)
            weights.append(vectors[:, :features] @ (projected[:features] / (variance[:features] + alpha)))
    names += [FULL] * len(config.alphas)
    alphas += config.alphas
    table = np.column_stack([*weights, solved]) / spread[:, None]  # (P, models)
    intercepts = mean_y - mean_x @ table
    scores = _r2_from_moments(validation, table, intercepts)
    best: dict[str, int] = {}
    for k, name in enumerate(names):
        if name not in best or scores[k] > scores[best[name]]:
            best[name] = k
    prefix = "ridge" if unit is None else "ridge_raw"
    models = [
        Linear(f"{prefix}_{name}", name, alphas[k], size, table[:, k], float(intercepts[k]), float(scores[k]))
        for name, k in best.items()
    ]
    curve = [
        {"features": name, "alpha": alpha, "validation_r2": float(score)}
        for name, alpha, score in zip(names, alphas, scores)
    ]
    floor = values[len(values) - usable]
    return ScaleFit(models, curve, float(values[-1] / floor) if floor > 0 else float("inf"), validation.n)


def _r2_from_moments(rows: Moments, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    """R² of many linear models (P, K) on the rows behind the moments, without visiting them again."""
    predicted_sum = rows.sum_x @ weights
    quadratic = np.einsum("pk,pk->k", weights, dsymm(1.0, rows.upper, weights, lower=0))
    squared = (
        rows.sum_yy
        - 2 * (intercepts * rows.sum_y + rows.xty @ weights)
        + rows.n * intercepts**2
        + 2 * intercepts * predicted_sum
        + quadratic
    )
    return np.asarray(1 - squared / (rows.sum_yy - rows.sum_y**2 / rows.n))


def fit_all(
    moments: list[Moments], pools: Pools, frame: Frame, config: RidgeConfig, compute: Compute
) -> dict[int, ScaleFit]:
    """Every scale of the run, size → fit; moments of a scale's fit rows are a cumulative sum of shells."""
    fits: dict[int, ScaleFit] = {}
    ways = [None, 1 / frame.scale] if config.raw else [None]  # raw undoes the scale of the frame: flux as it is
    device = str(devices.resolve(compute.device))
    progress = Progress("ridge eigendecompositions", len(ways) * len(pools.settings.scales), "scales")
    before: Moments | None = None
    with passes.all_threads(compute):
        for k, size in enumerate(pools.settings.scales):
            fit = moments[2 * k] if before is None else before + moments[2 * k]
            validation = moments[1] if pools.validation is not None else moments[2 * k + 1]
            parts = []
            for unit in ways:
                parts.append(fit_scale(fit, validation, size, config, device, unit))
                progress.add(1)
            fits[size] = ScaleFit(
                [model for part in parts for model in part.models],
                [{"standardised": unit is None, **row} for unit, part in zip(ways, parts) for row in part.curve],
                parts[0].condition_number,
                validation.n,
            )
            before = fit if pools.validation is not None else fit + validation
    progress.finish()
    return fits


def predict(
    store: Store, ids: np.ndarray, models: Sequence[Linear], frame: Frame, seed: int, level: float, compute: Compute
) -> np.ndarray:
    """One pass over the rows `ids` (any order): predictions (len(ids), models) in dex."""
    weights = np.stack([model.weights for model in models], axis=1).astype(np.float32)
    intercepts = np.array([model.intercept for model in models])
    order = np.argsort(ids, kind="stable")
    wanted = {
        int(chunk): ids[order][ids[order] // store.chunk_rows == chunk] for chunk in np.unique(ids // store.chunk_rows)
    }

    def visit(chunk: int) -> np.ndarray:
        x = standardised(store, chunk, wanted[chunk], frame, seed, level)
        return np.asarray((x @ weights).astype(np.float64) + intercepts)

    parts = list(passes.over(visit, list(wanted), compute, "ridge predictions", lambda c: len(wanted[c])))
    out = np.empty((len(ids), len(models)))
    out[order] = np.concatenate(parts)
    return out


def tensors(models: Sequence[Linear], frame: Frame) -> dict[str, np.ndarray]:
    """The linear models of the largest scale for a file: shift and scale of the frame (P,), and of every model its weights
    (P,) and intercept by its name."""
    largest = max(model.scale for model in models)
    found = {"shift": frame.shift, "scale": frame.scale}
    for model in (model for model in models if model.scale == largest):
        found |= {f"{model.name}/weights": model.weights, f"{model.name}/intercept": np.array([model.intercept])}
    return found


def from_tensors(found: dict[str, np.ndarray], name: str, noisy: np.ndarray) -> np.ndarray:
    """log g (N,) of noisy spectra (N, P) by a saved model; the spectra are overwritten."""
    x = in_frame(noisy, Frame(found["shift"], found["scale"]))
    return np.asarray((x @ found[f"{name}/weights"].astype(np.float32)).astype(np.float64) + found[f"{name}/intercept"])


def table(models: Sequence[Linear], ids: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Predictions (len(ids), models) as rows: model, scale, id, truth, predicted (dex); truth (N,) of all spectra."""
    about = {"id": ids, "truth": truth[ids]}
    parts = [
        pd.DataFrame({"model": model.name, "scale": model.scale, **about, "predicted": predicted[:, k]})
        for k, model in enumerate(models)
    ]
    return pd.concat(parts, ignore_index=True)


def publish(
    output: Any,
    store: Store,
    pools: Pools,
    fits: dict[int, ScaleFit],
    frame: Frame,
    seed: int,
    level: float,
    compute: Compute,
) -> None:
    """Write the models, and what they predict for the common test and for the stars that choose, in one pass.

    output : the rule's files: model, predictions, selection
    """
    models = [model for fit in fits.values() for model in fit.models]
    asked = {output.predictions: pools.common_test, output.selection: pools.choosing}
    predicted = predict(store, np.concatenate(list(asked.values())), models, frame, seed, level, compute)
    truth = store.labels()["logg"].to_numpy()
    for (path, ids), part in zip(asked.items(), np.split(predicted, [len(pools.common_test)])):
        write_parquet(path, table(models, ids, truth, part))
    write_tensors(output.model, tensors(models, frame))


def report(fits: dict[int, ScaleFit], config: RidgeConfig, noise_is_penalty: bool = False) -> dict[str, Any]:
    """What was chosen, the α curves, and whether an optimum sits on the edge of the grid, as plain JSON.

    noise_is_penalty : the smallest α is no edge then, since a smaller one changes nothing
    """
    edges = {max(config.alphas)} | (set() if noise_is_penalty else {min(config.alphas)})
    scales = {}
    for size, fit in fits.items():
        scales[scale_name(size)] = {
            "n": size,
            "n_validation": fit.n_validation,
            "condition_number": fit.condition_number,
            "alpha_curve": fit.curve,
            "chosen": {
                model.name: {
                    "features": model.features,
                    "alpha": model.alpha,
                    "validation_r2": model.validation_r2,
                    "alpha_at_edge_of_grid": model.alpha in edges,
                }
                for model in fit.models
            },
        }
    return {"objective": "‖y − Xw − c‖² + α‖w‖², features standardised with training statistics", "scales": scales}
