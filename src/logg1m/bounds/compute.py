"""Bounds of the low-noise spectra by three derivative estimators, in one pass over the store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from logg1m.bounds import derivatives, fisher
from logg1m.bounds.completion import Completion
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.observe import LABELS
from logg1m.observe.survey import Columns
from logg1m.sources import Simulator, Source
from logg1m.spectra import passes
from logg1m.spectra.masks import has_masked, measured
from logg1m.spectra.store import Store

_BATCH = 128  # stars per task; a fixed tile of the simulator
_WITH_COMMON_WEIGHTS = 1_024  # stars that are also fitted with everybody's weights


@dataclass(frozen=True)
class Library:
    """Noise-free spectra held in memory: ids (M,), flux and error (M, P), labels (M, 5).

    A masked pixel has an infinite error, weight zero, and the flux that its labels say (`completion`).
    """

    ids: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    labels: np.ndarray

    def at_noise(self, level: float) -> "Library":
        """The same spectra with `level` times the error, which is what `protocol.noise_level` asks for."""
        if not level > 0:
            raise InputError(
                f"protocol.noise_level = {level:g}: without noise there is no bound; the Fisher bounds need a level "
                "above 0"
            )
        return self if level == 1 else replace(self, error=self.error * np.float32(level))


@dataclass(frozen=True)
class BoundsResult:
    """Per-star bounds of every estimator, and the mean sensitivity along wavelength."""

    stars: pd.DataFrame
    sensitivity: pd.DataFrame


def collect(store: Store, ids: np.ndarray, compute: Compute) -> Library:
    """Read the chunks that hold `ids` once each and keep those rows, in the order of the ids."""
    ids = np.sort(ids)
    wanted = {int(c): ids[ids // store.chunk_rows == c] for c in np.unique(ids // store.chunk_rows)}

    def visit(chunk: int) -> tuple[np.ndarray, np.ndarray]:
        return measured(store, chunk, wanted[chunk] - store.rows(chunk)[0])

    flux = np.empty((len(ids), store.n_pixels), dtype=np.float32)
    error = np.empty_like(flux)
    start = 0
    for part_flux, part_error in passes.over(
        visit, list(wanted), compute, "low-noise spectra", lambda c: len(wanted[c])
    ):
        stop = start + len(part_flux)
        flux[start:stop], error[start:stop] = part_flux, part_error
        start = stop
    labels = store.labels().loc[ids, list(LABELS)].to_numpy()
    if has_masked(store):
        flux = Completion.of(flux, labels)(flux, labels)
    return Library(ids, flux, error, labels)


def select(members: pd.DataFrame, most: int, full_sample: int) -> np.ndarray:
    """Ids of the spectra whose bounds are computed.

    At most `most` low-noise spectra, those of the test pool first so that model errors can be laid beside their
    bounds, and the first `full_sample` of the test pool whatever their noise.

    Parameters
    ----------
    members : columns id, pool, rank, low_noise
    """
    in_test = members["pool"] == "test"
    order = members.assign(later=~in_test).sort_values(["later", "rank"])
    low = order.loc[order["low_noise"], "id"].to_numpy()[:most]
    full = order.loc[in_test.loc[order.index], "id"].to_numpy()[:full_sample]
    return np.union1d(low, full)


def compute_bounds(
    library: Library,
    source: Source,
    ranges: dict[str, float],
    config: Bounds,
    compute: Compute,
    columns: Columns | None = None,
) -> BoundsResult:
    """Fisher bounds of every spectrum of the library with its own error, for every estimator there is.

    Parameters
    ----------
    library : its errors are those of the data that models see (`Library.at_noise`)
    ranges : label → range of its prior, the unit of distance in label space (`fisher.prior_ranges`); a label that is
        the same for the whole library counts as known
    columns : of nuisances, which are marginalised
    """
    ranges = fisher.ranges_that_vary(ranges, library.labels)
    scale = label_scale(ranges)
    scaled = library.labels / scale
    everyone = np.arange(len(scaled))
    neighbours = min(config.linear_neighbours, len(scaled))
    index, weights = derivatives.regression_weights(scaled, everyone, neighbours, config.linear_degree)
    differences = derivatives.knn_weights(scaled, everyone, config.knn_neighbours)
    common = common_weights(library.error[:_WITH_COMMON_WEIGHTS])
    best = "exact" if isinstance(source, Simulator) else "local_linear"
    unknown = columns.precision if columns else np.empty(0)
    precision = np.concatenate([np.zeros(len(LABELS)), unknown])
    free = [*fisher.free_labels(ranges), *range(len(LABELS), len(precision))]  # rows of a jacobian with nuisances

    def visit(start: int) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray], dict[str, int]]:
        rows = slice(start, start + _BATCH)
        error = library.error[rows]
        per_unit = (1 / scale)[None, :, None].astype(np.float32)
        d_flux = {"local_linear": derivatives.apply_weights(index[rows], weights[rows], library.flux) * per_unit}
        by_differences = d_flux["local_linear"].copy()  # the roadmap's estimate replaces ∂F/∂log g alone
        by_differences[:, 1] = (differences[rows] @ library.flux) * per_unit[0, 1]
        d_flux["knn"] = by_differences
        trace = None
        if isinstance(source, Simulator):
            exact = source.derivatives(library.ids[rows])
            d_flux["exact"] = exact.d_flux.cpu().numpy()
            trace = fisher.trace_term(np.where(np.isinf(error)[:, None], 0.0, exact.d_ln_error.cpu().numpy()))
        tables, sums, counts = {}, {}, {}
        for name, by_label in d_flux.items():
            jacobian = fisher.with_nuisances(by_label, library.flux[rows], columns)
            whole = fisher.fisher_information(jacobian, error)
            information = fisher.marginalised(whole, columns)
            tables[name] = fisher.bounds(information, ranges, config.max_condition)
            if name == best and start < _WITH_COMMON_WEIGHTS:
                how = common, free, precision
                tables[name]["sigma_common_weights"] = fisher.sigma_with_weights(jacobian, error, *how)
            if name == "exact" and trace is not None:
                tables[name]["trace_share"] = trace[:, 1, 1] / whole[:, 1, 1]
            known = fisher.has_derivative(information, ranges)
            weighted = jacobian[known] / error[known][:, None]
            own = _own_signal(weighted, whole[known] + np.diag(precision), free)
            signal = np.stack([np.abs(weighted[:, 1]), np.abs(own)])
            sums[name] = signal.sum(axis=1, dtype=np.float64)
            counts[name] = int(known.sum())
        return tables, sums, counts

    starts = range(0, len(scaled), _BATCH)
    parts: dict[str, list[pd.DataFrame]] = {}
    totals: dict[str, np.ndarray] = {}
    known_stars: dict[str, int] = {}
    for tables, sums, counts in passes.over(visit, starts, compute, "bounds", lambda s: min(_BATCH, len(scaled) - s)):
        for name, table in tables.items():
            parts.setdefault(name, []).append(table)
        for name, values in sums.items():
            totals[name] = totals.get(name, 0.0) + values
            known_stars[name] = known_stars.get(name, 0) + counts[name]
    frames = [pd.DataFrame({"id": library.ids, **dict(zip(LABELS, library.labels.T))})]
    for name in fisher.ESTIMATORS:
        if name in parts:
            frames.append(pd.concat(parts[name], ignore_index=True).add_prefix(f"{name}_"))
    profile = {"wave": source.wave}
    for name, values in totals.items():
        profile[name], profile[f"{name}_marginalised"] = values / max(known_stars[name], 1)
    return BoundsResult(pd.concat(frames, axis=1), pd.DataFrame(profile))


def common_weights(error: np.ndarray) -> np.ndarray:
    """1/s² (P,) with s the mean over stars of error/median error of a star; 0 where nobody has measured.

    Parameters
    ----------
    error : (M, P); infinite at masked pixels
    """
    error = error[np.isfinite(error).any(axis=1)]
    seen = np.isfinite(error)
    shape = np.where(seen, error, 0.0) / np.nanmedian(np.where(seen, error, np.nan), axis=1, keepdims=True)
    count = seen.sum(axis=0)
    mean = shape.sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return np.asarray(np.divide(1.0, mean**2, out=np.zeros_like(mean), where=count > 0))


def label_scale(ranges: Mapping[str, float]) -> np.ndarray:
    """What labels are divided by, (5,): their ranges, and 1 for a label that is known."""
    return np.array([ranges[name] if ranges[name] > 0 else 1.0 for name in LABELS])


def _own_signal(weighted: np.ndarray, information: np.ndarray, free: list[int]) -> np.ndarray:
    """What of ∂F/∂log g / σ the other free labels and nuisances cannot imitate: the residual of its projection on them,
    (N, P). `information` has the priors of the nuisances on its diagonal."""
    others = [k for k in free if k != 1]
    block = information[:, others][:, :, others]
    cross = information[:, others, 1]
    share = np.zeros_like(cross)
    solvable = np.linalg.cond(block) < 1e14
    share[solvable] = np.linalg.solve(block[solvable], cross[solvable][:, :, None])[:, :, 0]
    return np.asarray(weighted[:, 1] - np.einsum("nl,nlp->np", share, weighted[:, others]))
