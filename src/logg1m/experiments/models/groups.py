"""Validation stars in groups, from which the interval of a learning curve is resampled."""

from typing import Any

import numpy as np
import pandas as pd

_GROUPS = 100  # a bootstrap over so many knows a variance to 14 %


class Groups:
    """Validation stars in groups, by which a score can be resampled without keeping what every epoch says of every star.

    A column of groups is what an epoch adds to the history; with the labels' own sums it gives R² of any resample.
    """

    KEY = "squared_by_group"

    def __init__(self, truth: np.ndarray) -> None:
        """truth : log g of the validation stars (N,), dex"""
        self.truth = truth
        self.group = np.arange(len(truth)) % _GROUPS

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of (N,) values over every group, (G,)."""
        return np.bincount(self.group, values)

    def table(self, history: list[dict[str, Any]]) -> pd.DataFrame:
        """Columns epoch, group, n, and sums over the group of log g, of its square and of the squared error (dex²)."""
        constant = {
            "n": self.sums(np.ones(len(self.truth))),
            "first": self.sums(self.truth),
            "second": self.sums(self.truth**2),
        }
        parts = [
            pd.DataFrame(
                {"epoch": row["epoch"], "group": np.arange(len(row[self.KEY])), **constant, "squared": row[self.KEY]}
            )
            for row in history
        ]
        return pd.concat(parts, ignore_index=True)
