"""What the figures of MVP-1.1 share: models that stand beside bounds, counts."""

from collections.abc import Mapping

import pandas as pd

from logg1m.bounds.fisher import constant
from logg1m.observe import LABELS
from logg1m.results.numbers import Cursor

NUMBERS = "mvp_1_1/fisher.json"
_SHOWN = ("ridge_full", "lightgbm", "projection")


def models_shown(predictions: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The models that figures show beside bounds: the best of each kind."""
    return {name: predictions[name] for name in _SHOWN if name in predictions}


def dimensions(stars: pd.DataFrame) -> int:
    """Labels that the bounds are marginalised over, log g included: those that vary."""
    return len(LABELS) - len(constant({name: stars[name] for name in LABELS if name in stars}))


def size(fisher: Cursor | None) -> str:
    """What the bounds over all labels are called, "5-D", or "4-D" where one label is the same for all spectra."""
    named = fisher.get("label_sets", "5d", "named") if fisher else None
    return str(named or f"{len(LABELS)}-D").partition(":")[0]


def counts(fisher: Cursor | None) -> str:
    """How many spectra the bounds and the models' errors rest on."""
    if not fisher or "n_spectra" not in fisher.raw:
        return ""
    n, tested = fisher.raw["n_spectra"], fisher.raw.get("n_test", 0)
    return f"Bounds of {n:,} low-noise spectra; errors of the {tested:,} of them in the test pool."
