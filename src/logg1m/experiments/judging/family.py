"""Several candidates in one experiment: acceptance after Holm, and the difference that the run could have seen.

Only accepting is adjusted. Printed intervals are not, and an experiment is refuted only by all of its candidates together.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from logg1m.experiments.judging.intervals import uncertainty
from logg1m.scatter import holm

_ROUNDING = 1 + 1e-9


def p_value(criteria: list[dict[str, Any]], how: str) -> float | None:
    """One-sided p-value that a candidate meets its criteria, all of them or any; None where that was not measured."""
    known = [
        uncertainty(c["improvement"]).p_value(c["improvement"]["value"], c["margin"])
        for c in criteria
        if np.isfinite(c["improvement"]["value"])
    ]
    if how == "any":
        return min(1.0, len(known) * min(known)) if known else None
    return max(known) if len(known) == len(criteria) else None


def size(level: float, candidates: int, criteria: int, how: str) -> float:
    """One-sided size of the first step of Holm's procedure for one criterion of one candidate."""
    return (1 - level) / 2 / max(candidates, 1) / (criteria if how == "any" else 1)


def adjusted(candidates: dict[str, list[dict[str, Any]]], how: str, level: float) -> dict[str, dict[str, Any]]:
    """Per candidate {p_value, adjusted, candidates, accepts}: whether it is accepted beside the others (Holm).

    Parameters
    ----------
    candidates : name → its judged criteria
    how : whether 'all' criteria must hold or 'any'
    level : of the printed intervals; a single candidate with one criterion is accepted where its interval says so
    """
    found = {name: p for name, criteria in candidates.items() if (p := p_value(criteria, how)) is not None}
    limit = (1 - level) / 2 * _ROUNDING
    return {
        name: {"p_value": found[name], "adjusted": p, "candidates": len(found), "accepts": bool(p <= limit)}
        for name, p in holm(found).items()
    }


def note_detectable(candidates: dict[str, list[dict[str, Any]]], how: str, level: float) -> None:
    """Write beside every criterion the smallest true improvement that this run would accept with 80 % power."""
    measured = sum(p_value(criteria, how) is not None for criteria in candidates.values())
    for criteria in candidates.values():
        for judged in criteria:
            known = np.isfinite(judged["improvement"]["value"])
            least = uncertainty(judged["improvement"]).detectable(
                judged["margin"], size(level, measured, len(criteria), how)
            )
            judged["detectable"] = least if known and np.isfinite(least) else None


def unit(criterion: Mapping[str, Any]) -> str:
    """The difference that a criterion could have seen, in words."""
    value, metric = float(criterion["detectable"]), criterion["metric"]
    if criterion["relative"] or metric in ("convergence", "passes"):
        return f"{100 * value:.3g} %"
    return f"{value:.3g}" + (" K" if metric == "mae_teff" else " dex" if metric in _IN_DEX else "")


_IN_DEX = {"mae", "rmse", "median_bias", "nmad", "bias_teff", "bias_m_h", "mae_m_h"}
