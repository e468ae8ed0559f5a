"""What an experiment may report beside its criteria: one file per report, its name is the name in the YAML.

Its function `extra(evidence)` returns plain JSON (a dictionary, or a list of rows), which stands in verdict.json under
that name. Imports no heavy library, and no report before it is made: the Snakefile uses this.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from logg1m.config.experiments import Experiment

if TYPE_CHECKING:
    from logg1m.experiments.judging.evidence import Evidence


def modules_of(experiment: Experiment) -> list[str]:
    """The modules behind an experiment's further reports, for its code fingerprint."""
    return [f"logg1m.experiments.extras.{name}" for name in experiment.extra]


def extra(name: str, evidence: "Evidence") -> Any:
    """One further report of an experiment, plain JSON."""
    return import_module(f"logg1m.experiments.extras.{name}").extra(evidence)
