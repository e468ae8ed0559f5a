"""Which experiments run: paused ones and those that a decision cancelled do not. Requires the decisions; no rules."""

from logg1m.decisions.points import FILES, NEEDED, POINTS, RECIPES, closed_by
from logg1m.experiments import catalogue
from logg1m.files import InputError, read_json

try:
    EXPERIMENTS = catalogue.load(place("experiments"), NEEDED)
    catalogue.check_names(EXPERIMENTS, CONFIG.experiments.paused, "experiments.paused")
    trained = {key: found for key, found in EXPERIMENTS.items() if not found.artifact}
    catalogue.check_names(trained, CONFIG.experiments.seeds_for, "experiments.seeds_for", "experiment with runs")
    catalogue.check_names(EXPERIMENTS, CONFIG.report.synced, "report.synced")
    catalogue.check_recipes(EXPERIMENTS, CONFIG.experiments)
except InputError as error:
    raise WorkflowError(str(error))


# What the rule of a decision reads; D4 has rules of its own.
EVIDENCE = {d: f"results/{p.evidence}" for d, p in POINTS.items() if p.evidence}


def evidence_for(d):
    """The same, and beside it for D1 the forecast, of a source that has one: what would bring how much."""
    return [EVIDENCE[d]] + [FORECAST] * (d == "d1" and CONFIG.data.source != "pfs_hdf5")


def at_rest(d):
    """The experiment whose verdict a decision reads, if it is paused: the decision is then open, and its default holds."""
    after = POINTS[d].after
    reads_verdict = POINTS[d].evidence == f"{after}/verdict.json"
    paused = reads_verdict and EXPERIMENTS[after].id in CONFIG.experiments.paused
    return EXPERIMENTS[after].id if paused else None


def content_of(path, *required):
    """An artifact that the graph depends on; a damaged one is one error without a traceback."""
    try:
        return read_json(path, required)
    except InputError as error:
        raise WorkflowError(str(error))


def outcome(d):
    """Outcome of a decision; Snakemake makes it first and then looks at the graph again."""
    path = checkpoints.decide.get(d=d).output[0]
    found = content_of(path, "outcome")["outcome"]
    if found not in list(POINTS[d].options):
        known = " or ".join(POINTS[d].options)
        raise WorkflowError(f"{path} holds the outcome {found!r}, expected {known}; delete it and run again")
    return found


def cancelled(experiment):
    """The decision and its outcome that cancel an experiment, or None; asks only for what its phase needs."""
    for d, closing in closed_by(experiment).items():
        if outcome(d) == closing:
            return d, closing
    return None


def recipe_of(phase):
    """The recipe that a phase starts from, once it is settled; Phase 1 starts from the configured one.

    Checkpoints are asked for in the order in which they feed one another: one that turns out to need no rerun after
    all is only recognised by a job that was not yet waiting for it.
    """
    if phase < 2:
        return []
    outcome("d3")
    checkpoints.propose.get()
    settled = checkpoints.settle_recipe.get().output.recipe
    return [str(settled if phase == 2 else checkpoints.recipe_phase3.get().output[0])]


def pass_gate(experiment):
    """Let an experiment into the graph, or stop with an error that says how to override.

    A later phase is not looked at until its recipe is settled: a job that is in the graph while a decision above it
    may still run stays marked for a rerun, even if the decision then comes out as before.
    """
    closed = cancelled(experiment)
    if closed:
        d, closing = closed
        opening = next(other for other in POINTS[d].options if other != closing)
        raise WorkflowError(
            f"MVP-{experiment.id} is cancelled by {d.upper()} = {closing}; to run it all the same, set "
            f"decisions.override: {{{d}: {opening}}} in the configuration"
        )
    for d in experiment.first_if:
        outcome(d)
    return recipe_of(experiment.phase)


def behind_gate(experiment, files):
    """Input function of a later phase's verdict; Phases 0 and 1 have no gate, and their files are plain inputs."""

    def gated(wildcards):
        pass_gate(experiment)
        return files

    return gated if experiment.phase > 1 else files


def active(phase):
    """Experiments of a phase that run."""
    return [
        key
        for key, e in EXPERIMENTS.items()
        if e.phase == phase and e.id not in CONFIG.experiments.paused and not cancelled(e)
    ]


def phase_verdicts(phase):
    """Input function: verdicts of a phase's active experiments that have variants."""

    def verdicts(wildcards):
        return [f"results/{key}/verdict.json" for key in active(phase) if EXPERIMENTS[key].acceptance]

    return verdicts


def foundations():
    """Phases 0 and 1, which no decision gates."""
    return [f"results/{key}/verdict.json" for phase in (0, 1) for key in active(phase)]


def extras():
    """What nothing is made from, and is wanted all the same.

    The evidence of decisions is: if it were gone while the decision is there, Snakemake would not miss it, and would
    not see that a threshold has changed. Only a source that simulates has a magnitude sweep, requirements and a forecast.
    """
    evidence = [f"results/decisions/{d}.evidence.json" for d in EVIDENCE]
    simulated = CONFIG.data.source != "pfs_hdf5"
    of_stars = [f"results/mvp_1_1/{name}.json" for name in ("magnitude_sweep", "requirements")]
    return evidence + simulated * [*of_stars, FORECAST]


def later_verdicts(wildcards):
    """What the decisions allow of Phases 2 and 3, once the recipes are settled."""
    allowed = []
    for phase in (2, 3):
        keys = active(phase)
        if keys:
            recipe_of(phase)
        allowed += [f"results/{key}/verdict.json" for key in keys]
    return allowed
