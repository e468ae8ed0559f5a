"""Figures of an experiment, each with its values beside it."""

from pathlib import Path

from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Experiment
from logg1m.experiments.judging import evidence
from logg1m.figures import catalogue, given
from logg1m.jobs.frame import job

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    asked = {name for kind in params.figures.values() for name in catalogue.asks_for(kind)}
    asked |= {"verdict"} & set(files.keys())  # says why, where a figure of runs has nothing to show
    found = given.read(asked - {"evidence"}, dict(files.items()), params.settings)
    if "evidence" in asked and params.variants:
        names = [name for name in params.variants for _ in range(params.seeds)]
        folders = [str(Path(path).parent) for path in files.metrics]
        experiment, bootstrap = Experiment.of(params.experiment), Bootstrap.of(params.bootstrap)
        found["evidence"] = evidence.read(experiment, names, folders, files, bootstrap, params.seed)
    for kind, path in zip(params.figures.values(), snakemake.output.figures):
        catalogue.draw(kind, found, Path(path))
