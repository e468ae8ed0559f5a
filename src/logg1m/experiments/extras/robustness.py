"""R² of every variant under the conditions of `nn.robustness`, without retraining, on the low-noise test."""

from typing import Any

import numpy as np

from logg1m import metrics
from logg1m.experiments.judging.errors import Runs, Statistic
from logg1m.experiments.judging.evidence import Evidence

PLAIN = "as trained"
# What a condition hides as well: beside this, only the change of the grid counts.
_CONTROLS = {f"shift_{n}": f"hidden_{n}" for n in (16, 64, 256)} | {"step_0.9": "crop_5", "step_0.9_back": "crop_5"}


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """One row per variant and condition: R², and R² lost against the spectra as they are and against the condition's
    control, where it has one, with intervals; mean over seeds."""
    runs = evidence.runs
    n = int(runs.low_noise.sum())
    rows = []
    for name in evidence.robustness:
        pooling = evidence.metrics[name][0]["chosen_on_validation"].get("pooling")
        plain = r2_under(runs, name, None)
        for condition in [None, *conditions_of(evidence, name)]:
            under = r2_under(runs, name, condition)
            row: dict[str, Any] = {"variant": name, "pooling": pooling, "condition": condition or PLAIN, "n": n}
            row["r2"] = metrics.with_interval(under, n, evidence.bootstrap, evidence.seed)
            if condition:
                row["r2 lost"] = metrics.with_interval(_difference(plain, under), n, evidence.bootstrap, evidence.seed)
            control = _CONTROLS.get(condition or "")
            if control in conditions_of(evidence, name):
                lost = _difference(r2_under(runs, name, control), under)
                row[f"r2 lost against {control}"] = metrics.with_interval(lost, n, evidence.bootstrap, evidence.seed)
            rows.append(row)
    return rows


def conditions_of(evidence: Evidence, name: str) -> list[str]:
    """The conditions that a variant's first run was put to."""
    return [column for column in evidence.robustness[name][0].columns if column != "id"]


def r2_under(runs: Runs, name: str, condition: str | None) -> Statistic:
    """R² on the low-noise test under a condition (None: as it is), mean over seeds, as a statistic of counts."""
    errors = runs.errors[name] if condition is None else runs.further[condition][name]
    parts = [metrics.r2(runs.truth[runs.low_noise], error[runs.low_noise]) for error in errors]
    return lambda counts: np.asarray(np.mean([part(counts) for part in parts], axis=0))


def _difference(a: Statistic, b: Statistic) -> Statistic:
    return lambda counts: a(counts) - b(counts)
