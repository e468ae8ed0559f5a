"""The verdict of one experiment, and its figures."""

from pathlib import Path

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments import verdict
from logg1m.files import read_json, read_parquet, write_json
from logg1m.job import job
from logg1m.members import read_members
from logg1m.report.experiment_figures import draw
from logg1m.store import Store

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    experiment = Experiment(**params.experiment)
    folder = Path(snakemake.output.verdict).parent
    if experiment.artifact:
        result = verdict.from_artifact(experiment, read_json(given.artifact[0]))
    elif not params.variants:
        result = verdict.without_variants(experiment, params.model)
    else:
        names = [name for name in params.variants for _ in range(params.seeds)]
        tables, evaluations = {}, {}
        for name, predictions, metrics in zip(names, given.predictions, given.metrics):
            tables.setdefault(name, []).append(read_parquet(predictions, ("id", "truth", "predicted")))
            evaluations.setdefault(name, []).append(read_json(metrics, ("low_noise", "full")))
        runs = verdict.Runs.of(tables, read_members(given.members, given.snr), Store(given.manifest).labels())
        bootstrap = Bootstrap(**params.bootstrap)
        result = verdict.judge(experiment, runs, evaluations, params.seed_scatter, bootstrap, params.seed)
    for name, kind in experiment.figures.items():
        draw(kind, result, Store(given.manifest), params.seed, folder / f"{name}.png")
    write_json(snakemake.output.verdict, result)
