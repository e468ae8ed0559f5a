"""What figures of networks under conditions that they were not trained for share."""

from typing import Any

import pandas as pd

from logg1m.experiments.extras.robustness import extra
from logg1m.experiments.judging.evidence import Evidence
from logg1m.figures import empty, style
from logg1m.metrics import interval_of


def conditions(evidence: Evidence) -> pd.DataFrame:
    """R² with its interval for every variant and condition; columns variant, pooling, condition, n, r2, low, high."""
    table = pd.DataFrame([_flat(row) for row in extra(evidence)])
    if not len(table) or table["condition"].nunique() < 2:
        raise empty.Nothing("the models of this run cannot be put to other conditions")
    return table


def heading(verdict: dict[str, Any], table: pd.DataFrame, what: str) -> str:
    """Experiment, pooling, what is shown, and on how many spectra."""
    pooling = ", ".join(str(name).replace("_", " ") for name in table["pooling"].unique())
    return f"{style.experiment(verdict, f', pooling {pooling}')}: {what}; low-noise test, n = {table['n'].max():,}"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    low, high = interval_of(row["r2"])
    about = {k: row[k] for k in ("variant", "pooling", "condition", "n")}
    return about | {"r2": row["r2"]["value"], "low": low, "high": high}
