"""Forecast: σ(log g) against exposure time, of the population at every magnitude and of named stars at one."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from logg1m.figures import style

TITLE = "What exposure time brings"
CAPTION = (
    "σ(log g) by the Cramér–Rao bound against exposure time: the median star at every magnitude, and named stars at one. "
    "Triangles at the right: what is left however long the exposure, open where the goal lies above it and time reaches it, "
    "filled where it does not: that goal is not reachable by exposure."
)
_STEP = 1.0  # mag between the lines of the population
_TICKS = (0.25, 0.5, 1, 2, 4, 8, 16)  # h


def values(forecast: dict[str, Any]) -> pd.DataFrame:
    """One row per star (in words) or population, magnitude and time: bound and posterior, dex; no hours: the limit."""
    rows = []
    for row in forecast["population"]["rows"]:
        sigma = {kind: row[kind]["median"] for kind in ("bound", "posterior")}
        rows.append({"star": "population", "mag": row["mag"], "hours": row["hours"]} | sigma)
    for star in forecast["stars"]:
        for row in star["rows"]:
            if row["mag"] == forecast["at_magnitude"]:
                found = {name: row[name] for name in ("mag", "hours", "bound", "posterior")}
                rows.append({"star": star["words"]} | found)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, forecast: dict[str, Any]) -> style.Figure:
    """Lines over the times asked for, and outside, at the right, what no exposure goes below."""
    figure, axes = style.subplots(2, 1, figsize=(6, 9.5), sharey=True)  # also for a phone
    everyone = table[table["star"] == "population"]
    named = table[table["star"] != "population"]
    first = everyone["mag"].min()
    groups = [
        [(f"i = {mag:g}", part) for mag, part in everyone.groupby("mag") if (mag - first) % _STEP == 0],
        list(named.groupby("star", sort=False)),
    ]
    for axis, lines in zip(axes, groups):
        for k, (name, part) in enumerate(lines):
            _line(axis, k, name, part, forecast["goal"])
        axis.axhline(forecast["goal"], color=style.BLACK, linestyle=":", linewidth=1)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("exposure time, h (▷ ▶ endless exposure)")
        axis.set_xticks(_TICKS, [f"{hours:g}" for hours in _TICKS])
        axis.minorticks_off()
        axis.grid()
        if lines:
            how = {
                "loc": "upper center",
                "bbox_to_anchor": (0.5, -0.16),
                "ncols": 2,
                "fontsize": 8,
                "title_fontsize": 8,
            }
            axis.legend(title="▶ goal not reachable by exposure", **how)
        axis.set_ylabel("σ(log g), dex")
    axes[0].annotate(
        f"goal {forecast['goal']:g} dex",
        (0.01, forecast["goal"]),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        fontsize=8,
    )
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].set_title(f"median of {forecast['population']['n']:,} stars", fontsize=9)
    axes[1].set_title(f"named stars at i = {forecast['at_magnitude']:g}", fontsize=9)
    return figure


def _line(axis: Axes, k: int, name: str, part: pd.DataFrame, goal: float) -> None:
    """One line, its limit outside the axes, and in the legend a mark where exposure does not reach the goal."""
    seen = part.dropna(subset="hours").sort_values("hours")
    floor = float(part.loc[part["hours"].isna(), "bound"].iloc[0])
    there = not floor >= goal  # NaN: nothing is known
    look = style.look(k) | {"linestyle": "-" if k < len(style.CYCLE) else "--"}
    axis.plot(seen["hours"], seen["bound"], label=name if there else f"{name} ▶", **look)
    face = "none" if there else look["color"]
    where = axis.get_yaxis_transform()
    axis.plot(1.03, floor, ">", transform=where, clip_on=False, color=look["color"], markerfacecolor=face, markersize=5)
