"""The roadmap document: every MVP with its state, and the decisions."""

from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.files import read_json, write_text
from logg1m.job import job
from logg1m.report import status

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    experiments = {key: Experiment(**fields) for key, fields in params.experiments.items()}
    verdicts = {Path(path).parent.name: read_json(path) for path in [*given.foundations, *given.later]}
    decisions = {Path(path).stem: read_json(path) for path in given.decisions}
    table = status.rows(experiments, verdicts, decisions, tuple(params.paused))
    write_text(snakemake.output[0], status.as_markdown(table, decisions))
