"""The outcome of a decision, and nothing else."""

from logg1m.decisions.gates import outcome
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    write_json(snakemake.output[0], outcome(read_json(snakemake.input[0], ("decision", "outcome"))))
