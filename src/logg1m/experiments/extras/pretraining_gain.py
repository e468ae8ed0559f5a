"""What a pretraining gains, and at which price: against no pretraining with the same supervised budget, and with the
same total compute."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from logg1m.config.experiments import Criterion
from logg1m.config.supported import PRETRAINING_FIELDS
from logg1m.experiments.judging.epochs import epochs_to
from logg1m.experiments.judging.evidence import Evidence, pretraining_passes
from logg1m.experiments.judging.verdict import improvement
from logg1m.metrics import interval_of

SAME_BUDGET, SAME_COMPUTE = "equal supervised budget", "equal total compute"
_TOLERANCE = 0.1  # of the total compute that counts as equal


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """One row per pretrained variant and what it is fairly compared with.

    Improvements of R² with their intervals; epochs of the supervised training to the best validation score that the
    other reached, and the same in passes of one spectrum (the operations of the pretraining included, in those of a
    supervised pass). None: never reached. Means over seeds.
    """
    runs = evidence.runs
    rows = []
    for name, other, basis in pairs(evidence):
        row: dict[str, Any] = {"variant": name, "against": other, "basis": basis}
        for subset in ("low_noise", "full"):
            criterion = Criterion(metric="r2", subset=subset)
            measured = improvement(runs, name, other, criterion, evidence.bootstrap, evidence.seed)
            low, high = interval_of(measured)
            row |= {f"ΔR² {subset}": measured["value"], f"low {subset}": low, f"high {subset}": high}
        rows.append(row | _speed(evidence, name, other))
    return rows


def pairs(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """(pretrained variant, variant without, in what they are equal), in the order of the experiment's file."""
    for name in evidence.metrics:
        recipe = _first(evidence, name)["recipe"]
        if recipe["pretraining"] == "none":
            continue
        for other in evidence.metrics:
            theirs = _first(evidence, other)["recipe"]
            if theirs["pretraining"] != "none" or _rest(theirs) != _rest(recipe):
                continue
            if theirs["supervised_epochs_factor"] == recipe["supervised_epochs_factor"]:
                yield name, other, SAME_BUDGET
            elif abs(_total(theirs) / _total(recipe) - 1) < _TOLERANCE:
                yield name, other, SAME_COMPUTE


def _speed(evidence: Evidence, name: str, other: str) -> dict[str, Any]:
    scores = evidence.runs.scores
    n_fit, before = _first(evidence, name)["n_fit"], pretraining_passes(_first(evidence, name))
    theirs, ours = [], []
    for reference, candidate in zip(scores[other], scores[name]):
        theirs.append(int(reference.argmax()) + 1)
        ours.append(epochs_to(candidate, float(reference.max())))
    reached = None if None in ours else float(np.mean([epochs for epochs in ours if epochs is not None]))
    return {
        "epochs to its best": float(np.mean(theirs)),
        "epochs to the same": reached,
        "passes to its best": float(np.mean(theirs)) * n_fit,
        "passes to the same, pretraining included": None if reached is None else reached * n_fit + before,
        # What was computed in all; early stopping can end what was planned as equal.
        "passes run": _passes_run(evidence, name) + before,
        "passes run by the other": _passes_run(evidence, other),
    }


def _passes_run(evidence: Evidence, name: str) -> float:
    """Spectra seen by the supervised training, mean over seeds."""
    return float(np.mean([m["chosen_on_validation"]["epochs_run"] * m["n_fit"] for m in evidence.metrics[name]]))


def _first(evidence: Evidence, name: str) -> dict[str, Any]:
    return evidence.metrics[name][0]


def _rest(recipe: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in recipe.items() if k not in PRETRAINING_FIELDS | {"supervised_epochs_factor"}}


def _total(recipe: dict[str, Any]) -> float:
    """Operations of all its trainings, in those of one supervised training of the usual length."""
    before = recipe["pretraining_compute"] if recipe["pretraining"] != "none" else 0.0
    return float(recipe["supervised_epochs_factor"] * (1 + before))
