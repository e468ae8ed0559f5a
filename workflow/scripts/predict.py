"""Predictions of all chunks in one file."""

from pathlib import Path

from logg1m.jobs.frame import job
from logg1m.predict.planning import merge

with job(snakemake):
    merge([str(path) for path in snakemake.input], Path(snakemake.output[0]))
