"""What figures of a predicted σ share: the model that has one, its two tests, and what they are called."""

from typing import Any

import pandas as pd

from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.results.words import SUBSET

COLOURS = (style.BLUE, style.ORANGE)  # low-noise, full


def tests(evidence: Evidence) -> dict[str, pd.DataFrame]:
    """Predictions on the low-noise and on the full test, of the first variant with σ and its first seed."""
    table = evidence.predictions[_variant(evidence)][0]
    return {SUBSET[name]: part for name, part in evidence.tests(table).items()}


def heading(verdict: dict[str, Any], evidence: Evidence) -> str:
    """Experiment, variant and sizes of the tests."""
    sizes = ", ".join(f"{what} n = {len(part):,}" for what, part in tests(evidence).items())
    return f"MVP-{verdict['id']} ({verdict['model']}), {verdict['variants'][_variant(evidence)]['label']}: {sizes}"


def _variant(evidence: Evidence) -> str:
    name = next((n for n, seeds in evidence.predictions.items() if "sigma" in seeds[0]), None)
    if name is None:
        raise empty.Nothing("no model of this run predicts σ")
    return name
