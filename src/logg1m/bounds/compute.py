"""Bounds of the low-noise spectra by three derivative estimators, in one pass over the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

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


@dataclass(frozen=True)
class _Derivatives:
    """∂F/∂label of stars of the library, in units per K or dex, by every estimator that there is."""

    library: Library
    source: Source
    scale: np.ndarray
    index: np.ndarray  # neighbours of every star, and their weights in the regression
    weights: np.ndarray
    differences: csr_matrix

    @classmethod
    def of(cls, library: Library, source: Source, scale: np.ndarray, config: Bounds) -> "_Derivatives":
        scaled, everyone = library.labels / scale, np.arange(len(library.ids))
        neighbours = min(config.linear_neighbours, len(scaled))
        index, weights = derivatives.regression_weights(scaled, everyone, neighbours, config.linear_degree)
        differences = derivatives.knn_weights(scaled, everyone, config.knn_neighbours)
        return cls(library, source, scale, index, weights, differences)

    def __call__(self, rows: slice) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Estimator → (N, 5, P); with the exact one what the error itself says of the labels, (N, 5, 5)."""
        flux, per_unit = self.library.flux, (1 / self.scale)[None, :, None].astype(np.float32)
        found = {"local_linear": derivatives.apply_weights(self.index[rows], self.weights[rows], flux) * per_unit}
        by_differences = found["local_linear"].copy()  # the roadmap's estimate replaces ∂F/∂log g alone
        by_differences[:, 1] = (self.differences[rows] @ flux) * per_unit[0, 1]
        found["knn"] = by_differences
        if not isinstance(self.source, Simulator):
            return found, None
        exact = self.source.derivatives(self.library.ids[rows])
        found["exact"] = exact.d_flux.cpu().numpy()
        unseen = np.isinf(self.library.error[rows])[:, None]
        return found, fisher.trace_term(np.where(unseen, 0.0, exact.d_ln_error.cpu().numpy()))


@dataclass
class _Sum:
    """What batches of stars found by one estimator: bounds, and signal per pixel (2, P) over so many stars."""

    tables: list[pd.DataFrame] = field(default_factory=list)
    signal: np.ndarray | float = 0.0
    stars: int = 0

    def add(self, table: pd.DataFrame, signal: np.ndarray, stars: int) -> None:
        self.tables.append(table)
        self.signal, self.stars = self.signal + signal, self.stars + stars

    def mean_signal(self) -> np.ndarray:
        return np.asarray(self.signal) / max(self.stars, 1)


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
    derived = _Derivatives.of(library, source, label_scale(ranges), config)
    common = common_weights(library.error[:_WITH_COMMON_WEIGHTS])
    best = "exact" if isinstance(source, Simulator) else "local_linear"
    precision = np.concatenate([np.zeros(len(LABELS)), columns.precision if columns else []])
    free = [*fisher.free_labels(ranges), *range(len(LABELS), len(precision))]  # rows of a jacobian with nuisances

    def visit(start: int) -> dict[str, tuple[pd.DataFrame, np.ndarray, int]]:
        rows = slice(start, start + _BATCH)
        error, found = library.error[rows], {}
        d_flux, trace = derived(rows)
        for name, by_label in d_flux.items():
            jacobian = fisher.with_nuisances(by_label, library.flux[rows], columns)
            whole = fisher.fisher_information(jacobian, error)
            information = fisher.marginalised(whole, columns)
            table = fisher.bounds(information, ranges, config.max_condition)
            if name == best and start < _WITH_COMMON_WEIGHTS:
                how = common, free, precision
                table["sigma_common_weights"] = fisher.sigma_with_weights(jacobian, error, *how)
            if name == "exact" and trace is not None:
                table["trace_share"] = trace[:, 1, 1] / whole[:, 1, 1]
            known = fisher.has_derivative(information, ranges)
            weighted = jacobian[known] / error[known][:, None]
            own = _own_signal(weighted, whole[known] + np.diag(precision), free)
            signal = np.stack([np.abs(weighted[:, 1]), np.abs(own)]).sum(axis=1, dtype=np.float64)
            found[name] = table, signal, int(known.sum())
        return found

    total, starts = len(library.ids), range(0, len(library.ids), _BATCH)
    sums: dict[str, _Sum] = {}
    for found in passes.over(visit, starts, compute, "bounds", lambda s: min(_BATCH, total - s)):
        for name, of_batch in found.items():
            sums.setdefault(name, _Sum()).add(*of_batch)
    frames = [pd.DataFrame({"id": library.ids, **dict(zip(LABELS, library.labels.T))})]
    for name in (name for name in fisher.ESTIMATORS if name in sums):
        frames.append(pd.concat(sums[name].tables, ignore_index=True).add_prefix(f"{name}_"))
    profile = {"wave": source.wave}
    for name, summed in sums.items():
        profile[name], profile[f"{name}_marginalised"] = summed.mean_signal()
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
