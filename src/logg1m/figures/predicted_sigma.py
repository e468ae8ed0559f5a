"""What figures of a predicted σ share: the model that has one, its two tests, and what they are called."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.results.words import SUBSET

COLOURS = (style.BLUE, style.ORANGE)  # low-noise, full


def tests(evidence: Evidence) -> dict[str, pd.DataFrame]:
    """Predictions on the low-noise and on the full test, of the first variant with σ and its first seed."""
    table = evidence.predictions[variant_of(evidence)][0]
    return {SUBSET[name]: part for name, part in evidence.tests(table).items()}


def heading(verdict: dict[str, Any], variant: str, sizes: Mapping[str, int]) -> str:
    """Experiment, variant and sizes of the tests."""
    said = ", ".join(f"{what} n = {n:,}" for what, n in sizes.items())
    return f"{style.experiment(verdict)}, {verdict['variants'][variant]['label']}: {said}"


def variant_of(evidence: Evidence) -> str:
    """The first variant whose model predicts σ."""
    name = next((n for n, seeds in evidence.predictions.items() if "sigma" in seeds[0]), None)
    if name is None:
        raise empty.Nothing("no model of this run predicts σ")
    return name
