"""The verdict of one experiment and what it reports beside its criteria."""

from pathlib import Path

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.extras import extra
from logg1m.experiments.judging import evidence, verdict
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job
from logg1m.results.origin import Origin

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    experiment = Experiment.of(params.experiment)
    Origin.of(params.origin).require(read_json(given.manifest))
    if experiment.artifact:
        result = verdict.from_artifact(experiment, read_json(given.artifact[0]))
    elif not params.variants:
        result = verdict.without_variants(experiment, params.model)
    else:
        names = [name for name in params.variants for _ in range(params.seeds)]
        folders = [str(Path(path).parent) for path in given.metrics]
        bootstrap = Bootstrap.of(params.bootstrap)
        found = evidence.read(experiment, names, folders, given, bootstrap, params.seed, params.seed_scatter)
        result = verdict.judge(experiment, found.runs, found.metrics, params.seed_scatter, bootstrap, params.seed)
        result = verdict.with_extras(result, {name: extra(name, found) for name in experiment.extra})
    write_json(snakemake.output[0], result)
