"""Forecast: σ(log g) against exposure time, of the population at every magnitude and of named stars at one."""

from typing import Any

import pandas as pd

from logg1m.figures import style

TITLE = "What exposure time brings"
CAPTION = "σ(log g) by the Cramér–Rao bound against exposure time: the median star at every magnitude, and named stars at one."
_STEP = 1.0  # mag between the lines of the population


def values(forecast: dict[str, Any]) -> pd.DataFrame:
    """One row per star (or population), magnitude and time: bound and posterior, dex; no hours: the limit."""
    rows = []
    for row in forecast["population"]["rows"]:
        sigma = {kind: row[kind]["median"] for kind in ("bound", "posterior")}
        rows.append({"star": "population", "mag": row["mag"], "hours": row["hours"]} | sigma)
    for star in forecast["stars"]:
        for row in star["rows"]:
            if row["mag"] == forecast["at_magnitude"]:
                rows.append(
                    {"star": star["name"]} | {name: row[name] for name in ("mag", "hours", "bound", "posterior")}
                )
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, forecast: dict[str, Any]) -> style.Figure:
    """Lines that end at a dot on the right edge: the limit of an endless exposure."""
    figure, axes = style.subplots(1, 2, figsize=(10, 4), sharey=True)
    everyone = table[table["star"] == "population"]
    named = table[table["star"] != "population"]
    first = everyone["mag"].min()
    groups = [
        [(f"i = {mag:g}", part) for mag, part in everyone.groupby("mag") if (mag - first) % _STEP == 0],
        list(named.groupby("star", sort=False)),
    ]
    for axis, lines in zip(axes, groups):
        for k, (name, part) in enumerate(lines):
            seen = part.dropna(subset="hours").sort_values("hours")
            dashes = "-" if k < len(style.CYCLE) else "--"
            axis.plot(seen["hours"], seen["bound"], label=name, linestyle=dashes, **style.look(k))
            limit = part.loc[part["hours"].isna(), "bound"]
            axis.plot([seen["hours"].max() * 2] * len(limit), limit, linestyle="none", **style.look(k))
        axis.axhline(forecast["goal"], color=style.BLACK, linestyle=":", linewidth=1)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("exposure time, h (last points: endless)")
        axis.grid()
        axis.legend(fontsize=7, ncols=2)
    axes[0].set_ylabel("σ(log g), dex")
    axes[0].set_title(f"median of {forecast['population']['n']:,} stars", fontsize=9)
    axes[1].set_title(f"named stars at i = {forecast['at_magnitude']:g}", fontsize=9)
    return figure
