"""Masks of the noisiest pixels against random masks of the same size: is it the noise that matters, or the number?"""

from typing import Any

from logg1m.config.experiments import Criterion, Metric
from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.judging.verdict import improvement
from logg1m.experiments.regions import sky_pixels
from logg1m.metrics import interval_key

_METRICS: tuple[Metric, ...] = ("r2", "mae")


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """Per variant that hides pixels: their share, what they hold, and the paired gain over its random control."""
    runs, sky = evidence.runs, sky_pixels(evidence.pixels["error_mean"].to_numpy())
    error = evidence.pixels["error_mean"].to_numpy()
    masks = {name: evidence.metrics[name][0]["recipe"]["mask"] for name in runs.errors}
    rows = []
    for name, mask in masks.items():
        hidden = ~evidence.gradients[name][0]["visible"].to_numpy(dtype=bool)
        if mask == "none" or not hidden.any():
            continue
        row: dict[str, Any] = {
            "variant": name,
            "hidden pixels": int(hidden.sum()),
            "of them sky-line pixels": float(sky[hidden].mean()),
            "their mean error over that of all pixels": float(error[hidden].mean() / error.mean()),
        }
        control = next((k for k, m in masks.items() if m == mask.replace("error_", "random_") and k != name), None)
        if control:
            for metric in _METRICS:
                criterion = Criterion(metric=metric)
                measured = improvement(runs, name, control, criterion, evidence.bootstrap, evidence.seed)
                row[f"{metric} gained on {control}"] = {key: measured[key] for key in ("value", interval_key(measured))}
        rows.append(row)
    return rows
