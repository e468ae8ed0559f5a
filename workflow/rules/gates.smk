"""Which experiments run: paused ones and those that a decision cancelled do not. Requires the decisions; no rules."""

from logg1m.experiments import catalogue
from logg1m.files import read_json

EXPERIMENTS = catalogue.load("config/experiments")


def outcome(d):
    """Outcome of a decision; Snakemake makes it first and then looks at the graph again."""
    return read_json(checkpoints.decide.get(d=d).output[0], ("outcome",))["outcome"]


def cancelled(experiment):
    """Why an experiment does not run, or None; asks only for the decisions that its phase needs."""
    if experiment.phase >= 2 and outcome("d1") == "stop":
        return "D1: models are near the bound; Phases 2 and 3 are cancelled"
    for d, closing in experiment.cancelled_by.items():
        if outcome(d) == closing:
            return f"{d.upper()}: {closing}"
    return None


def gate_of(experiment):
    """Input function of a verdict: the recipe of its phase; an error that says how to override, if it is cancelled."""

    def gate(wildcards):
        reason = cancelled(experiment)
        if reason:
            raise WorkflowError(
                f"MVP-{experiment.id} is cancelled ({reason}); decisions.override opens the gate"
            )
        return []

    return gate


def active(phase):
    """Experiments of a phase that run."""
    return [
        key
        for key, e in EXPERIMENTS.items()
        if e.phase == phase
        and e.id not in CONFIG.experiments.paused
        and not cancelled(e)
    ]


def phase_verdicts(phase):
    """Input function: verdicts of a phase's active experiments that have variants."""

    def verdicts(wildcards):
        return [
            f"results/{key}/verdict.json"
            for key in active(phase)
            if EXPERIMENTS[key].acceptance
        ]

    return verdicts


def foundations():
    """Phases 0 and 1, which no decision gates."""
    return [f"results/{key}/verdict.json" for phase in (0, 1) for key in active(phase)]


def extras():
    """Tables beside the experiments; only a source that simulates has a magnitude sweep."""
    return (
        []
        if CONFIG.data.source == "pfs_hdf5"
        else ["results/mvp_1_1/magnitude_sweep.json"]
    )


def later_verdicts(wildcards):
    """What the decisions allow of Phases 2 and 3."""
    return [f"results/{key}/verdict.json" for phase in (2, 3) for key in active(phase)]
