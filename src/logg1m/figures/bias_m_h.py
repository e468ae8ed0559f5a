"""Bias of log g against [Fe/H]."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from logg1m.figures import bias
from logg1m.figures.interactive import Plot, Shown

TITLE = "Bias of log g against [Fe/H]"
CAPTION = "Mean residual of log g in bins of [Fe/H] for every variant."


def values(verdict: dict[str, Any]) -> pd.DataFrame:
    return bias.values(verdict, "m_h")


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    return bias.draw(table, verdict, "m_h")


def plot(shown: Shown, key: str) -> Plot | None:
    return bias.plot(shown.verdict, "m_h", key, TITLE)
