"""Fisher information and Cramér–Rao lower bounds (CRLB) of labels from one spectrum.

With Gaussian noise of known σ(λ), F = J diag(σ⁻²) Jᵀ (e.g. Kay 1993, Fundamentals of Statistical Signal Processing,
eq. 3.31 without its trace term). The bound on log g marginalised over nuisance labels is the Schur complement of
their block. Nothing is pseudo-inverted: a degenerate star is a failure and is counted. A label that is the same for all
spectra is known and in no set: "5d" is then 4-D, and `label_sets` says so. Nuisances that are no labels (flux calibration,
reddening, velocity: `observe.survey`) are further columns with what is known of them on the diagonal; once they are
marginalised too, information is again that on the five labels.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from logg1m.files import InputError
from logg1m.observe import LABELS

if TYPE_CHECKING:
    from logg1m.observe.survey import Columns

ESTIMATORS = ("exact", "local_linear", "knn")  # of derivatives
# Labels that are free besides log g: the others count as known.
SETS: dict[str, tuple[str, ...]] = {
    "1d": ("logg",),
    "3d": ("logg", "teff", "m_h"),
    "5d": ("logg", "teff", "m_h", "a_m", "c_m"),
}
_SINGULAR = 1e14  # condition number
_WORDS = {"logg": "log g", "teff": "Teff", "m_h": "[M/H]", "a_m": "[α/M]", "c_m": "[C/M]"}


def prior_ranges(priors: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Label → width of its uniform prior, the unit of distance in label space; 0 marks a label that is known.

    Raises
    ------
    InputError
        If the prior of log g is a single value.
    """
    ranges = {name: priors[name][1] - priors[name][0] for name in LABELS}
    if not ranges["logg"] > 0:
        raise InputError(
            f"data.priors.logg is the single value {priors['logg'][0]:g}: there is nothing to bound; give it a range "
            "(low < high)"
        )
    return ranges


