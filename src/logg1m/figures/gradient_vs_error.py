"""Where models look, against the noise: input gradients in and out of sky-line pixels."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.regions import sky_pixels
from logg1m.figures import gradient

TITLE = "Where models look, against the noise"
CAPTION = "Input sensitivity of every variant per pixel against the mean error of that pixel."

_WHERE = "sky-line pixels"


def values(evidence: Evidence) -> pd.DataFrame:
    return gradient.values(evidence, _WHERE, sky_pixels(evidence.pixels["error_mean"].to_numpy()))


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    return gradient.draw(table, verdict, _WHERE)
