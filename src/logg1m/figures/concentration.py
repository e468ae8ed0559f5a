"""Where a gain comes from: models that see one part of the spectrum alone, and models that see the rest."""

from typing import Any

import pandas as pd

from logg1m.figures import empty, style
from logg1m.metrics import interval_of
from logg1m.results.words import metric, seen

TITLE = "Where the gain concentrates"
CAPTION = "Gain in MAE of models that see only sky-line pixels, and of models that see only the rest."


def values(verdict: dict[str, Any]) -> pd.DataFrame:
    """Both gains and their difference, with intervals, for every candidate for which the four models ran."""
    rows = []
    for name, variant in verdict["variants"].items():
        for criterion in variant.get("criteria", ()):
            measured = criterion["improvement"]
            if criterion.get("more_in") is None or pd.isna(measured["value"]):
                continue
            inside, outside = criterion["more_in"]
            halves = {f"only {seen(inside)}": measured["inside"], f"only {seen(outside)}": measured["outside"]}
            for what, entry in {**halves, "difference": measured}.items():
                low, high = interval_of(entry)
                about = {"metric": criterion["metric"], "subset": criterion["subset"]}
                found = {"value": entry["value"], "low": low, "high": high}
                rows.append({"variant": name, "label": variant["label"], "what": what} | about | found)
    if not rows:
        raise empty.Nothing("no candidate has models that see one part of the spectrum only")
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> style.Figure:
    """One row per gain."""
    figure, axis = style.subplots(figsize=(8, 1.6 + 0.4 * len(table)))
    colours = (style.ORANGE, style.BLUE, style.BLACK)
    for k in range(len(table)):
        row = table.iloc[[k]]
        axis.errorbar(row["value"], [k], xerr=style.bars(row), marker="o", color=colours[k % 3], capsize=2)
    axis.axvline(0, color=style.BLACK, linewidth=0.7, linestyle=":")
    axis.set_yticks(range(len(table)), [f"{r['label']}: {r['what']}" for _, r in table.iterrows()])
    axis.invert_yaxis()
    gain = f"gain in {metric(table['metric'].iloc[0])} of log g over the reference, dex"
    axis.set_xlabel(f"{gain} (low-noise test, n = {verdict['n_test_low_noise']:,})")
    style.titled(figure, verdict, "where the gain comes from")
    return figure
