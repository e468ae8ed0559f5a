"""How documents call an experiment. Imports no heavy library: the rules name their outputs by it."""

from collections.abc import Mapping

from logg1m.config.experiments import Experiment
from logg1m.config.report import Report


def names_of(experiment: Experiment, experiments: Mapping[str, Experiment], report: Report) -> tuple[str, str]:
    """(experiment id, file name of its report); the number counts experiments of one name."""
    alike = [e.key for e in experiments.values() if e.name == experiment.name]
    count = alike.index(experiment.key) + 1
    name = experiment.name.replace("_", "-")
    suffix = "" if count == 1 else f"_{count:02d}"
    return (
        f"{report.project}-{report.date}-{report.topic}-{name}-{count:02d}",
        f"exp_{report.topic}_{experiment.name}{suffix}_{report.date}.md",
    )