def constant(labels: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of the labels that are there, name → (N,), have one value for all spectra: bounds take them as known."""
    return tuple(name for name in LABELS if name in labels and len(labels[name]) and not np.ptp(labels[name]) > 0)


def ranges_that_vary(ranges: Mapping[str, float], labels: np.ndarray) -> dict[str, float]:
    """`ranges` with 0 for every label that has one value in `labels` (N, 5).

    Raises
    ------
    InputError
        If log g is such a label, or a label varies whose prior is a single value.
    """
    known = constant(dict(zip(LABELS, labels.T)))
    if "logg" in known:
        raise InputError(
            f"every one of the {len(labels)} spectra has log g = {labels[0, LABELS.index('logg')]:g}: there is nothing "
            "to bound; take spectra of several log g"
        )
    for name, column in zip(LABELS, labels.T):
        if name not in known and not ranges[name] > 0:
            raise InputError(
                f"data.priors.{name} is a single value, but the spectra have {name} from {column.min():g} to "
                f"{column.max():g}; give it the range that they were drawn from"
            )
    return {name: 0.0 if name in known else ranges[name] for name in LABELS}


def label_sets(known: Collection[str]) -> dict[str, dict[str, Any]]:
    """What the sets stand for where some labels are known: their labels, those left out, and an honest name."""
    sets = {}
    for key, names in SETS.items():
        free = [name for name in names if name not in known]
        left_out = [name for name in names if name in known]
        named = f"{len(free)}-D: {', '.join(_WORDS[name] for name in free)}"
        if left_out:
            named += f"; {', '.join(_WORDS[name] for name in left_out)} the same for all spectra"
        sets[key] = {"labels": free, "known": left_out, "named": named}
    return sets


def fisher_information(d_flux: np.ndarray, error: np.ndarray) -> np.ndarray:
    """J diag(1/error²) Jᵀ for N spectra.

    Parameters
    ----------
    d_flux : (N, L, P) derivatives of the noise-free flux, per unit of each label
    error : (N, P) 1σ, in the units of flux

    Returns
    -------
    (N, L, L) float64, per unit of the labels
    """
    n, labels, _ = d_flux.shape
    information = np.empty((n, labels, labels))
    # Sums in double precision: in single, a condition number of 1e7 leaves no digit of the marginalised bound.
    weighted = np.empty(d_flux.shape[1:])  # one star at a time stays in cache
    for star in range(n):
        np.divide(d_flux[star], error[star], out=weighted)
        np.matmul(weighted, weighted.T, out=information[star])
    return information


def with_nuisances(d_flux: np.ndarray, flux: np.ndarray, columns: "Columns | None") -> np.ndarray:
    """Derivatives by label (N, L, P) and, below them, those by nuisance of noise-free flux (N, P): (N, L + J, P)."""
    return np.concatenate([d_flux, columns(flux).astype(d_flux.dtype)], axis=1) if columns else d_flux


def marginalised(information: np.ndarray, columns: "Columns | None") -> np.ndarray:
    """Information on the labels (N, L, L) from that on labels and nuisances (N, L + J, L + J): to the nuisances' block
    their prior precision is added (a Gaussian prior is one more measurement), and what is left is its Schur complement.

    A nuisance that no prior and no pixel measures leaves NaN: nothing is pseudo-inverted.
    """
    return without(information, columns.precision) if columns else information


def without(information: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """The same for nuisances, the last of information (N, L + J, L + J), of which the precision (J,) is known beforehand."""
    labels = information.shape[1] - len(precision)
    block = information[:, labels:, labels:] + np.diag(precision)
    solvable = np.isfinite(block).all(axis=(1, 2))
    solvable[solvable] = (block[solvable].diagonal(axis1=1, axis2=2) > 0).all(axis=1)
    left = np.full((len(information), labels, labels), np.nan)
    # Nuisances have different units: to unit diagonal first.
    scale = 1 / np.sqrt(block[solvable].diagonal(axis1=1, axis2=2))
    cross = information[solvable, labels:, :labels] * scale[:, :, None]
    scaled = block[solvable] * scale[:, :, None] * scale[:, None, :]
    taken = cross.transpose(0, 2, 1) @ np.linalg.solve(scaled, cross)
    left[solvable] = information[solvable, :labels, :labels] - taken
    return left


def sigma_with_weights(
    d_flux: np.ndarray,
    error: np.ndarray,
    weights: np.ndarray,
    free: list[int],
    precision: np.ndarray | None = None,
) -> np.ndarray:
    """σ(log g), dex, of a weighted least-squares fit whose weights are not those of a star's own error, (N,).

    The covariance of such a fit is A⁻¹ J W C W Jᵀ A⁻¹ with A = J W Jᵀ and C = diag(error²) (White 1980); with
    W = C⁻¹ it is the bound. NaN where a derivative is missing or A cannot be inverted.

    Parameters
    ----------
    d_flux, error : as in `fisher_information`; an infinite error is a masked pixel
    weights : (P,) for all stars
    free : rows of d_flux that are fitted: places in `LABELS`, and nuisances, of which `precision` (as many as rows of
        d_flux; 0 for labels) is known beforehand: it weighs as it should where weights are those of the star's median error
    """
    sigma, logg = np.full(len(d_flux), np.nan), free.index(LABELS.index("logg"))
    root = np.sqrt(weights)
    known = np.zeros(len(free)) if precision is None else precision[free]
    for star, (jacobian, noise) in enumerate(zip(d_flux[:, free], error)):
        seen = np.isfinite(noise)
        weighted = np.where(seen, jacobian * root, 0.0)
        size = np.linalg.norm(weighted, axis=1, keepdims=True)  # the units of the labels
        if not (np.isfinite(size).all() and (size > 0).all()):
            continue
        weighted /= size
        spread = weighted * np.where(seen, noise, 0.0) * root
        a, b = weighted @ weighted.T, spread @ spread.T
        if known.any():
            level = float(np.median(noise[seen])) ** 2
            a, b = (x + np.diag(known * level**k / size[:, 0] ** 2) for k, x in ((1, a), (2, b)))
        if np.linalg.cond(a) < _SINGULAR:
            inverse = np.linalg.inv(a)
            sigma[star] = np.sqrt((inverse @ b @ inverse)[logg, logg]) / size[logg, 0]
    return sigma


def trace_term(d_ln_error: np.ndarray) -> np.ndarray:
    """The part of the information that a label-dependent error carries, 2 Σ ∂ln σ/∂θᵢ ∂ln σ/∂θⱼ, (N, L, L).

    Bounds leave it out (σ counts as known and free of label information); it is computed to be reported.
    """
    return np.asarray(2.0 * np.matmul(d_ln_error, d_ln_error.transpose(0, 2, 1)), dtype=np.float64)


def bounds(fisher: np.ndarray, ranges: dict[str, float], max_condition: float) -> pd.DataFrame:
    """CRLB on log g for each label set, with condition numbers, failures and the Schur retention.

    Parameters
    ----------
    fisher : (N, 5, 5) in the order of `LABELS`
    ranges : label → range of the prior, 0 for a label that is known and whose derivative may be NaN; condition numbers
        are of the matrix scaled to these ranges
    max_condition : above it a star counts as failed and its bound is NaN

    Returns
    -------
    columns sigma_1d, sigma_3d, sigma_5d (dex), condition_3d, condition_5d, failed_*, retention_3d, retention_5d:
    the share of the 1-D information on log g that is left after marginalisation; sigma_prior (dex), the approximate
    posterior σ of `prior_aware_crlb`, NaN where the information is not finite
    """
    scale = np.array([ranges[name] for name in LABELS])
    scaled = fisher * scale[:, None] * scale[None, :]
    alone = fisher[:, LABELS.index("logg"), LABELS.index("logg")]
    table: dict[str, np.ndarray] = {}
    for name, members in SETS.items():
        index = [LABELS.index(label) for label in members if ranges[label] > 0]
        block = scaled[:, index][:, :, index]
        usable = np.isfinite(block).all(axis=(1, 2)) & (block[:, 0, 0] > 0)
        condition = np.full(len(fisher), np.inf)
        eigenvalues = np.linalg.eigvalsh(block[usable])
        with np.errstate(divide="ignore"):
            condition[usable] = np.where(eigenvalues[:, 0] > 0, eigenvalues[:, -1] / eigenvalues[:, 0], np.inf)
        fine = condition <= max_condition
        information = np.full(len(fisher), np.nan)
        information[fine] = _schur(block[fine]) / ranges["logg"] ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            table[f"sigma_{name}"] = 1 / np.sqrt(information)
            table[f"retention_{name}"] = information / alone
        table[f"condition_{name}"] = condition
        table[f"failed_{name}"] = ~fine
    free = free_labels(ranges)
    known = has_derivative(fisher, ranges)
    table["sigma_prior"] = np.full(len(fisher), np.nan)
    posterior = prior_aware_crlb(fisher[known][:, free][:, :, free], scale[free])
    table["sigma_prior"][known] = posterior[:, free.index(LABELS.index("logg"))]
    return pd.DataFrame(table)


def free_labels(ranges: Mapping[str, float]) -> list[int]:
    """Places in `LABELS` of the labels that are not known."""
    return [k for k, name in enumerate(LABELS) if ranges[name] > 0]


def has_derivative(fisher: np.ndarray, ranges: Mapping[str, float]) -> np.ndarray:
    """Stars (N,) whose information on every free label is a number: a local regression may have no solution."""
    free = free_labels(ranges)
    return np.asarray(np.isfinite(fisher[:, free][:, :, free]).all(axis=(1, 2)))


def prior_aware_crlb(fisher: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Approximate posterior σ of every label where a source has derivatives only: √diag (F + diag(12/range²))⁻¹.

    The information of the prior is added to that of the data as in the Bayesian bound of Van Trees (1968, Detection,
    Estimation, and Modulation Theory I, section 2.4). That bound does not exist for a uniform prior, whose density
    does not vanish at the edges: here a Gaussian of the same variance, range²/12, takes its place, and the likelihood
    is linearised at the true labels of each star. Hence an **approximation**, neither an upper nor a lower bound.

    Parameters
    ----------
    fisher : (N, D, D) information of single spectra, per unit of the labels
    ranges : (D,) widths of the uniform priors; 0 marks a label that is known

    Returns
    -------
    (N, D) σ in the units of the labels; at most range/√12
    """
    width = np.asarray(ranges, dtype=np.float64) / np.sqrt(12)
    if fisher.ndim != 3 or fisher.shape[1:] != (len(width), len(width)) or (width < 0).any():
        raise InputError(f"fisher must be (N, {len(width)}, {len(width)}) for ranges {ranges}, got {fisher.shape}")
    scaled = fisher * width[:, None] * width[None, :] + np.eye(len(width))  # unit prior information
    return np.asarray(np.sqrt(np.diagonal(np.linalg.inv(scaled), axis1=1, axis2=2)) * width)


def _schur(block: np.ndarray) -> np.ndarray:
    """Information on the first label after marginalising over the others, (N,)."""
    if block.shape[1] == 1:
        return block[:, 0, 0]
    cross = block[:, 1:, :1]
    explained = np.linalg.solve(block[:, 1:, 1:], cross)
    return np.asarray(block[:, 0, 0] - (cross * explained)[:, :, 0].sum(axis=1))


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """σ(log g) of an estimator over its stars, per label set: p10, median, p90 and mean of those that have a bound, n
    of all, how many and what share failed, condition number, Schur retention."""
    return {
        name: {
            **_spread(table[f"sigma_{name}"].to_numpy()),
            "n": len(table),
            "n_failed": int(table[f"failed_{name}"].sum()),
            "share_failed": float(table[f"failed_{name}"].mean()) if len(table) else float("nan"),
            "condition_number": _finite_median(table[f"condition_{name}"].to_numpy()),
            "schur_retention": _finite_median(table[f"retention_{name}"].to_numpy()),
        }
        for name in SETS
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    good = values[np.isfinite(values)]
    if not len(good):
        return dict.fromkeys(("p10", "median", "p90", "mean"), float("nan"))
    p10, middle, p90 = np.percentile(good, [10, 50, 90])
    return {"p10": float(p10), "median": float(middle), "p90": float(p90), "mean": float(good.mean())}


def _finite_median(values: np.ndarray) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if len(good) else float("nan")


def agreement(estimate: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    """Ratio of two estimates of σ star by star: median, p10, p90."""
    ratio = estimate / exact
    ratio = ratio[np.isfinite(ratio)]
    if not len(ratio):
        return {"median_ratio": float("nan"), "p10": float("nan"), "p90": float("nan"), "n": 0}
    p10, middle, p90 = np.percentile(ratio, [10, 50, 90])
    return {"median_ratio": float(middle), "p10": float(p10), "p90": float(p90), "n": len(ratio)}


def crlb_ceilings(sigma: np.ndarray, variance: float) -> dict[str, float]:
    """R²max of `r2_max`: median and mean over stars (published practice; a biased estimator may exceed them)."""
    if not np.isfinite(sigma).any():
        return {"crlb_median_r2": float("nan"), "crlb_mean_r2": float("nan")}
    ceiling = r2_max(sigma, variance)
    return {"crlb_median_r2": float(np.median(ceiling)), "crlb_mean_r2": float(ceiling.mean())}


def r2_max(sigma: np.ndarray, variance: float) -> np.ndarray:
    """1 − CRLB/Var(log g) of every star, clipped at 0, (N,).

    A star whose bound failed (σ = NaN) has no information left on log g and counts as 0: leaving it out would select.
    """
    bound = np.where(np.isfinite(sigma), sigma, np.inf)
    return np.asarray(np.clip(1 - bound**2 / variance, 0, None))


def convergence(sigmas: dict[str, np.ndarray], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Median σ(log g) over the first n stars for each n, n always at most the number there are."""
    total = len(next(iter(sigmas.values())))
    steps = sorted({min(n, total) for n in sizes} | {max(total // 4, 1), max(total // 2, 1), total})
    rows = []
    for n in steps:
        for name, sigma in sigmas.items():
            rows.append({"n": n, "estimator": name, "median_sigma_5d": _finite_median(sigma[:n])})
    return rows
