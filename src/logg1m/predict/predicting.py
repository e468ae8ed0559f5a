"""From spectra to rows of the output: a model with its calibration, domain and bound, asked block by block."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from logg1m import __version__
from logg1m.observe import LABELS
from logg1m.predict import calibration, flags
from logg1m.predict.bound import Bound, wider
from logg1m.predict.calibration import Calibration
from logg1m.predict.domain import Domain, Statistics
from logg1m.predict.model import COLUMNS, Model
from logg1m.predict.steps import Frame, Ready, Spectra, make_ready

QUANTILES = tuple(f"log_g_{name}" for name in calibration.LEVELS)
# Column → unit and meaning, in the order of the output.
MEANINGS: dict[str, tuple[str, str]] = {
    "catId": ("", "catalogue of the target; -1: unknown"),
    "objId": ("", "number of the target; -1: unknown"),
    "input": ("", "file that the spectrum came from"),
    "row": ("", "its place in that file"),
    "log_g": ("dex", "surface gravity (cgs), the model's estimate"),
    "log_gErr": ("dex", "predictive standard deviation, calibrated by rms z"),
    **{f"log_g_{name}": ("dex", f"{100 * level:g} % quantile, calibrated by coverage") for name, level in calibration.LEVELS.items()},
    "log_gBound": ("dex", "Fisher sigma with all labels free: what the spectrum allowed"),
    "snr_m": ("", "median flux/error per model pixel"),
    "n_masked": ("", "masked pixels"),
    "v_los": ("km s-1", "radial velocity that was removed"),
    "chi2_red": ("", "chi square per pixel against the subspace of training spectra"),
    "flag": ("", "true: do not use"),
    "log_gStatus": ("", "names of the flags that are raised"),
    "logg1m_flag": ("", "bits of the flags"),
    "model_id": ("", "hash of the model's weights"),
    "version": ("", "version of logg1m"),
}  # fmt: skip


@dataclass(frozen=True)
class Answered:
    """What a model says of spectra on its pixels: labels (N, T), scale of the first (N,), statistics of the domain, share of
    the information that is masked (N,)."""

    labels: np.ndarray
    scale: np.ndarray
    statistics: Statistics | None
    masked: np.ndarray


class Predictor:
    """A model and all that its folder says of its estimates."""

    def __init__(self, model: Model) -> None:
        self.model, contents = model, model.contents
        self.domain = Domain(contents.domain, model.wave) if contents.domain else None
        self.bound = Bound(contents.bound, model.about["conditions"]["data"]) if contents.bound else None
        self.calibration = Calibration.of(contents.calibration)
        self.judged = flags.Judged.of(model.about)
        self.inflation = float(model.about.get("resampled_inflation") or 1.0)

    def answer(self, ready: Ready) -> Answered:
        """Labels and what flags and errors are made from."""
        labels, sigma = self.model.infer(ready.flux, ready.whole)
        masked = np.zeros(len(ready))
        if not ready.whole:
            bad = np.isnan(ready.flux)
            masked = bad.mean(axis=1) if self.bound is None else bad @ self.bound.shares
        scale = (np.ones(len(ready)) if sigma is None else sigma) * wider(masked)
        return Answered(labels, scale, self.domain.statistics(ready) if self.domain else None, masked)

    def table(
        self, spectra: Spectra, frame: Frame = "observed", bound: bool = False, amplitude: str = "median"
    ) -> pd.DataFrame:
        """One row per spectrum with the columns of `MEANINGS`, and those of further labels that the model infers."""
        return self.rows(make_ready(spectra, self.model.wave, frame, amplitude), spectra.identity, bound)

    def rows(self, ready: Ready, identity: pd.DataFrame, bound: bool = False) -> pd.DataFrame:
        """The same of spectra that are on the model's pixels."""
        found = self.answer(ready)
        log_g = found.labels[:, 0]
        n = len(ready)
        nothing = np.full(n, np.nan)
        errors = {"err": nothing, **dict.fromkeys(calibration.LEVELS, nothing)}
        further: dict[str, np.ndarray] = {}
        covered = np.zeros(n, dtype=bool)
        if self.calibration is not None:
            spread = np.where(ready.resampled, self.inflation, 1.0)
            errors = self.calibration(log_g, ready.snr, found.scale, spread)
            errors |= {name: np.clip(errors[name], *self.judged.prior) for name in calibration.LEVELS}
            further = self.calibration.further(log_g, ready.snr, spread * wider(found.masked))
            covered = self.calibration.covers(ready.snr)
        bits = self.judged(ready, found.statistics, log_g, found.masked, covered)
        unknown = (bits & (1 << flags.BITS["NODATA"])) != 0
        if not ready.whole:
            unknown |= np.isnan(ready.flux).all(axis=1)
        values: dict[str, Any] = {"log_g": log_g, "log_gErr": errors["err"]}
        values |= {f"log_g_{name}": errors[name] for name in calibration.LEVELS}
        for k, name in enumerate(self.model.names[1:], start=1):
            values[COLUMNS[name][0]] = found.labels[:, k]
            values[f"{COLUMNS[name][0]}Err"] = further.get(name, nothing)
        values["log_gBound"] = self._bound(ready, found) if bound else nothing
        values |= {"snr_m": ready.snr, "n_masked": ready.n_masked.astype(np.int32), "v_los": ready.velocity}
        values["chi2_red"] = found.statistics.chi2_red if found.statistics is not None else nothing
        for name, value in values.items():
            if name not in ("n_masked", "v_los"):
                values[name] = np.where(unknown, np.nan, value)
        values |= {"flag": flags.do_not_use(bits), "log_gStatus": flags.words(bits), "logg1m_flag": bits}
        values |= {"model_id": self.model.identity, "version": __version__}
        return pd.DataFrame(
            {**{name: identity[name].to_numpy() for name in ("catId", "objId", "input", "row")}, **values}
        )

    def _bound(self, ready: Ready, found: Answered) -> np.ndarray:
        """The Fisher bound at the labels that the model infers, and at estimates of those that it does not."""
        if self.bound is None or self.domain is None:
            return np.full(len(ready), np.nan)
        labels = self.bound.labels(self.domain, ready)
        for k, name in enumerate(self.model.names):
            if name in LABELS:
                labels[:, LABELS.index(name)] = found.labels[:, k]
        return self.bound(labels, ready.error)
