"""Where models look: input gradients on lines and on the continuum."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import line_pixels
from logg1m.figures import gradient

TITLE = "Where models look: lines or continuum"
CAPTION = "Input sensitivity of every variant on lines and on the continuum."

_WHERE = "features"


def values(evidence: Evidence) -> pd.DataFrame:
    return gradient.values(evidence, _WHERE, line_pixels(evidence.store.wave))


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    return gradient.draw(table, verdict, _WHERE)
