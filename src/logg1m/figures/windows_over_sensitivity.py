"""Windows over the sensitivity curve of MVP-1.1."""

from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import style
from logg1m.inputs.windows import sensitivity_curve

TITLE = "Windows over the sensitivity to log g"
CAPTION = "The windows of every variant over the sensitivity of the flux to log g."

_CURVE = "curve"
_APART = 12.0  # Å between names that stand upright beside one another


def values(verdict: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """One row per variant and window, in order of wavelength (vacuum, Å); features out of range too. Then the curve, whose
    rows have the status “curve” and a sensitivity, mean |∂F/∂log g| / σ per dex."""
    rows = [
        {"variant": name, **window}
        for name, variant in verdict["variants"].items()
        for window in sorted(variant["windows"] or (), key=lambda w: w["vacuum"])
    ]
    curve = {"vacuum": evidence.store.wave, "sensitivity": sensitivity_curve(evidence.sensitivity), "status": _CURVE}
    return pd.concat([pd.DataFrame(rows), pd.DataFrame(curve)], ignore_index=True)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """The curve in one panel per variant with windows, the windows shaded; features out of range in the title."""
    of_curve = table["status"] == _CURVE
    wave, curve = (table.loc[of_curve, name].to_numpy() for name in ("vacuum", "sensitivity"))
    table = table[~of_curve]
    shown = dict(list(table.groupby("variant", sort=False))) if len(table) else {}
    rows = max(len(shown), 1)
    figure, axes = style.subplots(rows, 1, figsize=(11, 1.2 + 1.5 * rows), sharex=True, squeeze=False)
    for axis, (name, found) in zip(axes[:, 0], shown.items()):
        axis.plot(wave, curve, color=style.BLUE, linewidth=0.6)
        top = float(curve.max())
        axis.set_ylim(0, 1.65 * top)  # names stand above the curve
        axis.set_title(verdict["variants"][name]["label"], fontsize=8, pad=2)
        last = float(wave[0])
        for window in found[found["status"] == "used"].to_dict("records"):
            low, high = window["vacuum"] - window["half_width"], window["vacuum"] + window["half_width"]
            axis.axvspan(low, high, color=style.ORANGE, alpha=0.3, linewidth=0)
            last = max(window["vacuum"], last + _APART)
            axis.text(last, 1.62 * top, window["name"], fontsize=6, ha="center", va="top", rotation=90)
    missing = sorted(set(table.loc[table["status"] != "used", "name"])) if len(table) else []
    figure.suptitle(f"windows over the sensitivity to log g; out of range: {', '.join(missing) or 'none'}", fontsize=10)
    style.along(axes[-1, 0], wave)
    figure.supylabel("mean |∂F/∂log g| / σ per dex, marginalised", fontsize=8)
    return figure
