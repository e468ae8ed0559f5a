"""Bias of log g against Teff."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from logg1m.figures import bias
from logg1m.figures.interactive import Plot, Shown

TITLE = "Bias of log g against Teff"
CAPTION = "Mean residual of log g in bins of Teff for every variant."


def values(verdict: dict[str, Any]) -> pd.DataFrame:
    return bias.values(verdict, "teff")


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    return bias.draw(table, verdict, "teff")


def plot(shown: Shown, key: str) -> Plot | None:
    return bias.plot(shown.verdict, "teff", key, TITLE)
