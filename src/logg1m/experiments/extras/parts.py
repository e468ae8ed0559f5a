"""What each part of a model brings: variants that do without one part, beside the variant that has it."""

from typing import Any

from logg1m.config.experiments import Criterion
from logg1m.experiments.judging.evidence import Evidence
from logg1m.experiments.judging.verdict import improvement


def extra(evidence: Evidence) -> list[dict[str, Any]]:
    """One row per variant that changes one field more than another one changes, the more they share the better: how much
    better that other one is, low-noise MAE as a share and R² on both tests, paired.

    The reference of the experiment is nobody's whole: what it is compared with is the verdict's.
    """
    assert evidence.experiment.acceptance is not None
    reference, rows, runs = evidence.experiment.acceptance.reference, [], evidence.runs
    changes = {name: evidence.experiment.variants[name].change for name in evidence.predictions}
    asked = {
        "low-noise MAE, share": Criterion(metric="mae", relative=True),
        "low-noise R²": Criterion(metric="r2"),
        "full R²": Criterion(metric="r2", subset="full"),
    }
    for name, change in changes.items():
        wholes = [w for w, its in changes.items() if w != reference and its and its.items() < change.items()]
        wholes = [w for w in wholes if len(change) - len(changes[w]) == 1]
        for whole in wholes[:1]:
            (field,) = set(change) - set(changes[whole])
            gained = {
                words: improvement(runs, whole, name, criterion, evidence.bootstrap, evidence.seed)
                for words, criterion in asked.items()
            }
            rows.append({"whole": whole, "instead": f"{field}: {change[field]}", "variant": name} | gained)
    return rows
