"""fisher.json: the numbers of MVP-1.1 to the byte, beside its figures."""

from pathlib import Path

from logg1m.files import write_text
from logg1m.jobs.frame import job

with job(snakemake):
    write_text(snakemake.output[0], Path(snakemake.input.numbers).read_text(encoding="utf-8"))
