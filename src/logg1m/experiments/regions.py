"""Regions of pixels that experiments are judged in: where the sky is bright, and where the known features lie."""

import numpy as np
import pandas as pd

from logg1m.inputs.windows import line_windows

_SKY_SHARE = 0.15  # of all pixels


def sky_pixels(error_mean: np.ndarray) -> np.ndarray:
    """Sky-line pixels (P,): the 15 % with the largest mean error over the survey."""
    return np.asarray(error_mean >= np.quantile(error_mean, 1 - _SKY_SHARE))


def line_pixels(wave: np.ndarray) -> np.ndarray:
    """Pixels (P,) within the listed features that lie in range."""
    return line_windows(wave)[0]


def regions(pixels: pd.DataFrame) -> dict[str, np.ndarray]:
    """Name → mask (P,): sky lines and the rest, features and the continuum between them."""
    sky = sky_pixels(pixels["error_mean"].to_numpy())
    line = line_pixels(pixels["wave"].to_numpy())
    return {"sky lines": sky, "between sky lines": ~sky, "features": line, "continuum": ~line}
