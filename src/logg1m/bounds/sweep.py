"""Bounds against magnitude at fixed conditions: the table in the form in which such bounds are published."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from logg1m.bounds import fisher
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.noise import Stream, uniform
from logg1m.observe import LABELS, Conditions, Observer
from logg1m.observe.survey import Columns
from logg1m.spectra import passes

SEEING, ZENITH_ANGLE, FIELD_ANGLE = 0.8, 22.5, 0.325  # arcsec, degrees, degrees: those of the reference table
_BATCH = 128
_DRAW = 2000  # of Stream.BOUNDS


def sweep(
    observer: Observer,
    priors: dict[str, tuple[float, float]],
    config: Bounds,
    seed: int,
    compute: Compute,
    noise_level: float = 1.0,
) -> list[dict[str, Any]]:
    """σ(log g) and R²max of the same stars at every magnitude of `config.sweep_magnitudes`.

    Labels are uniform in the priors; conditions are those of the instrument's reference table. Derivatives of the
    normalised flux do not depend on magnitude and are computed once; nuisances are marginalised. Noise is `noise_level` times the error.

    Returns
    -------
    rows: mag, snr_pixel (median over stars of the median pixel), set (3d, 5d), n, n_failed, and median, mean, p10,
    p90 of R²max = 1 − CRLB/Var(log g) (clipped at 0; a star that failed counts as 0) and of σ in dex (of the stars
    that did not fail), and the median Schur retention; named, what the set stands for, where the prior of a label is a
    single value and it counts as known

    Raises
    ------
    InputError
        If the noise is not positive or log g has no range.
    """
    if not noise_level > 0:
        raise InputError(f"protocol.noise_level = {noise_level:g}: without noise there is no bound")
    ranges = fisher.prior_ranges(priors)
    labels = drawn(priors, seed, config.sweep_stars)
    columns = Columns(observer.observation.nuisances, observer.wave)

    def visit(start: int) -> list[tuple[np.ndarray, np.ndarray]]:
        part = labels[start : start + _BATCH]
        jacobian = observer.jacobian(part, _conditions(len(part), config.sweep_magnitudes[0]))
        d_flux = fisher.with_nuisances(jacobian.d_flux.cpu().numpy(), jacobian.flux.cpu().numpy(), columns)
        found = []
        for mag in config.sweep_magnitudes:
            seen = observer.observe(part, _conditions(len(part), mag))
            error = seen.error.cpu().numpy() * np.float32(noise_level)
            snr = np.median(seen.flux.cpu().numpy() / error, axis=1)
            found.append((snr, fisher.marginalised(fisher.fisher_information(d_flux, error), columns)))
        return found

    starts = range(0, config.sweep_stars, _BATCH)
    batches = list(
        passes.over(visit, starts, compute, "magnitude sweep", lambda s: min(_BATCH, config.sweep_stars - s), "stars")
    )
    variance = ranges["logg"] ** 2 / 12
    known = [name for name in LABELS if not ranges[name] > 0]
    sets = fisher.label_sets(known)
    rows = []
    for k, mag in enumerate(config.sweep_magnitudes):
        snr = np.concatenate([batch[k][0] for batch in batches])
        table = fisher.bounds(np.concatenate([batch[k][1] for batch in batches]), ranges, config.max_condition)
        for name in ("3d", "5d"):
            sigma = table[f"sigma_{name}"].to_numpy()
            good = sigma[np.isfinite(sigma)]
            retention = table[f"retention_{name}"].to_numpy()
            rows.append(
                {
                    "mag": mag,
                    "snr_pixel": float(np.median(snr)),
                    "set": name,
                    "n": len(sigma),
                    "n_failed": int(len(sigma) - len(good)),
                    **_spread("r2_max", fisher.r2_max(sigma, variance)),
                    **_spread("sigma", good),
                    "schur_retention": float(np.nanmedian(retention)) if len(good) else float("nan"),
                    **({"named": sets[name]["named"]} if known else {}),
                }
            )
    return rows


def drawn(priors: Mapping[str, tuple[float, float]], seed: int, count: int) -> np.ndarray:
    """Labels (N, 5) of the sweep's stars, uniform in the priors; a star's do not depend on how many there are."""
    limits = np.array([priors[name] for name in LABELS])
    u = uniform(seed, Stream.BOUNDS, np.arange(count), 5, _DRAW)
    return np.asarray(limits[:, 0] + u * (limits[:, 1] - limits[:, 0]))


def _spread(name: str, values: np.ndarray) -> dict[str, float]:
    p10, middle, p90 = np.percentile(values, [10, 50, 90]) if len(values) else (float("nan"),) * 3
    return {
        f"{name}_median": float(middle),
        f"{name}_mean": float(values.mean()) if len(values) else float("nan"),
        f"{name}_p10": float(p10),
        f"{name}_p90": float(p90),
    }


def _conditions(n: int, mag: float) -> Conditions:
    return Conditions(*(np.full(n, value) for value in (mag, SEEING, ZENITH_ANGLE, FIELD_ANGLE, 0.0)))
