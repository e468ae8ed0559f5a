"""MVP-1.1: where the squared error lies, by Teff and [M/H]."""

from typing import Any

import pandas as pd

from logg1m.figures import empty, style
from logg1m.results.words import model_name

TITLE = "Where the error lies, by Teff and [M/H]"
CAPTION = "Share of the squared error, share of the stars and RMSE of log g in cells of Teff and [M/H], low-noise test."

_NAMES = {"model": "", "bayes": "Bayes-optimal"}


def values(errors: dict[str, Any]) -> pd.DataFrame:
    """One row per cell: its edges, counts, shares, RMSE (dex) of the model and of the posterior mean."""
    if "low_noise" not in errors:
        raise empty.Nothing("no best model, or it was tested on no low-noise spectrum")
    return pd.DataFrame(errors["low_noise"]["cells"])


def draw(table: pd.DataFrame, errors: dict[str, Any]) -> style.Figure:
    """One map per estimator; the colour is the share of its squared error, the text says RMSE and count."""
    shown = [name for name in _NAMES if f"n_{name}" in table]
    figure, axes = style.subplots(1, len(shown), figsize=(1.2 + 4.6 * len(shown), 4.2), squeeze=False, sharey=True)
    highest = max(table[f"share_of_squared_error_{name}"].max() for name in shown)
    image = None
    for axis, name in zip(axes[0], shown):
        grid = table.pivot(index="m_h_low", columns="teff_low", values=f"share_of_squared_error_{name}")
        edges = {
            label: [*sorted(table[f"{label}_low"].unique()), table[f"{label}_high"].max()] for label in ("teff", "m_h")
        }
        image = axis.pcolormesh(
            edges["teff"], edges["m_h"], 100 * grid.to_numpy(), cmap="YlOrRd", vmin=0, vmax=100 * highest
        )
        for _, row in table[table[f"n_{name}"] > 0].iterrows():
            share = row[f"share_of_squared_error_{name}"]
            middle = [(row[f"{label}_low"] + row[f"{label}_high"]) / 2 for label in ("teff", "m_h")]
            words = f"{100 * share:.1f} %\n{row[f'rmse_{name}']:.2f} dex\nn = {row[f'n_{name}']:.0f}"
            how = {"ha": "center", "va": "center", "fontsize": 6.5}
            axis.text(*middle, words, color="#fefefe" if share > 0.65 * highest else style.KEPT_BLACK, **how)
        axis.invert_xaxis()
        axis.set_xlabel("Teff, K")
        poor = errors["low_noise"]["metal_poor"][name]
        limit = f"{poor['limit']:g}".replace("-", "−")
        stars, squared = (100 * poor[key]["value"] for key in ("share_of_stars", "share_of_squared_error"))
        axis.set_title(
            f"{_NAMES[name] or model_name(errors['model'])}, {errors['low_noise'][f'n_{name}']:,} stars\n"
            f"[M/H] < {limit}: {stars:.0f} % of stars, {squared:.0f} % of squared error",
            fontsize=9,
        )
    axes[0][0].set_ylabel("[M/H], dex")
    figure.colorbar(image, ax=axes[0].tolist(), label="share of the squared error, %")
    return figure
