"""Evidence of a decision: the rule's verdict from measured numbers, and any override beside it."""

from logg1m.config.experiments import Decisions
from logg1m.decisions import gates
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    rule = gates.RULES[snakemake.wildcards.d]
    write_json(snakemake.output[0], rule(read_json(snakemake.input[0]), Decisions.of(snakemake.params.decisions)))
